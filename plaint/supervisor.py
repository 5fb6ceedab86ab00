"""Start again what dies, as the orchestrator of a real installation would."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from plaint.local.failure import LocalFailure
from plaint.local.processes import Tell

_LOOK_SECONDS = 0.5
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
# Who has lived this long has recovered; the next death is a new one.
_RECOVERED_SECONDS = 60.0


class Part(Protocol):
    """A process that can be started again under the same address."""

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        ...

    def start(self, tell: Tell = ...) -> None:
        """Start it."""
        ...


class Supervisor:
    """Watches *parts* from a thread of its own; one that keeps dying is started less and less often."""

    def __init__(self, parts: Mapping[str, Part], tell: Tell) -> None:
        self._parts = parts
        self._tell = tell
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._pauses: dict[str, float] = {}
        self._started: dict[str, float] = {}

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer; nothing is started once this has returned."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(_LOOK_SECONDS):
            for name, part in self._parts.items():
                if not part.alive and not self._ending.is_set():
                    self._revive(name, part)

    def _revive(self, name: str, part: Part) -> None:
        lived = time.monotonic() - self._started.get(name, float("-inf"))
        pause = _FIRST_PAUSE_SECONDS if lived > _RECOVERED_SECONDS else self._pauses[name]
        if lived < pause:
            return
        self._pauses[name] = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        self._started[name] = time.monotonic()
        self._tell(f"{name}.again")
        with suppress(LocalFailure, OSError):
            part.start()
