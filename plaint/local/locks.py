"""One process at a time."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.05


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """
    Hold the lock file at *path*, waiting for as long as another process holds it.

    The system lets go of the lock when its holder dies, so none is ever stale. The file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def wait_unlocked(path: Path, timeout: float) -> bool:
    """
    Wait up to *timeout* seconds until no other program holds a record lock on *path*, and tell whether that is so.

    Record locks (``fcntl``) are what Java programs take; the ones of ``locked`` are of another kind.
    """
    deadline = time.monotonic() + timeout
    while path.exists() and _is_record_locked(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _is_record_locked(path: Path) -> bool:
    with path.open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
