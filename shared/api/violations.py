"""What pydantic found wrong with a request, as places and sentences for both languages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote

from shared.refusal import Violation

# A list of a hundred thousand wrong items is one mistake, not a hundred thousand lines of answer.
_MOST_SHOWN = 50

_ZH = {
    "missing": "缺少此项。",
    "extra_forbidden": "不接受此项。",
    "none_required": "必须为 null。",
    "string_type": "应为字符串。",
    "string_unicode": "不是有效的 Unicode 文本。",
    "string_too_short": "至少需要 {min_length} 个字符。",
    "string_too_long": "最多允许 {max_length} 个字符。",
    "string_pattern_mismatch": "格式应符合 {pattern}。",
    "string_not_ascii": "只能包含 ASCII 字符。",
    "bytes_type": "应为字节。",
    "int_type": "应为整数。",
    "int_parsing": "应为整数。",
    "int_parsing_size": "整数超出范围。",
    "int_from_float": "应为没有小数部分的整数。",
    "float_type": "应为数字。",
    "float_parsing": "应为数字。",
    "finite_number": "应为有限的数字。",
    "decimal_type": "应为十进制数。",
    "decimal_parsing": "应为十进制数。",
    "decimal_max_digits": "总位数不得超过 {max_digits}。",
    "decimal_max_places": "小数位数不得超过 {decimal_places}。",
    "bool_type": "应为 true 或 false。",
    "bool_parsing": "应为 true 或 false。",
    "greater_than": "应大于 {gt}。",
    "greater_than_equal": "应大于或等于 {ge}。",
    "less_than": "应小于 {lt}。",
    "less_than_equal": "应小于或等于 {le}。",
    "multiple_of": "应为 {multiple_of} 的倍数。",
    "literal_error": "应为以下之一：{expected}。",
    "enum": "应为以下之一：{expected}。",
    "list_type": "应为数组。",
    "tuple_type": "应为数组。",
    "set_type": "应为数组。",
    "dict_type": "应为对象。",
    "model_type": "应为对象。",
    "model_attributes_type": "应为对象。",
    "too_short": "至少需要 {min_length} 项，实际为 {actual_length} 项。",
    "too_long": "最多允许 {max_length} 项。",
    "date_type": "应为日期，例如 2026-03-01。",
    "date_parsing": "应为日期，例如 2026-03-01。",
    "date_from_datetime_parsing": "应为日期，例如 2026-03-01。",
    "date_from_datetime_inexact": "日期中不应包含时间。",
    "time_type": "应为时间，例如 09:30:00。",
    "time_parsing": "应为时间，例如 09:30:00。",
    "datetime_type": "应为日期时间，例如 2026-03-01T09:30:00+08:00。",
    "datetime_parsing": "应为日期时间，例如 2026-03-01T09:30:00+08:00。",
    "datetime_from_date_parsing": "应为日期时间，例如 2026-03-01T09:30:00+08:00。",
    "datetime_past": "应为过去的时间。",
    "datetime_future": "应为将来的时间。",
    "timezone_aware": "应带有时区。",
    "time_delta_type": "应为时长，例如 PT2H。",
    "time_delta_parsing": "应为时长，例如 PT2H。",
    "uuid_type": "应为 UUID。",
    "uuid_parsing": "应为 UUID。",
    "uuid_version": "应为第 {expected_version} 版 UUID。",
    "url_type": "应为网址。",
    "url_parsing": "应为网址。",
    "url_scheme": "网址应以下列协议之一开头：{expected_schemes}。",
    "union_tag_not_found": "缺少用于区分类型的 {discriminator}。",
    "union_tag_invalid": "{discriminator} 应为以下之一：{expected_tags}。",
}


def violations(errors: Sequence[Mapping[str, Any]], body: object) -> tuple[Violation, ...]:
    """
    Translate validation errors; at most 50 are told.

    A validator of our own speaks Chinese by raising ``PydanticCustomError(type, en, {"zh": …})``. What has no Chinese
    wording is told in English.

    Args:
        errors: as pydantic lists them, each ``loc`` beginning with body, query, path, header or cookie.
        body: the parsed body; only places that exist in it are pointed at.
    """
    return tuple(_violation(error, body) for error in islice(errors, _MOST_SHOWN))


def _violation(error: Mapping[str, Any], body: object) -> Violation:
    kind, context = error["type"], error.get("ctx") or {}
    where, *tokens = error["loc"]
    if kind == "json_invalid":
        reason = context.get("error", "")
        return Violation(
            "#", f"第 {tokens[0]} 个字符处不是有效的 JSON。", f"Not JSON at character {tokens[0]}: {reason}"
        )
    en = str(error["msg"]).removeprefix("Value error, ")
    if where != "body":
        return Violation("/".join(map(str, (where, *tokens))), _zh(kind, context) or en, en)
    return Violation(pointer(_real(tokens, body, missing=kind == "missing")), _zh(kind, context) or en, en)


def _zh(kind: str, context: Mapping[str, Any]) -> str | None:
    template = _ZH.get(kind)
    if template is None:
        return context.get("zh")
    try:
        return template.format_map(context)
    except KeyError:
        return None


def pointer(tokens: Iterable[str | int]) -> str:
    """Write a JSON Pointer in fragment form (RFC 6901 section 6): ``#/messages/0/text``."""
    escaped = (str(token).replace("~", "~0").replace("/", "~1") for token in tokens)
    return "#" + "".join(f"/{quote(token, safe='~@:!$&()*+,;=')}" for token in escaped)


def _real(tokens: Sequence[str | int], body: Any, *, missing: bool) -> Iterator[str | int]:  # noqa: ANN401 - any JSON
    """Leave out what pydantic mixes into a place: the names of union members and of validators."""
    for index, token in enumerate(tokens):
        if _holds(body, token):
            body = body[token]
            yield token
        elif missing and index == len(tokens) - 1:
            yield token


def _holds(body: object, token: str | int) -> bool:
    if isinstance(body, dict):
        return token in body
    return isinstance(body, list) and isinstance(token, int) and token < len(body)
