"""When each step of a case is due: the organisation's own clocks, and those that law sets."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from services.resolution.domain.case import Case, Tier
from shared.calendar import BusinessCalendar

ServiceKind = Literal["acknowledge", "answer", "resolve"]
SERVICE_KINDS: Final[tuple[ServiceKind, ...]] = ("acknowledge", "answer", "resolve")
"""The steps that the organisation's own clocks run for."""

WARN_SHARE: Final = 0.75
"""A supervisor hears of a clock when this share of its time is used up: the usual first level in complaint products."""


class DeadlineState(StrEnum):
    """What became of a deadline."""

    RUNNING = "running"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"
    """The case was closed before it was decided; an undone link makes it run again as if never stopped."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    One clock of one round; ``kind`` is a step, or the name of a legal clock.

    ``done_at`` is when the step was done, in time or late; a missed deadline was decided at ``due_at``.
    """

    complaint_id: UUID
    round: int
    kind: str
    due_at: datetime
    warn_at: datetime
    legal: bool = False
    state: DeadlineState = DeadlineState.RUNNING
    done_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether the step is still to be done, in time or late."""
        return self.done_at is None and self.state is not DeadlineState.CANCELLED


@dataclass(frozen=True, slots=True)
class LegalClock:
    """
    A term that law or a regulator sets, counted from the receipt; nothing moves it.

    ``met_by`` is the step that ends it; ``source`` says where it is written; it holds for complaints received from
    ``effective_from`` on and before ``effective_to``.
    """

    kind: str
    country: str
    days: int
    working_days: bool
    met_by: ServiceKind
    source: str
    effective_from: date
    effective_to: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on *day*."""
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)

    def due_at(self, received_at: datetime, hours: BusinessCalendar) -> datetime:
        """The end of its last day; the day of the receipt is not counted (民法典 art. 201)."""
        if self.working_days:
            return hours.add_working_days(received_at, self.days)
        after = received_at.astimezone(hours.zone).date() + timedelta(days=self.days + 1)
        return datetime.combine(after, time(0), hours.zone).astimezone(UTC)


LEGAL_CLOCKS: Final[Mapping[str, LegalClock]] = {
    clock.kind: clock
    for clock in (
        LegalClock(
            kind="cn_12315_odr",
            country="CN",
            days=10,
            working_days=True,
            met_by="resolve",
            source="全国12315平台在线消费纠纷解决（ODR）企业工作职责：10 个工作日内与消费者协商和解",
            effective_from=date(2020, 1, 1),
        ),
    )
}
"""Terms that bind the organisation itself, by name; those of a regulator's own work are no clocks of ours."""


@dataclass(frozen=True, slots=True)
class ClockPolicy:
    """
    How long each step may take, in time in which the organisation is open.

    A service clock takes ``terms[kind]``, times the factors of the customer's tier and of the priority, but never
    more than ``slowest_factor`` times: the floor under which no customer's service falls. A round after the first
    takes ``recovery_factor`` of that. ``legal_kinds`` apply to every complaint, the other legal clocks of ``country``
    to complaints about regulation.
    """

    hours: BusinessCalendar
    terms: Mapping[ServiceKind, timedelta]
    tier_factors: Mapping[Tier, float] = field(default_factory=dict)
    priority_factors: Mapping[int, float] = field(default_factory=dict)
    slowest_factor: float = 1.5
    recovery_factor: float = 0.5
    country: str = "CN"
    legal_kinds: tuple[str, ...] = ()

    def term(self, kind: ServiceKind, case: Case) -> timedelta:
        """How much business time a step of this case may take."""
        factor = self.tier_factors.get(case.tier, 1.0) * self.priority_factors.get(case.priority, 1.0)
        factor = min(factor, self.slowest_factor)
        return self.terms[kind] * (factor * self.recovery_factor if case.round > 1 else factor)


def deadlines_of(case: Case, start: datetime, policy: ClockPolicy) -> Iterator[Deadline]:
    """
    Give the clocks of the case's present round.

    Args:
        case: whose; it has been received.
        start: when the round began; the first one begins with the receipt.
        policy: the terms.
    """
    for kind in SERVICE_KINDS:
        term = policy.term(kind, case)
        due_at = policy.hours.add_business_time(start, term)
        warn_at = policy.hours.add_business_time(start, WARN_SHARE * term)
        yield Deadline(case.complaint_id, case.round, kind, due_at, warn_at)
    yield from legal_deadlines_of(case, start, policy)


def legal_deadlines_of(case: Case, start: datetime, policy: ClockPolicy) -> Iterator[Deadline]:
    """
    Give the legal clocks of the case, which run from the receipt whatever the round.

    One that was over before a later round began is not missed anew.
    """
    received_at, hours = case.received_at, policy.hours
    if received_at is None:
        return
    for clock in LEGAL_CLOCKS.values():
        if not _applies(clock, case, received_at, policy):
            continue
        due_at = clock.due_at(received_at, hours)
        if case.round == 1 or due_at > start:
            term = hours.business_time_between(received_at, due_at)
            warn_at = hours.add_business_time(received_at, WARN_SHARE * term)
            yield Deadline(case.complaint_id, case.round, clock.kind, due_at, warn_at, legal=True)


def met_by(kind: str) -> ServiceKind:
    """The step that ends a clock; that of a legal clock no longer known is the resolution."""
    for step in SERVICE_KINDS:
        if kind == step:
            return step
    return LEGAL_CLOCKS[kind].met_by if kind in LEGAL_CLOCKS else "resolve"


def finish(deadline: Deadline, at: datetime) -> Deadline:
    """Note that its step was done; a deadline that was missed stays missed."""
    if not deadline.is_open:
        return deadline
    running = deadline.state is DeadlineState.RUNNING
    return replace(deadline, done_at=at, state=DeadlineState.MET if running else deadline.state)


def _applies(clock: LegalClock, case: Case, received_at: datetime, policy: ClockPolicy) -> bool:
    chosen = clock.kind in policy.legal_kinds or (case.regulated and clock.country == policy.country)
    return chosen and clock.holds_on(received_at.astimezone(policy.hours.zone).date())
