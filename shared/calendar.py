"""
Business time: when an organisation is open, and when a deadline measured in its time falls due.

Standard library only and no clock: every moment is an argument, aware, and comes back in UTC. Where the
holidays come from is the business of `shared.working_days`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Self, TypeAlias
from zoneinfo import ZoneInfo

Window: TypeAlias = tuple[time, time]
"""Opening and closing time on one day, local; closing at 00:00 means the midnight that ends the day."""

_MIDNIGHT = time(0)
_MONDAY, _SUNDAY = 0, 6
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class BusinessCalendar:
    """
    The hours in which an organisation's clocks run.

    A local time that a clock change skips counts as the same distance after the change, one that occurs twice
    means the first occurrence (RFC 5545 section 3.3.5).

    Attributes:
        zone: where the organisation's days and hours are.
        windows: the ordinary week, weekday (0 is Monday) to that day's windows, in order and apart.
        holidays: days closed whatever their weekday.
        extra_workdays: make-up days (调休), open whatever their weekday.
        known_until: the last day for which the holidays are published.
        makeup_windows: the hours of a make-up day; Monday's when left out.

    Raises:
        ValueError: if the windows overlap or run backwards, nothing is ever open, a make-up day has no hours,
            or a day is both a holiday and a make-up day.
    """

    zone: ZoneInfo
    windows: Mapping[int, tuple[Window, ...]]
    holidays: frozenset[date] = frozenset()
    extra_workdays: frozenset[date] = frozenset()
    known_until: date = date.max
    makeup_windows: tuple[Window, ...] | None = None

    def __post_init__(self) -> None:
        if not any(self.windows.values()):
            raise ValueError("a calendar needs at least one open window in the week")
        for weekday, windows in self.windows.items():
            if not _MONDAY <= weekday <= _SUNDAY:
                raise ValueError(f"weekday {weekday} is not 0 (Monday) to 6 (Sunday)")
            _check_windows(windows)
        _check_windows(self._makeup_windows)
        if self.extra_workdays and not self._makeup_windows:
            raise ValueError("make-up days need hours: give makeup_windows or open on Mondays")
        if both := self.holidays & self.extra_workdays:
            raise ValueError(f"{min(both)} cannot be both a holiday and a make-up day")

    @classmethod
    def always_open(cls, zone: ZoneInfo) -> Self:
        """Make a calendar that never closes: all day, every day, holidays or not."""
        return cls(zone, dict.fromkeys(range(7), ((_MIDNIGHT, _MIDNIGHT),)))

    def is_working_day(self, day: date) -> bool:
        """Tell whether the organisation opens at all on this local day."""
        return bool(self._windows_on(day))

    def is_open(self, at: datetime) -> bool:
        """Tell whether the organisation is open at this moment; at the closing minute it no longer is."""
        return self.next_open(at) == at

    def next_open(self, at: datetime) -> datetime:
        """Find the first open moment from `at` on: `at` itself when it is open."""
        return next(self._open_spans(_in_utc(at)))[0]

    def add_business_time(self, start: datetime, duration: timedelta) -> datetime:
        """
        Find the first moment by which `duration` of open time has passed since `start`.

        A duration used up as a window closes ends at that closing time, not at the next opening, and no
        duration at all ends at `start`, so that adding twice is adding the sum.

        Raises:
            ValueError: if `start` is naive or `duration` negative.
        """
        start = _in_utc(start)
        if duration < timedelta(0):
            raise ValueError(f"a clock cannot run backwards: {duration}")
        spans = self._open_spans(start)
        opens, closes = start, start
        while duration > closes - opens:
            duration -= closes - opens
            opens, closes = next(spans)
        return opens + duration

    def add_working_days(self, start: datetime, days: int) -> datetime:
        """
        Find when a term of working days ends: at the close of business of the last one.

        The local day of `start` is not counted, and where there are business hours the last day ends with them
        (民法典 art. 201 and 203).

        Raises:
            ValueError: if `start` is naive or `days` is less than 1.
        """
        if days < 1:
            raise ValueError(f"a term is at least one working day, not {days}")
        day = self._local_day(start)
        while days:
            day += _ONE_DAY
            days -= self.is_working_day(day)
        return self._moments(day, self._windows_on(day)[-1])[1]

    def business_time_between(self, earlier: datetime, later: datetime) -> timedelta:
        """Measure the open time from one moment to another; negative when they are the other way round."""
        since, until = _in_utc(earlier), _in_utc(later)
        if until < since:
            return -self.business_time_between(until, since)
        total = timedelta(0)
        for opens, closes in self._open_spans(since):
            if opens >= until:
                break
            total += min(closes, until) - opens
        return total

    def is_provisional(self, at: datetime) -> bool:
        """Tell whether a due date rests on holidays that are not published yet and may still move."""
        return self._local_day(at) > self.known_until

    @property
    def _makeup_windows(self) -> tuple[Window, ...]:
        return self.windows.get(_MONDAY, ()) if self.makeup_windows is None else self.makeup_windows

    def _windows_on(self, day: date) -> tuple[Window, ...]:
        if day in self.extra_workdays:
            return self._makeup_windows
        return () if day in self.holidays else self.windows.get(day.weekday(), ())

    def _local_day(self, at: datetime) -> date:
        return _in_utc(at).astimezone(self.zone).date()

    def _moments(self, day: date, window: Window) -> tuple[datetime, datetime]:
        opens, closes = window
        closing_day = day + _ONE_DAY if closes == _MIDNIGHT else day
        return (
            datetime.combine(day, opens, self.zone).astimezone(UTC),
            datetime.combine(closing_day, closes, self.zone).astimezone(UTC),
        )

    def _open_spans(self, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Give the open spans from `since` on, in order and apart, the first one cut at `since`."""
        # A skipped local time counts after the change, so yesterday's window can reach into today
        # and overlap it: what is already passed is cut off.
        day, passed = self._local_day(since) - _ONE_DAY, since
        while True:
            for window in self._windows_on(day):
                opens, closes = self._moments(day, window)
                if closes > passed:
                    yield max(opens, passed), closes
                    passed = closes
            day += _ONE_DAY


def _in_utc(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError(f"{at.isoformat()} has no time zone")
    return at.astimezone(UTC)


def _check_windows(windows: tuple[Window, ...]) -> None:
    for opens, closes in windows:
        if closes != _MIDNIGHT and closes <= opens:
            raise ValueError(f"a window cannot close at {closes} and open at {opens}; split it at midnight")
    for (_, closes), (opens, _) in pairwise(windows):
        if closes == _MIDNIGHT or opens < closes:
            raise ValueError(f"the window that opens at {opens} begins before the one before it has closed")
