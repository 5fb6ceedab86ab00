"""What a caller may rely on whichever Kafka broker it started."""

from types import TracebackType
from typing import Protocol, Self

from plaint.local.processes import Tell, silent


class Broker(Protocol):
    """
    A Kafka broker of this process, on the loopback address, without authentication.

    Attributes:
        bootstrap: ``host:port`` for clients; stays the same over restarts of this object.
        cluster_id: What the broker calls its cluster; empty before the first start.
        label: What to call it on a screen.
        durable: Whether what it acknowledged survives a restart.
    """

    label: str
    durable: bool
    bootstrap: str
    cluster_id: str

    def start(self, tell: Tell = silent) -> None:
        """
        Start the broker and wait until it takes records; do nothing while it runs.

        Raises:
            LocalFailure: It is not installed, died, or was not ready in time.
        """

    def stop(self) -> None:
        """Stop the broker in good order; do nothing when it does not run."""

    def kill(self) -> None:
        """End the broker with SIGKILL, as a crash would; do nothing when it does not run."""

    def __enter__(self) -> Self:
        """Start."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
