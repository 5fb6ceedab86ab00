"""``plaint up`` and ``plaint down``: everything on this machine."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, Final, Literal

import typer

from plaint.local.ports import free_port, is_listening
from plaint.running import SERVICES, Installation, announced, default_data, end, make_data_folder, running, stack_in
from plaint.session import Session, session_of
from plaint.trouble import FAILED, UNREACHABLE, USAGE, Trouble

FIRST_PORT: Final = 8001
KAFKA_PORT: Final = 9092

_DETACHED_SECONDS = 180.0
_STOPPED_SECONDS = 90.0
_POLL_SECONDS = 0.1
_HIGHEST_PORT = 65_535


def up(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="up.data")] = None,
    broker: Annotated[Literal["tansu", "kafka"], typer.Option(help="up.broker")] = "tansu",
    port_base: Annotated[int | None, typer.Option(help="up.port_base", min=1, max=_HIGHEST_PORT - 3)] = None,
    service: Annotated[list[str] | None, typer.Option(help="any.service")] = None,
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="up.detach")] = False,
) -> None:
    """Start everything and keep it running."""
    session = session_of(context)
    folder = (data or session.data or default_data()).resolve()
    if any(stack.data == folder for stack in running()):
        raise Trouble("up.already", data=folder)
    ports = _ports(service or SERVICES, port_base)
    if detach:
        choices = [f"--broker={broker}", *([f"--port-base={port_base}"] if port_base else [])]
        choices += [f"--service={name}" for name in ports]
        _introduce(session, _started_apart(session, folder, choices), ending="up.stop_detached")
    else:
        _stay(session, folder, broker, ports)


def _ports(services: Sequence[str], base: int | None) -> dict[str, int]:
    """Choose where each service listens: from *base* on; where none is given, at the usual ports if all are free."""
    if unknown := [name for name in services if name not in SERVICES]:
        raise Trouble("usage.service", code=USAGE, name=unknown[0], known=", ".join(SERVICES))
    ports = {name: (base or FIRST_PORT) + SERVICES.index(name) for name in services}
    taken = [port for port in ports.values() if is_listening(port)]
    if taken and base is not None:
        raise Trouble("up.port_taken", code=USAGE, port=taken[0])
    return {name: free_port() for name in services} if taken else ports


def _stay(session: Session, folder: Path, broker: Literal["tansu", "kafka"], ports: dict[str, int]) -> None:
    # Only who starts a stack needs its stand-ins, which take a while to import.
    from plaint.stack import Stack  # noqa: PLC0415

    stack = Stack(
        folder,
        broker=broker,
        services=tuple(ports),
        ports=ports if is_listening(KAFKA_PORT) else {**ports, "kafka": KAFKA_PORT},
        tell=lambda key: session.screen.progress(session.words.progress(key)),
    )
    with _stopped_in_order(), stack, announced(stack.installation):
        _introduce(session, stack.installation, ending="up.stop")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
        # A second Ctrl-C would leave things half stopped.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        session.screen.progress(session.words("up.stopping"))


@contextmanager
def _stopped_in_order() -> Iterator[None]:
    """Take SIGTERM and a closed terminal for Ctrl-C, for the length of the block."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _started_apart(session: Session, folder: Path, choices: Sequence[str]) -> Installation:
    make_data_folder(folder)
    command = [sys.executable, "-m", "plaint", "--lang", session.words.language, "up", f"--data={folder}", *choices]
    log = folder / "plaint.log"
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    session.screen.progress(session.words("up.waiting"))
    deadline = time.monotonic() + _DETACHED_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if found := next((stack for stack in running() if stack.pid == process.pid), None):
            return found
        time.sleep(_POLL_SECONDS)
    process.terminate()
    raise Trouble("up.failed", code=FAILED, detail=log.read_text(errors="replace")[-2000:].strip(), log=log)


def _introduce(session: Session, found: Installation, ending: str) -> None:
    """Say what runs where, and what to do next."""
    screen, words = session.screen, session.words
    if screen.as_json:
        screen.item(
            {"urls": dict(found.urls), "kafka": found.bootstrap, "data": found.data, "key_file": found.key_file}
        )
        return
    screen.say(words("up.running"), "bold")
    for name, url in found.urls.items():
        screen.say(words("up.service", name=name, title=words(f"service.{name}"), url=url))
    screen.say(words("up.kafka", bootstrap=found.bootstrap, broker=found.broker))
    screen.say(words("up.kept", data=found.data, key_file=found.key_file))
    screen.say(words("up.next"), "bold")
    for example in ("send", "tail", "trace", "lag"):
        screen.say(words(f"up.example.{example}"))
    screen.say(words(ending), "dim")


def down(context: typer.Context, data: Annotated[Path | None, typer.Option(help="down.data")] = None) -> None:
    """Stop what ``up`` started."""
    session = session_of(context)
    found = stack_in(data or session.data)
    if found is None:
        raise Trouble("nothing.running", code=UNREACHABLE)
    if not end(found, _STOPPED_SECONDS):
        raise Trouble("down.too_slow", pid=found.pid)
    session.screen.say(session.words("down.done", data=found.data))
