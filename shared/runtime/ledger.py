"""What the door itself remembers: what was applied, what waits, and what was answered."""

import traceback
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePath
from typing import Literal
from uuid import UUID

from shared.contracts.envelope import Envelope, Headers, read_envelope
from shared.runtime.needs import Need

Track = tuple[str, UUID]
"""What one source says about one subject: (source, subject)."""
Reason = Literal["gap", "behind", "error"]


@dataclass(frozen=True, slots=True)
class TrackNeed:
    """Ask for the position of a track and for what waits on it."""

    source: str
    subject: UUID


@dataclass(frozen=True, slots=True)
class AnswerNeed:
    """Ask whether a command with this idempotency key was answered before."""

    scope: str
    key: str


LedgerNeed = TrackNeed | AnswerNeed
AnyNeed = Need | LedgerNeed


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    An event that cannot be applied yet.

    ``gap``: an earlier one has not come; ``behind``: an earlier one waits itself; ``error``: its own handler raised,
    ``error`` says what and where, never with values.
    """

    source: str
    subject: UUID
    sequence: int
    type: str
    headers: Headers
    body: bytes
    reason: Reason
    first_at: datetime
    attempts: int = 0
    error: str | None = None

    @property
    def track(self) -> Track:
        """Whose and about what."""
        return (self.source, self.subject)

    @property
    def envelope(self) -> Envelope:
        """The envelope it came in."""
        return read_envelope(self.headers)

    def failed(self, error: BaseException) -> "Waiting":
        """This event after one more attempt that raised *error*."""
        return replace(self, reason="error", attempts=self.attempts + 1, error=describe(error))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command with an idempotency key was answered: JSON that can be given again."""

    scope: str
    key: str
    request_hash: str
    body: str
    at: datetime


@dataclass(slots=True)
class Ledger:
    """The part of a batch that handlers never see: ``…_before`` as loaded, the others as they will be written."""

    positions: dict[Track, int] = field(default_factory=dict)
    positions_before: dict[Track, int] = field(default_factory=dict)
    waiting: dict[tuple[str, UUID, int], Waiting | None] = field(default_factory=dict)
    waiting_before: dict[tuple[str, UUID, int], Waiting] = field(default_factory=dict)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    answers_before: dict[tuple[str, str], Answer] = field(default_factory=dict)
    failed_timers: dict[tuple[UUID, str], str] = field(default_factory=dict)

    def position(self, track: Track) -> int:
        """The last sequence that was applied; 0 before the first."""
        return self.positions.get(track, 0)

    def wait(self, waiting: Waiting) -> None:
        """Put an event to waiting, or change why it waits."""
        self.waiting[(*waiting.track, waiting.sequence)] = waiting

    def settle(self, track: Track, sequence: int) -> None:
        """Advance the position to *sequence*; if that event waited, it no longer does."""
        self.positions[track] = sequence
        if self.waiting.get((*track, sequence)):
            self.waiting[(*track, sequence)] = None

    def next_waiting(self, track: Track) -> Waiting | None:
        """The waiting event whose turn it is."""
        return self.waiting.get((*track, self.position(track) + 1))

    def accept_track(self, track: Track, position: int, waiting: list[Waiting]) -> None:
        """Take a track from the database."""
        self.positions[track] = self.positions_before[track] = position
        for event in waiting:
            key = (*track, event.sequence)
            self.waiting[key] = self.waiting_before[key] = event

    def accept_answer(self, answer: Answer) -> None:
        """Take an earlier answer from the database."""
        self.answers[answer.scope, answer.key] = self.answers_before[answer.scope, answer.key] = answer


def describe(error: BaseException) -> str:
    """An error's type and the place it was raised, without its message: messages can hold personal data."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return f"{type(error).__name__}{place}"
