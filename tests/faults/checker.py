"""
What must hold after every fault, computed from what was kept and what was heard.

Pure: evidence in, sentences about what is wrong out. Services go on while evidence is collected, so it has two edges:
``settled`` counts the events that were there before positions were read, and the histories reach to the end.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tests.faults.recorder import Heard

GRACE = timedelta(seconds=5)
"""How long after its time a timer may still be open, while everything works."""
MAKERS = ("intake", "resolution", "followup")
"""Services that say things only while they apply an event; routing's classifier says some later."""
TOLD_AT_DUE_TIME = ("resolution.deadline.missed.v1", "resolution.promise.broken.v1")
OF_TIMERS = (*TOLD_AT_DUE_TIME, "resolution.deadline.approaching.v1", "followup.callback.abandoned.v1")

Track = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class Fact:
    """One event as its service's history has it; *written_at* is real time, *at* the service's own."""

    source: str
    subject: UUID
    sequence: int
    id: UUID
    type: str
    at: datetime
    written_at: datetime
    cause: UUID | None = None
    data: Mapping | None = None
    digest: int = 0


@dataclass(frozen=True, slots=True)
class Deadline:
    """A clock that runs."""

    subject: UUID
    kind: str
    due_at: datetime


@dataclass(slots=True)
class Evidence:
    """Everything that was found; mappings are by service."""

    answered: Collection[UUID] = ()
    stored: Collection[UUID] = ()
    histories: Mapping[str, Sequence[Fact]] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)
    last: Mapping[str, Mapping[UUID, int]] = field(default_factory=dict)
    hears: Mapping[str, Sequence[str]] = field(default_factory=dict)
    positions: Mapping[str, Mapping[Track, int]] = field(default_factory=dict)
    waiting: Mapping[str, Collection[tuple[str, UUID, int, str]]] = field(default_factory=dict)
    timers: Mapping[str, Collection[Deadline]] = field(default_factory=dict)
    running: Collection[Deadline] = ()
    """Deadlines of open cases that are neither met nor missed."""
    messages: Mapping[UUID, int] = field(default_factory=dict)
    """How many messages each case has counted."""
    heard: Sequence[Heard] = ()
    now: Mapping[str, datetime] = field(default_factory=dict)
    own_time: Callable[[str, datetime], datetime] = lambda _service, real: real
    """A service's own time at a real moment."""
    swapped: Collection[UUID] = ()
    """Subjects whose records were put on a topic in a wrong order."""
    planted: Collection[UUID] = ()
    """Subjects on which something was made to fail."""

    def early(self, service: str) -> Sequence[Fact]:
        """The facts that had been written when positions were read."""
        return self.histories[service][: self.settled[service]]


Invariant = Callable[[Evidence], Iterator[str]]


def broken(evidence: Evidence) -> list[str]:
    """What can never become right again."""
    return _found(NEVER, evidence)


def unfinished(evidence: Evidence) -> list[str]:
    """What is not done yet, and must be in the end."""
    return _found(IN_THE_END, evidence)


def shown(problems: Sequence[str], each: int = 3) -> str:
    """Some sentences of every kind, and how many there are."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        kinds[problem.partition(": ")[0]].append(problem)
    lines = [f"{len(found)} × {kind}" for kind, found in kinds.items()]
    return "\n".join([*lines, *(problem for found in kinds.values() for problem in found[:each])])


def every_answered_complaint_is_stored(evidence: Evidence) -> Iterator[str]:
    for complaint in set(evidence.answered) - set(evidence.stored):
        yield f"complaint {complaint} was answered and is not stored"


def nothing_is_stored_that_was_not_answered(evidence: Evidence) -> Iterator[str]:
    """Every caller has an answer by now, so one more complaint is one taken in twice."""
    for complaint in set(evidence.stored) - set(evidence.answered):
        yield f"complaint {complaint} is stored and nobody was told its number"


def no_complaint_has_two_cases(evidence: Evidence) -> Iterator[str]:
    opened = Counter(fact.subject for fact in evidence.histories["resolution"] if _is(fact, "case.opened"))
    for complaint, times in opened.items():
        if times > 1:
            yield f"complaint {complaint} has {times} cases"
        if complaint not in evidence.stored:
            yield f"complaint {complaint} has a case and is not stored"


def every_complaint_has_a_case(evidence: Evidence) -> Iterator[str]:
    opened = {fact.subject for fact in evidence.histories["resolution"] if _is(fact, "case.opened")}
    early = evidence.early("intake")
    received = {fact.subject for fact in early if _is(fact, "complaint.received")}
    over = {fact.subject for fact in evidence.histories["intake"] if _is(fact, "complaint.withdrawn", "linked")}
    for complaint in received - opened - over - set(evidence.planted):
        yield f"complaint {complaint} has no case"


def histories_are_numbered_without_gap(evidence: Evidence) -> Iterator[str]:
    for service, facts in evidence.histories.items():
        numbers: dict[UUID, int] = {}
        for fact in facts:
            expected = numbers.get(fact.subject, 0) + 1
            if fact.sequence != expected:
                yield f"{service} wrote {fact.sequence} of {fact.subject} where {expected} was next"
            numbers[fact.subject] = fact.sequence
        late = {fact.subject for fact in facts[evidence.settled[service] :]}
        for subject, last in evidence.last[service].items():
            if last > numbers.get(subject, 0) or (last < numbers.get(subject, 0) and subject not in late):
                yield f"{service} counts {last} for {subject}, its history {numbers.get(subject, 0)}"


def every_position_is_within_the_history(evidence: Evidence) -> Iterator[str]:
    for consumer, positions in evidence.positions.items():
        for source in evidence.hears[consumer]:
            lengths = Counter(fact.subject for fact in evidence.histories[source])
            for (heard, subject), last in positions.items():
                if heard == source and last > lengths[subject]:
                    yield f"{consumer} applied {last} of {source}'s {lengths[subject]} on {subject}"


def everything_is_applied(evidence: Evidence) -> Iterator[str]:
    """Waiting + applied (a discarded event counts as applied) = consumed; and only what was planted waits."""
    for consumer, positions in evidence.positions.items():
        waiting = Counter((source, subject) for source, subject, _, _ in evidence.waiting[consumer])
        for source in evidence.hears[consumer]:
            lengths = Counter(fact.subject for fact in evidence.early(source))
            for subject, length in lengths.items():
                track = (source, subject)
                if positions.get(track, 0) + waiting[track] < length:
                    yield f"{consumer} applied {positions.get(track, 0)} of {source}'s {length} on {subject}"


def only_what_was_planted_waits(evidence: Evidence) -> Iterator[str]:
    for consumer, waiting in evidence.waiting.items():
        for source, subject, sequence, reason in waiting:
            if subject not in evidence.planted:
                yield f"{consumer} keeps {source}'s {sequence} on {subject} waiting: {reason}"


def effects_are_single(evidence: Evidence) -> Iterator[str]:
    """One event makes one effect of a kind: its handler ran once."""
    for service, facts in evidence.histories.items():
        known = {fact.id for source in evidence.hears[service] for fact in evidence.histories[source]}
        effects = Counter((fact.cause, fact.subject, _effect(fact)) for fact in facts if fact.cause in known)
        for (cause, subject, effect), times in effects.items():
            if times > 1:
                yield f"{service} said {effect} {times} times on {subject} because of {cause}"


def effects_follow_in_the_order_of_their_causes(evidence: Evidence) -> Iterator[str]:
    places = {fact.id: fact for facts in evidence.histories.values() for fact in facts}
    for service in MAKERS:
        reached: dict[tuple[str, UUID], int] = {}
        for fact in evidence.histories[service]:
            cause = places.get(fact.cause) if fact.cause else None
            if cause is None or cause.source == service or cause.subject != fact.subject:
                continue
            track = (cause.source, fact.subject)
            if cause.sequence < reached.get(track, 0):
                yield f"{service} applied {cause.source}'s {cause.sequence} on {fact.subject} after {reached[track]}"
            reached[track] = cause.sequence


def messages_are_counted_once(evidence: Evidence) -> Iterator[str]:
    numbers: dict[UUID, list[int]] = defaultdict(list)
    for fact in evidence.histories["intake"]:
        if _is(fact, "message.received"):
            numbers[fact.subject].append(fact.sequence)
    for subject, counted in evidence.messages.items():
        position = evidence.positions["resolution"].get(("intake", subject), 0)
        applied = sum(number <= position for number in numbers[subject])
        if counted != applied:
            yield f"the case of {subject} counts {counted} messages and has applied {applied}"


def what_is_heard_was_written(evidence: Evidence) -> Iterator[str]:
    """No event without its row, and the row is what was published."""
    written = {(f.source, f.subject, f.sequence): f for facts in evidence.histories.values() for f in facts}
    for heard in evidence.heard:
        fact = written.get((heard.source, heard.subject, heard.sequence))
        if fact is None:
            yield f"{heard.source} published {heard.sequence} of {heard.subject} without a row"
        elif (fact.id, fact.digest) != (heard.id, heard.digest):
            yield f"{heard.source} published another {heard.sequence} of {heard.subject} than it has kept"


def everything_is_heard(evidence: Evidence) -> Iterator[str]:
    heard = {(each.source, each.subject, each.sequence) for each in evidence.heard}
    for service in evidence.histories:
        for fact in evidence.early(service):
            if (service, fact.subject, fact.sequence) not in heard:
                yield f"{service}'s {fact.sequence} on {fact.subject} is not on its topic"


def records_come_in_order(evidence: Evidence) -> Iterator[str]:
    """Repetitions dropped, each stream is 1, 2, 3 …"""
    reached: dict[Track, int] = defaultdict(int)
    for heard in evidence.heard:
        track = (heard.source, heard.subject)
        if heard.sequence > reached[track] + 1 and heard.subject not in evidence.swapped:
            yield f"{heard.sequence} of {heard.source} on {heard.subject} came after {reached[track]}"
        reached[track] = max(reached[track], heard.sequence)


def no_timer_fires_early(evidence: Evidence) -> Iterator[str]:
    for service, facts in evidence.histories.items():
        for fact in facts:
            if fact.type in TOLD_AT_DUE_TIME and fact.data is not None:
                due_at, own = _due(fact), evidence.own_time(service, fact.written_at)
                if own < due_at:
                    yield f"{service} said {fact.type} on {fact.subject} {due_at - own} early"


def a_breach_bears_the_time_it_was_due(evidence: Evidence) -> Iterator[str]:
    began: dict[tuple[UUID, int], datetime] = {}
    for fact in evidence.histories["resolution"]:
        if fact.data is None:
            continue
        turn = (fact.subject, fact.data.get("round", 1))
        if _is(fact, "case.opened", "case.reopened"):
            began[turn] = fact.at
        # A round that began when its time was over already says both at once, and no event is before its cause.
        elif fact.type in TOLD_AT_DUE_TIME and fact.at != (expected := max(_due(fact), began.get(turn, _due(fact)))):
            yield f"{fact.type} on {fact.subject} says {fact.at}, expected was {expected}"


def no_timer_fires_twice(evidence: Evidence) -> Iterator[str]:
    for facts in evidence.histories.values():
        fired = Counter((fact.type, fact.subject, _effect(fact)) for fact in facts if fact.type in OF_TIMERS)
        for (kind, subject, _), times in fired.items():
            if times > 1:
                yield f"{kind} was said {times} times on {subject}"


def no_timer_is_lost(evidence: Evidence) -> Iterator[str]:
    for service, timers in evidence.timers.items():
        for timer in timers:
            if timer.due_at < evidence.now[service] - GRACE and timer.subject not in evidence.planted:
                yield f"{service} still keeps timer {timer.kind} of {timer.subject}, due {timer.due_at}"
    for deadline in evidence.running:
        if deadline.due_at < evidence.now["resolution"] - GRACE and deadline.subject not in evidence.planted:
            yield f"deadline {deadline.kind} of {deadline.subject} passed at {deadline.due_at} and nobody said so"


NEVER = (
    every_answered_complaint_is_stored,
    nothing_is_stored_that_was_not_answered,
    no_complaint_has_two_cases,
    histories_are_numbered_without_gap,
    every_position_is_within_the_history,
    effects_are_single,
    effects_follow_in_the_order_of_their_causes,
    messages_are_counted_once,
    what_is_heard_was_written,
    records_come_in_order,
    no_timer_fires_early,
    a_breach_bears_the_time_it_was_due,
    no_timer_fires_twice,
)
IN_THE_END = (
    every_complaint_has_a_case,
    everything_is_applied,
    only_what_was_planted_waits,
    everything_is_heard,
    no_timer_is_lost,
)


def _found(invariants: Sequence[Invariant], evidence: Evidence) -> list[str]:
    return [f"{each.__name__}: {sentence}" for each in invariants for sentence in each(evidence)]


def _is(fact: Fact, *names: str) -> bool:
    return any(name in fact.type for name in names)


def _due(fact: Fact) -> datetime:
    return datetime.fromisoformat(fact.data["due_at"])


def _effect(fact: Fact) -> tuple:
    """What was said, apart from when: the same again would be the same effect twice."""
    data = fact.data or {}
    return (fact.type, *(data.get(name) for name in ("round", "kind", "attempt", "template", "purpose", "promise_id")))
