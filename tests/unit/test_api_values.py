"""Texts and instants in requests: what a database can keep, and nothing else."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.api.values import Instant, Text
from shared.api.violations import violations

INSTANT, TEXT = TypeAdapter(Instant), TypeAdapter(Text)


@pytest.mark.parametrize("text", ["2026-03-01T09:30:00+08:00", "2026-03-01T01:30:00Z", "2026-03-01 01:30:00.000+00:00"])
def test_an_instant_is_told_in_utc(text):
    instant = INSTANT.validate_python(text)
    assert (instant, instant.tzinfo) == (datetime(2026, 3, 1, 1, 30, tzinfo=UTC), UTC)


@pytest.mark.parametrize("value", [0, 1.5, True, None, "0", " 1772328600 ", "-1", "1772328600.5"])
def test_seconds_since_1970_are_no_instant(value):
    with pytest.raises(ValidationError) as refused:
        INSTANT.validate_python(value)
    (violation,) = violations([{**refused.value.errors()[0], "loc": ("body", "at")}], {"at": value})
    assert (violation.pointer, violation.zh[:5], violation.en[:7]) == ("#/at", "应为日期时", "Must be")


@pytest.mark.parametrize("text", ["2026-03-01T09:30:00", "2026-03-01", "2026-02-30T00:00:00Z", "yesterday", ""])
def test_an_instant_has_an_offset_and_exists(text):
    with pytest.raises(ValidationError):
        INSTANT.validate_python(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_exists_in_utc_too(text):
    with pytest.raises(ValidationError, match="Out of range"):
        INSTANT.validate_python(text)


@pytest.mark.parametrize("text", ["", "多行\n文字\r\n", "🙂", "\x01"])
def test_a_text_may_hold_anything_else(text):
    assert TEXT.validate_python(text) == text


@pytest.mark.parametrize("text", ["\0", "a\0", "\0a", "a\n\0", "\ud800"])
def test_a_text_holds_no_nul_and_no_half_character(text):
    with pytest.raises(ValidationError):
        TEXT.validate_python(text)


def test_both_are_documented():
    assert INSTANT.json_schema() == {"type": "string", "format": "date-time"}
    assert TEXT.json_schema() == {"type": "string", "pattern": r"^[^\x00]*$"}
