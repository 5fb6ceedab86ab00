"""Child processes that log to a file, are waited for, and end with the process that started them."""

import atexit
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import httpx

from plaint.local import tether
from plaint.local.failure import LocalFailure
from plaint.local.spawning import spawn

Tell = Callable[[str], None]
"""Hears what is being done, as a key such as ``postgres.start``, for the caller to say in zh or en."""

_POLL_SECONDS = 0.03
_running: list["ServiceProcess"] = []


def silent(_key: str) -> None:
    """Hear progress and say nothing."""


class ServiceProcess:
    """
    One program run as a child, in a session of its own so that a Ctrl-C in the terminal reaches only the parent.

    When the parent exits the child is stopped; when the parent is killed Linux sends the child *orphan_signal*. Files
    the child creates are closed to other users.

    Args:
        name: Stands in the progress key (``<name>.start``) and in errors.
        command: Program and arguments; no shell.
        env: The whole environment of the program, as for ``subprocess``: nothing is added to it.
        log: The file its output is appended to, closed to other users.
        user: ``(uid, gid)`` to run as; only root can ask for it.
        stop_signal: What asks the program to stop in good order.
        orphan_signal: What the program gets when its parent dies; SIGKILL suits everything that survives a crash.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        env: Mapping[str, str],
        log: Path,
        *,
        user: tuple[int, int] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        orphan_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.name = name
        self.command = command
        self.env = env
        self.log = log.absolute()
        self.user = user
        self.stop_signal = stop_signal
        self.orphan_signal = orphan_signal
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._owner = os.getpid()

    @property
    def pid(self) -> int | None:
        """The id of the latest process, dead or alive; none before the first start."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether the program runs now."""
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """How the latest process ended, negative for a signal; none before the first start and while it runs."""
        return self._process.poll() if self._process else None

    def start(self, tell: Tell = silent) -> None:
        """
        Start the program; do nothing while it runs.

        Raises:
            OSError: The log cannot be written.
        """
        if self.alive:
            return
        tell(f"{self.name}.start")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._owner = os.getpid()
        with _private_append(self.log) as output:
            self._log_start = output.tell()
            self._process = spawn(lambda: self._open(output))
        _running.append(self)

    def _open(self, output: IO[bytes]) -> "subprocess.Popen[bytes]":
        user = "{}:{}".format(*self.user) if self.user else "-"
        tied = [tether.__file__, str(self._owner), str(int(self.orphan_signal)), user]
        return subprocess.Popen(  # noqa: S603 - the command is the caller's own, not input
            [sys.executable, "-I", "-S", *tied, *self.command],
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def stop(self, timeout: float = 10.0, stop_signal: signal.Signals | None = None) -> None:
        """
        Ask the program to stop, kill it if it still runs after *timeout* seconds; do nothing when it does not run.

        Args:
            timeout: Seconds it may take.
            stop_signal: Another signal than the usual one.
        """
        if self._process and self.alive:
            self._process.send_signal(stop_signal or self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """End the program and its children at once with SIGKILL; do nothing when it does not run."""
        if self._process and self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self in _running:
            _running.remove(self)

    def wait_ready(self, url: str, timeout: float = 30.0) -> None:
        """
        Wait until a GET of *url* answers with a 2xx status.

        Raises:
            LocalFailure: As for ``wait_until``.
        """
        # No proxy from the environment: it would not find this machine's loopback address.
        with httpx.Client(trust_env=False, timeout=2.0) as client:
            self.wait_until(lambda: _answers(client, url), timeout)

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> None:
        """
        Wait until *condition* holds, while the program lives.

        Raises:
            LocalFailure: ``<name>.died`` when it ended first, ``<name>.not_ready`` after *timeout* seconds, and then it
                is killed, so that none is left running unheard; both carry the tail of what this start logged.
        """
        deadline = time.monotonic() + timeout
        while not condition():
            if not self.alive:
                raise self._failure("died", f"ended with code {self.returncode} before it was ready")
            if time.monotonic() > deadline:
                self.kill()
                raise self._failure("not_ready", f"was not ready after {timeout:g} s")
            time.sleep(_POLL_SECONDS)

    def _failure(self, what: str, sentence: str) -> LocalFailure:
        return LocalFailure(f"{self.name}.{what}", f"{self.name} {sentence}; its log is {self.log}", self.log_tail())

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines logged since the latest start."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def _private_append(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600), "ab")


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).is_success
    except httpx.TransportError:
        return False


@atexit.register
def _stop_all() -> None:
    # Last started, first stopped: what was started later leans on what was there before.
    for process in reversed(_running.copy()):
        # A forked process inherits the list, but the children are its parent's.
        if process._owner == os.getpid():  # noqa: SLF001 - same module
            with suppress(OSError):
                process.stop()
