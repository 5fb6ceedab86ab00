"""JSON bodies: read them into their shape, and say in zh and en what does not fit."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from services.intake.channels.unreadable import Problem, Unreadable, unreadable
from services.intake.channels.wording import clean, clean_line

# A day-long chat is a few hundred kB; files come by reference.
MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_TEXT_CHARS = 100_000
_MAX_PROBLEMS = 20

_REASONS: Mapping[str, tuple[str, str]] = {
    "missing": ("缺少这个字段", "this field is missing"),
    "json_type": ("应为 JSON", "should be JSON"),
    "model_type": ("应为对象", "should be an object"),
    "model_attributes_type": ("应为对象", "should be an object"),
    "string_type": ("应为文字", "should be a string"),
    "string_too_short": ("不能为空", "must not be empty"),
    "string_too_long": ("文字过长", "is too long"),
    "tuple_type": ("应为列表", "should be a list"),
    "list_type": ("应为列表", "should be a list"),
    "too_long": ("条目过多", "has too many items"),
    "literal_error": ("不是允许的取值，允许：{expected}", "is none of the values allowed: {expected}"),
    "int_type": ("应为整数", "should be a whole number"),
    "int_parsing": ("应为整数", "should be a whole number"),
    "greater_than_equal": ("数值过小", "is too small"),
}
_NOT_A_MOMENT = ("不是有效的时间，应为 RFC 3339", "is no valid time, RFC 3339 is expected")
_DOES_NOT_FIT = ("不符合要求", "does not fit")


def _to_utc(moment: datetime) -> datetime:
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as beyond:
        raise ValueError("beyond the calendar") from beyond


def _number_to_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Moment = Annotated[datetime, AfterValidator(_to_utc)]
"""A time in UTC; one without an offset is taken as UTC."""
Text = Annotated[str, Field(max_length=MAX_TEXT_CHARS), AfterValidator(clean)]
"""Words of any length and several lines."""
Line = Annotated[str, Field(max_length=1000), AfterValidator(lambda value: clean_line(value) or "")]
"""A name, a subject, a number: one line."""
Key = Annotated[
    str,
    BeforeValidator(_number_to_text),
    Field(min_length=1, max_length=300),
    AfterValidator(lambda value: _not_blank(clean_line(value))),
]
"""An identifier as the front end has it; a whole number will do."""


def _not_blank(value: str | None) -> str:
    if value is None:
        raise ValueError("blank")
    return value


class Payload(BaseModel):
    """What every body has in common: unknown fields are ignored, nothing changes after reading."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


AnyPayload = TypeVar("AnyPayload", bound=Payload)


def read_payload(body: bytes, shape: type[AnyPayload]) -> AnyPayload:
    """
    Return *body* in its *shape*.

    Raises:
        Unreadable: it is too large, no JSON (the reason has line and column), or does not fit (up to 20 problems,
            each with its JSON pointer).
    """
    if len(body) > MAX_BODY_BYTES:
        raise unreadable("请求体过大", "the body is too large")
    try:
        return shape.model_validate_json(body.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as refusal:
        errors = refusal.errors(include_url=False, include_input=False)
        raise Unreadable(*(_problem(dict(error)) for error in errors[:_MAX_PROBLEMS])) from None


def _problem(error: dict[str, Any]) -> Problem:
    kind = str(error["type"])
    context = error.get("ctx", {})
    if kind == "json_invalid":
        where = str(context.get("error", ""))
        return Problem("", {"zh": f"不是有效的 JSON：{where}", "en": f"is no valid JSON: {where}"})
    zh, en = _NOT_A_MOMENT if kind.startswith(("datetime", "timezone")) else _REASONS.get(kind, _DOES_NOT_FIT)
    expected = str(context.get("expected", ""))
    return Problem(_pointer(error["loc"]), {"zh": zh.format(expected=expected), "en": en.format(expected=expected)})


def _pointer(location: tuple[int | str, ...]) -> str:
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in location)
    return "".join(f"/{step}" for step in steps)
