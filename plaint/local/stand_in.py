"""What the database and the brokers have in common: one program, started and stopped by its owner."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from plaint.local.processes import ServiceProcess, Tell, silent


class StandIn(ABC):
    """A server run as a child process; as a context manager it runs for the length of the block."""

    _process: ServiceProcess | None = None
    _stop_seconds = 30.0

    @property
    def alive(self) -> bool:
        """Whether the program runs now."""
        return self._process is not None and self._process.alive

    @abstractmethod
    def start(self, tell: Tell = silent) -> None:
        """Start the program and wait until it can be used; do nothing while it runs."""

    def stop(self) -> None:
        """Stop the program in good order, by force when that takes too long; do nothing when it does not run."""
        if self._process:
            self._process.stop(self._stop_seconds)

    def kill(self) -> None:
        """End the program with SIGKILL, as a crash would; do nothing when it does not run."""
        if self._process:
            self._process.kill()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()
