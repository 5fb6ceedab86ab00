import json
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfoNotFoundError

import pytest

from shared.working_days import OverridesError, load_calendar

CLOSING_TIME = time(10)  # 18:00 in Shanghai, in UTC
YEARS = range(2025, 2028)


@pytest.fixture(scope="module")
def china():
    return load_calendar(years=YEARS)


@pytest.fixture
def override(tmp_path):
    def write(content):
        path = tmp_path / "overrides.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2025-09-26", 7, "2025-10-13"),
        ("2025-09-26", 10, "2025-10-16"),
        ("2025-09-26", 15, "2025-10-23"),
        ("2025-09-26", 45, "2025-12-04"),
        ("2026-02-13", 7, "2026-03-02"),
        ("2026-02-13", 15, "2026-03-12"),
        ("2026-02-13", 45, "2026-04-24"),
    ],
)
def test_terms_in_china_pass_over_holidays_and_count_make_up_weekends(china, start, days, end):
    """The expected days were computed with another library (chinesecalendar 1.11)."""
    noon = datetime.fromisoformat(f"{start}T04:00:00+00:00")

    assert china.add_working_days(noon, days) == datetime.combine(date.fromisoformat(end), CLOSING_TIME, UTC)


def test_the_make_up_days_of_2026_are_worked(china):
    decreed = {date(2026, *day) for day in ((1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10))}

    assert {day for day in china.extra_workdays if day.year == 2026} == decreed
    assert all(china.is_working_day(day) for day in decreed)
    assert not china.is_working_day(date(2026, 2, 17))
    assert not china.is_working_day(date(2026, 2, 21))


def test_a_year_without_decreed_make_up_days_is_provisional():
    # The library holds no decree for 2090 and never will before 2089.
    calendar = load_calendar(years=range(2025, 2091))

    assert date(2026, 12, 31) <= calendar.known_until < date(2090, 1, 1)
    assert not calendar.is_provisional(datetime(2026, 12, 31, 12, tzinfo=UTC))
    assert calendar.is_provisional(datetime(2090, 1, 4, 12, tzinfo=UTC))


def test_when_no_year_is_decreed_everything_is_provisional():
    assert load_calendar(years=range(2090, 2092)).known_until == date(2089, 12, 31)


def test_where_holidays_follow_from_the_law_all_loaded_years_are_known():
    calendar = load_calendar(country="GB", zone="Europe/London", years=range(2026, 2029))

    assert calendar.known_until == date(2028, 12, 31)
    assert calendar.add_working_days(datetime(2026, 12, 24, 12, tzinfo=UTC), 1).date() == date(2026, 12, 29)


def test_the_organisations_own_days_win(override):
    path = override({"closed": ["2026-05-09", "2026-03-03"], "open": ["2026-05-05", "2026-03-07"]})
    calendar = load_calendar(years=YEARS, overrides=path)

    assert not calendar.is_working_day(date(2026, 5, 9))
    assert not calendar.is_working_day(date(2026, 3, 3))
    assert calendar.is_working_day(date(2026, 5, 5))
    assert calendar.is_working_day(date(2026, 3, 7))


def test_a_holiday_worked_has_its_weekdays_hours_and_a_weekend_worked_the_make_up_hours(override):
    week = {0: ((time(9), time(18)),), 1: ((time(13), time(17)),)}
    path = override({"open": ["2026-05-05", "2026-03-07"]})
    calendar = load_calendar(windows=week, years=YEARS, overrides=path)

    due = [calendar.add_working_days(datetime(2026, *day, 4, tzinfo=UTC), 1) for day in ((5, 4), (3, 6))]

    assert due == [datetime(2026, 5, 5, 9, tzinfo=UTC), datetime(2026, 3, 7, 10, tzinfo=UTC)]


def test_a_decree_entered_by_hand_moves_the_known_horizon(override):
    path = override({"open": ["2089-02-20"], "known_until": "2089-12-31"})

    assert load_calendar(years=range(2026, 2091), overrides=path).known_until == date(2089, 12, 31)


def test_an_organisation_that_never_closes_needs_no_holidays():
    calendar = load_calendar(years=range(0), always_open=True)

    assert calendar.is_working_day(date(2026, 2, 17))
    assert calendar.is_open(datetime(2026, 2, 16, 19, tzinfo=UTC))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"closed": ["2026-05-04", "2026-13-04"]}, r"closed\[1\] is '2026-13-04'"),
        ({"open": [20260509.5]}, r"open\[0\] is 20260509.5"),
        ({"open": "2026-05-09"}, "open must be a list of dates, not '2026-05-09'"),
        ({"known_until": "soon"}, "known_until is 'soon'"),
        ({"shut": []}, "unknown entry 'shut'"),
        ({"closed": ["2026-05-04"], "open": ["2026-05-04"]}, "2026-05-04 is both"),
        (["2026-05-04"], "expected an object .* not list"),
        ('{"closed": [', "line 1 column"),
    ],
)
def test_a_broken_override_file_is_refused_by_file_and_entry(override, content, complaint):
    with pytest.raises(OverridesError, match=rf"overrides\.json: .*{complaint}"):
        load_calendar(years=YEARS, overrides=override(content))


def test_a_missing_override_file_is_refused_by_name(tmp_path):
    with pytest.raises(OverridesError, match=r"nowhere\.json"):
        load_calendar(years=YEARS, overrides=tmp_path / "nowhere.json")


def test_an_unknown_country_zone_or_no_year_is_refused():
    with pytest.raises(ValueError, match="no holiday data for country 'XX'"):
        load_calendar(country="XX", years=YEARS)
    with pytest.raises(ValueError, match="at least one year"):
        load_calendar(years=range(2026, 2026))
    with pytest.raises(ZoneInfoNotFoundError):
        load_calendar(zone="Asia/Nowhere", years=YEARS)
