"""What callers may send: texts and instants that a database can keep."""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

NO_NUL: Final = r"^[^\x00]*$"
"""PostgreSQL takes no NUL in a text."""


def _written_out(value: object) -> object:
    # Left alone, pydantic reads a number as seconds since 1970.
    if isinstance(value, str) and not value.strip().lstrip("+-").replace(".", "", 1).isdecimal():
        return value
    zh, en = "应为日期时间，例如 2026-03-01T09:30:00+08:00。", "Must be a date-time such as 2026-03-01T09:30:00+08:00."
    raise PydanticCustomError("datetime_written_out", en, {"zh": zh})


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        zh, en = "换算为 UTC 后超出范围。", "Out of range when told in UTC."
        raise PydanticCustomError("datetime_out_of_range", en, {"zh": zh}) from error


Text = Annotated[str, StringConstraints(pattern=NO_NUL)]
"""The type of every free text in a request; lengths are the field's own affair."""

Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
"""The type of every instant in a request: RFC 3339 with an offset, then in UTC."""
