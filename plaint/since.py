"""Read when something is to begin: a moment, or how long ago."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from plaint.trouble import USAGE, Trouble

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO: Final = re.compile(r"(\d{1,6})([smhdw])")

EVERYTHING: Final = "all"
"""What stands for the very beginning."""


def moment(since: str, now: datetime | None = None) -> datetime | None:
    """
    Return the aware moment that *since* names, and nothing for ``all`` where there is no beginning.

    ``10m`` is ten minutes ago (s, m, h, d, w); anything else is a moment of RFC 3339, in this machine's time zone when
    it names none.

    Raises:
        Trouble: it is neither.
    """
    if since == EVERYTHING:
        return None
    if ago := _AGO.fullmatch(since):
        return (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        return datetime.fromisoformat(since).astimezone()
    except ValueError:
        raise Trouble("usage.since", code=USAGE, since=since) from None
