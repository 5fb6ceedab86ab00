from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.calendar import BusinessCalendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)
WEEK = dict.fromkeys(range(5), ((time(9), time(12)), (time(13), time(18))))


def office(**changes):
    return BusinessCalendar(**{"zone": SHANGHAI, "windows": WEEK, **changes})


def shanghai(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


windows = st.lists(st.integers(0, 48).map(lambda half_hours: half_hours * 30), min_size=2, max_size=4, unique=True).map(
    lambda minutes: tuple(
        (clock_time(opens), clock_time(closes))
        for opens, closes in zip(sorted(minutes)[::2], sorted(minutes)[1::2], strict=False)
    )
)


def clock_time(minutes):
    return time(minutes // 60 % 24, minutes % 60)


@st.composite
def calendars(draw, zones=("Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Lord_Howe")):
    """Odd weeks around the clock changes of late October and early November 2026."""
    days = st.sets(st.integers(0, 20).map(lambda offset: date(2026, 10, 22) + timedelta(days=offset)))
    holidays = draw(days)
    return BusinessCalendar(
        zone=ZoneInfo(draw(st.sampled_from(zones))),
        windows=draw(st.dictionaries(st.integers(0, 6), windows, min_size=1, max_size=7)),
        holidays=frozenset(holidays),
        extra_workdays=frozenset(draw(days) - holidays),
        makeup_windows=draw(windows),
    )


moments = st.datetimes(datetime(2026, 10, 22), datetime(2026, 11, 9), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda at: at.replace(second=0, microsecond=0)
)
durations = st.integers(0, 3 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))


def open_by_wall_clock(calendar, at):
    """The slow way: what do the clock on the wall and the sheet on the door say?"""
    local = at.astimezone(calendar.zone)
    if local.date() in calendar.extra_workdays:
        hours = calendar.makeup_windows
    elif local.date() in calendar.holidays:
        hours = ()
    else:
        hours = calendar.windows.get(local.weekday(), ())
    return any(opens <= local.time() and (local.time() < closes or closes == time(0)) for opens, closes in hours)


@given(calendars(zones=("Asia/Shanghai", "Asia/Kathmandu")), moments)
@settings(max_examples=60, deadline=None)
def test_open_hours_are_those_on_the_door_minute_by_minute(calendar, start):
    minutes = [start + n * MINUTE for n in range(2 * 24 * 60)]
    open_minutes = [at for at in minutes if open_by_wall_clock(calendar, at)]

    assert [at for at in minutes[::17] if calendar.is_open(at)] == [
        at for at in minutes[::17] if open_by_wall_clock(calendar, at)
    ]
    assert calendar.business_time_between(start, minutes[-1] + MINUTE) == len(open_minutes) * MINUTE
    if open_minutes:
        assert calendar.next_open(start) == open_minutes[0]
        assert calendar.add_business_time(start, len(open_minutes) * MINUTE) == open_minutes[-1] + MINUTE


@given(calendars(), moments, durations)
@settings(deadline=None)
def test_time_added_is_time_measured(calendar, start, duration):
    due = calendar.add_business_time(start, duration)

    assert calendar.business_time_between(start, due) == duration
    assert calendar.business_time_between(due, start) == -duration


@given(calendars(), moments, durations, durations)
@settings(deadline=None)
def test_adding_twice_is_adding_the_sum_and_more_is_never_sooner(calendar, start, first, second):
    once = calendar.add_business_time(start, first)
    both = calendar.add_business_time(start, first + second)

    assert calendar.add_business_time(once, second) == both
    assert once <= both


@given(calendars(), moments, moments, durations)
@settings(deadline=None)
def test_a_later_start_is_never_due_sooner(calendar, one, other, duration):
    earlier, later = sorted((one, other))

    assert calendar.add_business_time(earlier, duration) <= calendar.add_business_time(later, duration)


@given(calendars(), moments, durations.filter(bool))
@settings(deadline=None)
def test_nothing_falls_due_in_a_closed_time(calendar, start, duration):
    due = calendar.add_business_time(start, duration)

    assert calendar.is_open(due - timedelta(microseconds=1))


@given(calendars(), moments)
@settings(deadline=None)
def test_the_next_open_moment_is_open_and_nothing_before_it(calendar, start):
    opens = calendar.next_open(start)

    assert opens >= start
    assert calendar.is_open(opens)
    assert calendar.business_time_between(start, opens) == timedelta(0)


@given(calendars(), moments, st.integers(1, 30))
@settings(deadline=None)
def test_working_days_are_counted_one_by_one(calendar, start, days):
    day, left = start.astimezone(calendar.zone).date(), days
    while left:
        day += timedelta(days=1)
        left -= calendar.is_working_day(day)

    due = calendar.add_working_days(start, days)

    assert (due - timedelta(microseconds=1)).astimezone(calendar.zone).date() == day
    assert not calendar.is_open(due) or due.astimezone(calendar.zone).time() == time(0)


def test_hours_pass_over_lunch_night_weekend_and_holiday_but_count_the_make_up_day():
    calendar = office(
        holidays=frozenset({date(2026, 11, 9)}),
        extra_workdays=frozenset({date(2026, 11, 7)}),
        makeup_windows=((time(10), time(12)),),
    )

    due = calendar.add_business_time(shanghai("2026-11-06 17:00"), timedelta(hours=4))

    assert due == shanghai("2026-11-10 10:00")


def test_a_make_up_day_has_mondays_hours_unless_told_otherwise():
    sunday = date(2026, 11, 8)
    calendar = office(extra_workdays=frozenset({sunday}))

    assert calendar.is_working_day(sunday)
    assert not office().is_working_day(sunday)
    assert calendar.add_working_days(shanghai("2026-11-07 10:00"), 1) == shanghai("2026-11-08 18:00")


def test_a_duration_used_up_at_closing_time_ends_there():
    assert office().add_business_time(shanghai("2026-11-06 16:00"), timedelta(hours=2)) == shanghai("2026-11-06 18:00")


def test_an_open_night_is_an_hour_longer_when_the_clocks_go_back_and_shorter_when_they_go_forward():
    night = BusinessCalendar(ZoneInfo("Europe/London"), dict.fromkeys(range(7), ((time(0), time(6)),)))

    def open_on(day):
        return night.business_time_between(
            datetime(2026, *day, 12, tzinfo=UTC) - timedelta(days=1), datetime(2026, *day, 12, tzinfo=UTC)
        )

    assert open_on((10, 25)) == timedelta(hours=7)
    assert open_on((3, 29)) == timedelta(hours=5)
    assert open_on((7, 1)) == timedelta(hours=6)


def test_hours_that_the_clock_change_skips_are_not_counted_twice():
    skipped = BusinessCalendar(ZoneInfo("America/New_York"), {6: ((time(2), time(2, 30)), (time(3), time(3, 15)))})
    change = datetime(2026, 3, 8, tzinfo=UTC)

    assert skipped.business_time_between(change, change + timedelta(days=1)) == timedelta(minutes=30)
    assert skipped.next_open(change) == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_a_day_that_a_zone_skips_is_not_counted_twice():
    """Samoa had no 30 December 2011."""
    calendar = BusinessCalendar(ZoneInfo("Pacific/Apia"), dict.fromkeys(range(7), ((time(9), time(17)),)))

    open_time = calendar.business_time_between(
        datetime(2011, 12, 29, 12, tzinfo=UTC), datetime(2012, 1, 1, 12, tzinfo=UTC)
    )

    assert open_time == timedelta(hours=24)


def test_a_calendar_that_never_closes_measures_plain_time():
    calendar = BusinessCalendar.always_open(SHANGHAI)
    start = datetime(2026, 2, 17, 3, 4, 5, tzinfo=UTC)

    assert calendar.is_open(start)
    assert calendar.add_business_time(start, timedelta(days=400, seconds=1)) == start + timedelta(days=400, seconds=1)
    assert calendar.add_working_days(start, 15) == shanghai("2026-03-05 00:00")
    assert not calendar.is_provisional(start + timedelta(days=4000))


def test_a_due_date_is_provisional_from_the_local_day_after_the_last_known_one():
    calendar = office(known_until=date(2026, 12, 31))

    assert not calendar.is_provisional(shanghai("2026-12-31 23:59"))
    assert calendar.is_provisional(shanghai("2027-01-01 00:00"))


def test_answers_are_in_utc_whatever_the_question_was_in():
    local = datetime(2026, 11, 6, 20, tzinfo=SHANGHAI)

    answers = (
        office().next_open(local),
        office().add_working_days(local, 1),
        office().add_business_time(local, timedelta(0)),
    )

    assert {answer.tzinfo for answer in answers} == {UTC}


@pytest.mark.parametrize(
    "ask",
    [
        lambda calendar, at: calendar.is_open(at),
        lambda calendar, at: calendar.next_open(at),
        lambda calendar, at: calendar.add_business_time(at, MINUTE),
        lambda calendar, at: calendar.add_working_days(at, 1),
        lambda calendar, at: calendar.business_time_between(at, at),
        lambda calendar, at: calendar.is_provisional(at),
    ],
)
def test_a_moment_without_a_zone_is_refused(ask):
    with pytest.raises(ValueError, match="no time zone"):
        ask(office(), datetime(2026, 11, 6, 10))  # noqa: DTZ001


def test_a_clock_that_runs_backwards_or_a_term_of_no_days_is_refused():
    with pytest.raises(ValueError, match="backwards"):
        office().add_business_time(shanghai("2026-11-06 10:00"), -MINUTE)
    with pytest.raises(ValueError, match="at least one working day"):
        office().add_working_days(shanghai("2026-11-06 10:00"), 0)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"windows": {}}, "at least one open window"),
        ({"windows": {7: ((time(9), time(18)),)}}, "weekday 7"),
        ({"windows": {0: ((time(22), time(6)),)}}, "split it at midnight"),
        ({"windows": {0: ((time(9), time(13)), (time(12), time(18)))}}, "before the one before it"),
        ({"windows": {0: ((time(9), time(0)), (time(12), time(18)))}}, "before the one before it"),
        ({"makeup_windows": ((time(18), time(9)),)}, "split it at midnight"),
        (
            {"windows": {1: ((time(9), time(18)),)}, "extra_workdays": frozenset({date(2026, 11, 7)})},
            "make-up days need hours",
        ),
        (
            {"holidays": frozenset({date(2026, 11, 7)}), "extra_workdays": frozenset({date(2026, 11, 7)})},
            "2026-11-07 cannot be both",
        ),
    ],
)
def test_an_impossible_calendar_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        office(**changes)
