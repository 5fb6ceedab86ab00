"""
Timers that are set, moved, cancelled and fired by a clock that also goes back, against a model of few lines.

``Reference`` says what the documentation promises: a timer fires once, never before its moment, and what it says is
stated as of that moment; a command, an event or another timer finds fired what was overdue; one that fails stays.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from shared.contracts.intake import MessageReceived
from shared.contracts.routing import TriageRequested
from shared.runtime.message import Command, Due, Handler
from shared.runtime.needs import Stream, rows
from shared.testing.clock import MONDAY_MORNING
from shared.testing.events import sample
from shared.testing.invented import Folder
from shared.testing.script import handler, script
from tests.unit.test_model_waiting import DoorMachine, play

MINUTE = timedelta(minutes=1)
SUBJECTS = (UUID(int=1), UUID(int=2))
AGAIN = "again"
"""The kind of timer that sets itself once more, three minutes later."""
KINDS_OF_TIMER = ("bell:noon", "bell:night", "gong", AGAIN)
LONGEST_PAUSE = timedelta(minutes=6)
"""After this long, one that failed has been tried again whatever the back-off."""

Timer = tuple[UUID, str]
TIMERS = st.tuples(st.sampled_from(SUBJECTS), st.sampled_from(KINDS_OF_TIMER))
MINUTES = st.integers(-2, 8)


class Reference:
    """What is open, and what was said of each subject, as kind and minute."""

    def __init__(self) -> None:
        self.now = 0
        self.due: dict[Timer, int] = {}
        self.said: dict[UUID, list[str]] = {subject: [] for subject in SUBJECTS}
        self.broken: set[str] = set()

    def fire(self, timer: Timer) -> str:
        """Its moment has come, or somebody says so."""
        subject, kind = timer
        due_at = self.due.get(timer)
        if due_at is None or due_at > self.now:
            return "gone"
        if kind.partition(":")[0] in self.broken:
            return "failed"
        del self.due[timer]
        self.said[subject].append(f"{kind}@{due_at}")
        if kind == AGAIN:
            self.due[timer] = due_at + 3
        return "done"

    def say_due(self, timer: Timer) -> str:
        """The loop says so: what else is overdue on its subject fires with it."""
        fate = self.fire(timer)
        if fate != "gone":
            self.catch_up(timer[0], self.now)
        return fate

    def catch_up(self, subject: UUID, until: int) -> None:
        """Before anything else happens to *subject*, what was due by then fires, oldest first."""
        failed: set[Timer] = set()
        while overdue := sorted((at, timer) for timer, at in self.due.items() if self._is_late(timer, subject, until)):
            ready = [timer for _, timer in overdue if timer not in failed]
            if not ready:
                return
            if self.fire(ready[0]) == "failed":
                failed.add(ready[0])

    def _is_late(self, timer: Timer, subject: UUID, until: int) -> bool:
        return timer[0] == subject and self.due[timer] <= min(until, self.now)


class TimerMachine(DoorMachine):
    """Timers beside their model."""

    def __init__(self) -> None:
        self.model = Reference()
        self.latest = 0
        super().__init__()

    def handlers_under_test(self) -> dict[type | str, Handler]:
        ring = replace(handler(self.ring), needs=needs_of_ringing)
        heard = replace(handler(lambda message, work: note(message.subject, "message", work)), needs=needs_of_ringing)
        return {"bell": ring, "gong": ring, AGAIN: ring, MessageReceived: heard}

    def ring(self, message, work) -> None:
        kind = message.payload.kind
        note(message.subject, f"{kind}@{minute_of(message.at)}", work)
        if kind == AGAIN:
            work.set_timer(message.subject, AGAIN, message.at + 3 * MINUTE)
        if kind.partition(":")[0] in self.model.broken:
            raise ValueError

    @rule(timer=TIMERS, after=MINUTES)
    def set_or_move(self, timer: Timer, after: int) -> None:
        at = self.model.now + after
        self.model.catch_up(timer[0], self.model.now)
        self.model.due[timer] = at
        self._command(timer[0], lambda work: work.set_timer(*timer, moment(at)))

    @rule(timer=TIMERS)
    def cancel(self, timer: Timer) -> None:
        self.model.catch_up(timer[0], self.model.now)
        self.model.due.pop(timer, None)
        self._command(timer[0], lambda work: work.cancel_timer(*timer))

    def _command(self, subject: UUID, run) -> None:
        assert self.put(Command(script(lambda _, work: run(work), Stream(subject)))) == ["done"]

    @rule(subject=st.sampled_from(SUBJECTS), minutes=st.integers(-3, 1))
    def hear(self, subject: UUID, minutes: int) -> None:
        """An event that happened some time ago, or on a clock that is ahead."""
        happened = self.model.now + minutes
        self.model.catch_up(subject, happened)
        self.model.said[subject].append("message")
        event = sample(MessageReceived, complaint_id=subject)
        assert self.put(self.door.others.say(event, at=moment(happened))) == ["done"]

    @rule(timers=st.lists(TIMERS, min_size=1, max_size=5))
    def say_that_they_are_due(self, timers: list[Timer]) -> None:
        """Two leaders, or one with an old list, may say so of any timer and more than once."""
        expected = [self.model.say_due(timer) for timer in timers]
        assert self.put(*(Due(*timer) for timer in timers)) == expected

    @rule(timers=st.lists(TIMERS, min_size=1, max_size=5))
    def die(self, timers: list[Timer]) -> None:
        self.put_and_die(*(Due(*timer) for timer in timers))

    @rule(minutes=st.integers(-4, 9))
    def pass_time(self, minutes: int) -> None:
        self._tick(minutes)

    @rule()
    def fire_what_is_due(self) -> None:
        """What the loop does: it reads what is due, oldest first, and puts it through the door."""
        listed = self.run(self.door.store.due_timers(self.door.clock.now(), 100))
        moments = [self.model.due[timer] for timer in listed]
        assert all(at <= self.model.now for at in moments)
        expected = [self.model.say_due(timer) for timer in listed]
        assert self.put(*(Due(*timer) for timer in listed)) == expected

    @rule(kind=st.sampled_from(["bell", "gong", AGAIN]))
    def break_handler(self, kind: str) -> None:
        self.model.broken.add(kind)

    @rule()
    def mend_handlers(self) -> None:
        self.model.broken.clear()

    def _tick(self, minutes: int) -> None:
        self.model.now += minutes
        self.latest = max(self.latest, self.model.now)
        self.door.clock.move(minutes * MINUTE)

    @invariant()
    def what_is_open_is_what_the_model_has_open(self) -> None:
        assert self.run(self.door.timers()) == {timer: moment(at) for timer, at in self.model.due.items()}

    @invariant()
    def what_was_said_is_what_the_model_said(self) -> None:
        kept = {page.id: page.title.split() for page in self.run(self.door.rows(Folder))}
        assert kept == {subject: said for subject, said in self.model.said.items() if said}

    @invariant()
    def a_story_reads_in_order(self) -> None:
        for subject in SUBJECTS:
            times = [one.envelope.time for one in self.run(self.door.said(subject))]
            assert times == sorted(times)
            assert len(times) == len(self.model.said[subject])

    def end(self) -> None:
        """When the handlers are mended and time passes, the loop fires everything that is due: none was lost."""
        self.mend_handlers()
        self._tick(self.latest - self.model.now + LONGEST_PAUSE // MINUTE)
        while late := [at for at in self.model.due.values() if at <= self.model.now]:
            self.fire_what_is_due()
            assert late != list(self.model.due.values())
        self.what_is_open_is_what_the_model_has_open()
        self.what_was_said_is_what_the_model_said()


def needs_of_ringing(message, _work) -> Iterator[object]:
    yield Stream(message.subject)
    yield rows(Folder, id=message.subject)


def note(subject: UUID, what: str, work) -> None:
    page = work.get(Folder, subject) or Folder(subject, "")
    work.put(replace(page, title=f"{page.title} {what}".strip()))
    work.announce(sample(TriageRequested, complaint_id=subject))


def moment(minute: int) -> datetime:
    return MONDAY_MORNING + minute * MINUTE


def minute_of(at: datetime) -> int:
    return (at - MONDAY_MORNING) // MINUTE


def test_timers_fire_once_at_their_own_moment_and_none_is_lost():
    play(TimerMachine)
