"""
The business calendar against a naive one that walks through the days quarter of an hour by quarter of an hour.

The naive one looks at the clock on the wall at every step. Clock changes are those of RFC 5545 section 3.3.5: a time
that occurs twice is the first one, a time that is skipped lies as far behind the change as it would have.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from shared.calendar import BusinessCalendar, Window
from shared.working_days import OFFICE_HOURS, load_calendar
from tests.unit.test_model_waiting import play

STEP = timedelta(minutes=15)
DAY = timedelta(days=1)
DAYS = 42
ZONES = ("Asia/Shanghai", "Asia/Kathmandu", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo")
"""Without clock changes, by an hour, by half an hour (Lord Howe), and at midnight (Cairo)."""
BEGINNINGS = (date(2026, 3, 1), date(2026, 4, 10), date(2026, 9, 20), date(2026, 10, 20))
"""Six weeks from each of these hold a clock change of every such zone at least once."""

Week = Mapping[int, tuple[Window, ...]]


class NaiveCalendar:
    """Which quarters of an hour are open, written down one by one."""

    def __init__(self, zone: str, beginning: date, week: Week, makeup: tuple[Window, ...]) -> None:
        self.zone, self.beginning, self.week, self.makeup = zone, beginning, week, makeup
        self.holidays: set[date] = set()
        self.extra: set[date] = set()
        self.known_until = date.max

    def windows_on(self, day: date) -> tuple[Window, ...]:
        if day in self.extra:
            return self.makeup
        return () if day in self.holidays else self.week.get(day.weekday(), ())

    def moment(self, day: date, at: time) -> datetime:
        return wall_clock(self.zone, self.beginning)[datetime.combine(day, at)]

    def closing(self, day: date, window: Window) -> datetime:
        return self.moment(day + DAY if window[1] == time(0) else day, window[1])

    def write_down(self) -> None:
        """Every open quarter of an hour, in order."""
        days = [self.beginning + n * DAY for n in range(-1, DAYS)]
        quarters: set[datetime] = set()
        for day in days:
            for window in self.windows_on(day):
                at = self.moment(day, window[0])
                while at < self.closing(day, window):
                    quarters.add(at)
                    at += STEP
        self.open = sorted(quarters)

    def add(self, start: datetime, duration: timedelta) -> datetime | None:
        """When so much open time has passed; None when it is beyond what was written down."""
        if not duration:
            return start
        ahead = [at for at in self.open if at >= start][: duration // STEP]
        return ahead[-1] + STEP if len(ahead) == duration // STEP else None

    def term(self, start: datetime, days: int) -> datetime | None:
        """The close of business of the last of so many working days after that of *start*."""
        day = start.astimezone(ZoneInfo(self.zone)).date()
        while days and day < self.beginning + (DAYS - 2) * DAY:
            day += DAY
            days -= bool(self.windows_on(day))
        return None if days else self.closing(day, self.windows_on(day)[-1])


@cache
def wall_clock(zone: str, beginning: date) -> dict[datetime, datetime]:
    """The moment at which the clock on the wall shows each local time, found by looking at it all the time."""
    found: dict[datetime, datetime] = {}
    at = datetime.combine(beginning - 3 * DAY, time(0), UTC)
    before = local(at, zone) - STEP
    for _ in range((DAYS + 6) * DAY // STEP):
        shown, expected = local(at, zone), before + STEP
        for skipped in (expected + n * STEP for n in range(max(0, (shown - expected) // STEP))):
            found.setdefault(skipped, at + (skipped - expected))
        found.setdefault(shown, at)
        before, at = shown, at + STEP
    return found


def local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def window(edges: set[int]) -> tuple[Window, ...]:
    """One or two windows from two or four half hours of the day."""
    halves = [time(edge // 2 % 24, edge % 2 * 30) for edge in sorted(edges)]
    return tuple(zip(halves[::2], halves[1::2], strict=True))


HALF_HOURS = st.integers(0, 47)
WINDOWS = st.one_of(
    st.sets(st.integers(0, 8), min_size=2, max_size=2).map(window),  # where clocks change
    st.sets(HALF_HOURS, min_size=2, max_size=2).map(window),
    st.sets(st.integers(0, 48), min_size=4, max_size=4).filter(lambda edges: not {0, 48} <= edges).map(window),
    st.just(((time(0), time(0)),)),
)
WEEKS = st.dictionaries(st.integers(0, 6), WINDOWS, min_size=2, max_size=7)
DAYS_AHEAD = st.integers(0, DAYS - 10)
MOMENTS = st.integers(0, (DAYS - 14) * DAY // STEP)
DURATIONS = st.integers(0, 400).map(lambda steps: steps * STEP)


class CalendarMachine(RuleBasedStateMachine):
    """An organisation that changes its calendar, and asks it."""

    @initialize(zone=st.sampled_from(ZONES), beginning=st.sampled_from(BEGINNINGS), week=WEEKS, makeup=WINDOWS)
    def open_for_business(self, zone: str, beginning: date, week: Week, makeup: tuple[Window, ...]) -> None:
        self.model = NaiveCalendar(zone, beginning, week, makeup)
        self.renew()

    def renew(self) -> None:
        model = self.model
        self.calendar = BusinessCalendar(
            zone=ZoneInfo(model.zone),
            windows=model.week,
            holidays=frozenset(model.holidays),
            extra_workdays=frozenset(model.extra),
            known_until=model.known_until,
            makeup_windows=model.makeup,
        )
        model.write_down()
        self.began = self.cursor = self.at(0)
        self.spent = timedelta(0)

    def at(self, steps: int) -> datetime:
        return datetime.combine(self.model.beginning, time(0), UTC) + steps * STEP

    @rule(ahead=DAYS_AHEAD, length=st.integers(1, 8))
    def close_days(self, ahead: int, length: int) -> None:
        """A holiday, or a whole week of them."""
        days = {self.model.beginning + (ahead + n) * DAY for n in range(length)}
        self.model.holidays |= days
        self.model.extra -= days
        self.renew()

    @rule(ahead=DAYS_AHEAD)
    def make_up(self, ahead: int) -> None:
        day = self.model.beginning + ahead * DAY
        self.model.extra.add(day)
        self.model.holidays.discard(day)
        self.renew()

    @rule(ahead=DAYS_AHEAD)
    def publish(self, ahead: int) -> None:
        """Holidays are known until a day: what falls due later may still move."""
        self.model.known_until = self.model.beginning + ahead * DAY
        self.renew()

    @rule(start=MOMENTS, duration=DURATIONS)
    def add(self, start: int, duration: timedelta) -> None:
        due = self.calendar.add_business_time(self.at(start), duration)
        expected = self.model.add(self.at(start), duration)
        assert due == expected if expected else due > self.model.open[-1]
        assert self.calendar.is_provisional(due) is (local(due, self.model.zone).date() > self.model.known_until)

    @rule(start=MOMENTS, later=st.integers(0, 200), duration=DURATIONS)
    def whoever_starts_later_is_due_no_sooner(self, start: int, later: int, duration: timedelta) -> None:
        due = self.calendar.add_business_time(self.at(start), duration)
        assert due <= self.calendar.add_business_time(self.at(start + later), duration)

    @rule(duration=DURATIONS)
    def spend(self, duration: timedelta) -> None:
        """Adding again and again is adding the sum."""
        self.spent += duration
        self.cursor = self.calendar.add_business_time(self.cursor, duration)
        assert self.cursor == self.calendar.add_business_time(self.began, self.spent)
        assert self.calendar.business_time_between(self.began, self.cursor) == self.spent

    @rule(one=MOMENTS, other=MOMENTS)
    def measure(self, one: int, other: int) -> None:
        since, until = self.at(min(one, other)), self.at(max(one, other))
        passed = sum(since <= at < until for at in self.model.open) * STEP
        assert self.calendar.business_time_between(since, until) == passed
        assert self.calendar.business_time_between(until, since) == -passed

    @rule(start=MOMENTS, days=st.integers(1, 15))
    def count_days(self, start: int, days: int) -> None:
        expected = self.model.term(self.at(start), days)
        if expected:
            assert self.calendar.add_working_days(self.at(start), days) == expected

    @precondition(lambda self: self.model.open)
    @rule(start=MOMENTS)
    def look_at_the_door(self, start: int) -> None:
        at = self.at(start)
        assert self.calendar.is_open(at) is (at in self.model.open)
        opens = next((quarter for quarter in self.model.open if quarter >= at), None)
        assert opens is None or self.calendar.next_open(at) == opens


def test_the_calendar_does_what_a_naive_one_does():
    play(CalendarMachine)


CLOSED_2026 = """
    01-01 01-02 01-03  02-15 02-16 02-17 02-18 02-19 02-20 02-21 02-22 02-23  04-04 04-05 04-06
    05-01 05-02 05-03 05-04 05-05  06-19 06-20 06-21  09-25 09-26 09-27  10-01 10-02 10-03 10-04 10-05 10-06 10-07
"""
WORKED_2026 = "01-04 02-14 02-28 05-09 09-20 10-10"
"""国务院办公厅关于2026年部分节假日安排的通知."""


def test_every_day_of_2026_is_worked_or_not_as_decreed():
    calendar = load_calendar(years=range(2026, 2027))
    days = [date(2026, 1, 1) + n * DAY for n in range(365)]
    closed, worked = (
        {date.fromisoformat(f"2026-{day}") for day in text.split()} for text in (CLOSED_2026, WORKED_2026)
    )

    expected = {day for day in days if day in worked or (day.weekday() in OFFICE_HOURS and day not in closed)}

    assert {day for day in days if calendar.is_working_day(day)} == expected
    assert not calendar.is_provisional(datetime(2026, 12, 31, 12, tzinfo=UTC))
    assert calendar.is_provisional(datetime(2027, 1, 1, 12, tzinfo=UTC))
