"""
Fill a business calendar with a country's public holidays, its make-up workdays and the organisation's own days.

The data come from the `holidays` library; what the library does not know yet, or what the organisation does
otherwise (banks rest on make-up days), stands in an override file.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays

from shared.bare import bare
from shared.calendar import BusinessCalendar, Window

OFFICE_HOURS: Mapping[int, tuple[Window, ...]] = {weekday: ((time(9), time(18)),) for weekday in range(5)}
"""Monday to Friday, 09:00 to 18:00."""

_PUBLISHED_YEAR_BY_YEAR = frozenset({"CN"})
"""Countries whose make-up workdays are decreed each year and occur in every decree (China: 5 to 8 since 2001)."""


class OverridesError(ValueError):
    """The override file cannot be used; the message names the file and the entry."""


@dataclass(frozen=True)
class Overrides:
    """
    What the organisation does otherwise than its country.

    Attributes:
        closed: days off.
        opened: days worked; at a weekend with the hours of a make-up day, else with the weekday's own.
        known_until: set once a decree is entered here by hand before the library has it.
    """

    closed: frozenset[date] = frozenset()
    opened: frozenset[date] = frozenset()
    known_until: date | None = None


def load_calendar(
    *,
    country: str = "CN",
    zone: str = "Asia/Shanghai",
    windows: Mapping[int, tuple[Window, ...]] = OFFICE_HOURS,
    years: range,
    overrides: Path | None = None,
    always_open: bool = False,
) -> BusinessCalendar:
    """
    Make the calendar of an organisation.

    Args:
        country: ISO 3166-1 alpha-2 code whose public holidays hold.
        zone: IANA time zone of the opening hours.
        windows: the ordinary week, weekday (0 is Monday) to windows.
        years: the calendar years to load; due dates beyond them are provisional.
        overrides: a JSON file `{"closed": ["2026-05-04"], "open": ["2026-05-09"]}`, optionally with
            `"known_until": "2027-12-31"` when a year's decree has been entered by hand.
        always_open: ignore all else but the zone and never close.

    Raises:
        OverridesError: if the override file is missing or broken.
        ValueError: if the country has no holiday data or no year is asked for.
        ZoneInfoNotFoundError: if the time zone does not exist.
    """
    if always_open:
        return BusinessCalendar.always_open(ZoneInfo(zone))
    if not years:
        raise ValueError("a calendar needs at least one year of holidays")
    public = _public_holidays(country, years)
    own = read_overrides(overrides) if overrides else Overrides()
    makeup = {day for day in public.weekend_workdays if day.year in years}
    makeup |= {day for day in own.opened if day.weekday() in public.weekend or not windows.get(day.weekday())}
    return BusinessCalendar(
        zone=ZoneInfo(zone),
        windows=windows,
        holidays=frozenset((public.keys() - makeup - own.opened) | own.closed),
        extra_workdays=frozenset(makeup - own.closed),
        known_until=own.known_until or _published_until(country, years, public.weekend_workdays),
    )


def read_overrides(path: Path) -> Overrides:
    """
    Read an organisation's override file.

    Raises:
        OverridesError: if it cannot be read, is no JSON object, or has an entry that is no date, is unknown or
            contradicts another.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OverridesError(f"{path}: {error}") from error
    if not isinstance(entries, dict):
        raise OverridesError(f"{path}: expected an object with closed and open, not {type(entries).__name__}")
    if unknown := entries.keys() - {"closed", "open", "known_until"}:
        raise OverridesError(f"{path}: unknown entry {min(unknown)!r}; known are closed, open, known_until")
    closed, opened = (_dates(path, name, entries.get(name, [])) for name in ("closed", "open"))
    if both := closed & opened:
        raise OverridesError(f"{path}: {min(both)} is both closed and open")
    known_until = entries.get("known_until")
    return Overrides(closed, opened, None if known_until is None else _date(path, "known_until", known_until))


def _public_holidays(country: str, years: range) -> holidays.HolidayBase:
    try:
        # One of its 250 countries, not all of them: 60 ms and 8 MB.
        with bare("holidays.countries"):
            return holidays.country_holidays(country, years=years, expand=False)
    except NotImplementedError as error:
        raise ValueError(f"no holiday data for country {country!r}") from error


def _published_until(country: str, years: range, makeup: Collection[date]) -> date:
    if country not in _PUBLISHED_YEAR_BY_YEAR:
        return date(max(years), 12, 31)
    published = {day.year for day in makeup} & set(years)
    return date(max(published, default=min(years) - 1), 12, 31)


def _dates(path: Path, name: str, entries: object) -> frozenset[date]:
    if not isinstance(entries, list):
        raise OverridesError(f"{path}: {name} must be a list of dates, not {entries!r}")
    return frozenset(_date(path, f"{name}[{index}]", entry) for index, entry in enumerate(entries))


def _date(path: Path, name: str, entry: object) -> date:
    try:
        day = date.fromisoformat(str(entry))
    except ValueError:
        day = None
    # Python also reads 20260504 and worse; a file that people edit has one way to write a day.
    if day is None or day.isoformat() != entry:
        raise OverridesError(f"{path}: {name} is {entry!r}, not a date like 2026-05-04")
    return day
