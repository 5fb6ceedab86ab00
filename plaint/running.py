"""Which installation a command speaks to: one that was started here, or one that the environment names."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from plaint.trouble import UNREACHABLE, Trouble
from shared.contracts.registry import OWNERS

SERVICES: Final = OWNERS
"""The four services, in the order a complaint meets them."""

_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Installation:
    """
    Where the services and the broker are, and with which key to speak to them.

    Attributes:
        urls: the address of each service.
        bootstrap: ``host:port`` of Kafka, empty when not known.
        prefix: what stands before every topic.
        key: the operator's API key; never shown.
        key_file: where that key is kept, for people who want to use it elsewhere.
        keys_file: the hashed keys that the services read.
        broker: what the broker is called on a screen.
        data: the folder of the stack; none for a real installation.
        pid: the process that keeps the stack running; none for a real installation.
    """

    urls: Mapping[str, str]
    bootstrap: str = ""
    prefix: str = ""
    key: str = field(default="", repr=False)
    key_file: Path | None = None
    keys_file: Path | None = None
    broker: str = ""
    data: Path | None = None
    pid: int | None = None


def home() -> Path:
    """Return the user's own folder for what is running now: ``PLAINT_HOME``, else ``~/.plaint``."""
    return Path(os.environ.get("PLAINT_HOME") or Path.home() / ".plaint")


@contextmanager
def announced(installation: Installation) -> Iterator[None]:
    """
    Let other commands of this user find *installation* for the length of the block.

    The file is locked until the process ends, whatever ends it: a file without a lock is a dead one, whatever has
    become of its process number, and ``end`` knows by the lock when everything is over.
    """
    path = _record(os.getpid())
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, _written(installation).encode())
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def end(stack: Installation, seconds: float) -> bool:
    """Ask the process that keeps *stack* running to stop, and tell whether it has ended within *seconds*."""
    if stack.pid is None:
        return True
    with suppress(FileNotFoundError, ProcessLookupError), _record(stack.pid).open() as record:
        os.kill(stack.pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while not _is_unlocked(record.fileno()):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
    return True


def _record(pid: int) -> Path:
    return home() / "running" / f"{pid}.json"


def _written(installation: Installation) -> str:
    # The key itself stays in its own file.
    known = {name: value for name, value in asdict(installation).items() if name != "key"}
    return json.dumps(known | {"pid": os.getpid()}, default=str)


def running() -> list[Installation]:
    """Return what this user has running, the latest first, and sweep away what has died."""
    paths = sorted((home() / "running").glob("*.json"), key=_started_at, reverse=True)
    return [found for path in paths if (found := _read(path)) is not None]


def _started_at(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _read(path: Path) -> Installation | None:
    try:
        with path.open() as file:
            if _is_unlocked(file.fileno()):
                path.unlink(missing_ok=True)
                return None
            return _installation(json.load(file))
    except (OSError, ValueError):
        return None


def _is_unlocked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _installation(known: Mapping[str, Any]) -> Installation:
    paths = {name: Path(known[name]) for name in ("key_file", "keys_file", "data") if known.get(name)}
    key_file = paths.get("key_file")
    key = key_file.read_text().strip() if key_file else ""
    return Installation(**{**known, **paths, "key": key})


def installation(environment: Mapping[str, str], data: Path | None = None) -> Installation:
    """
    Return what to speak to: what runs on *data*, else in the working folder, else the latest.

    What the environment names (``PLAINT_INTAKE_URL``, ``PLAINT_API_KEY`` …) goes before that.

    Raises:
        Trouble: nothing runs here and the environment names nothing.
    """
    found = stack_in(data)
    named: dict[str, str] = {
        name: url.rstrip("/") for name in SERVICES if (url := environment.get(f"PLAINT_{name.upper()}_URL"))
    }
    if found is None and not named:
        raise Trouble("nothing.running", code=UNREACHABLE)
    known = found or Installation({})
    return replace(
        known,
        urls={**known.urls, **named},
        key=environment.get("PLAINT_API_KEY") or known.key,
        bootstrap=environment.get("PLAINT_KAFKA__BOOTSTRAP_SERVERS") or known.bootstrap,
        prefix=environment.get("PLAINT_KAFKA__PREFIX", known.prefix),
        keys_file=Path(environment["PLAINT_KEYS_FILE"]) if environment.get("PLAINT_KEYS_FILE") else known.keys_file,
    )


def stack_in(data: Path | None) -> Installation | None:
    """Return what runs on *data*; when none is named, what runs in the working folder, else the latest."""
    stacks = running()
    folder = (data or default_data()).resolve()
    here = next((stack for stack in stacks if stack.data == folder), None)
    return here or (stacks[0] if stacks and data is None else None)


def default_data() -> Path:
    """Return where a stack keeps its data unless told otherwise."""
    return Path(".plaint") / "data"


def make_data_folder(folder: Path) -> None:
    """Create *folder*, closed to other users but for passing: under root the database runs as a user of its own."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o711)
