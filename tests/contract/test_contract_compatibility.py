"""Within .v1 a type only ever gains something: what was written stays readable, who subscribed stays served."""

from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, create_model

from shared.contracts.documents import incompatibilities, schema_of, stored_schemas
from shared.contracts.registry import EVENTS


def test_every_type_has_a_stored_schema_and_no_schema_lost_its_type():
    assert set(stored_schemas()) == set(EVENTS)


@pytest.mark.parametrize("event_type", EVENTS)
def test_today_s_model_is_compatible_with_the_stored_schema(event_type):
    assert incompatibilities(stored_schemas()[event_type], schema_of(event_type)) == []


class Part(BaseModel):
    name: str


class PartWithNote(Part):
    note: str | None = None


class PartWithDemand(Part):
    size: int


FIELDS: dict[str, Any] = {
    "id": (UUID, ...),
    "score": (int, Field(ge=1, le=5)),
    "kind": (Literal["a", "b"], ...),
    "guess": (Literal["a", "b"] | None, None),
    "word": (str, Field(max_length=9)),
    "note": (str | None, None),
    "round": (int, 1),
    "parts": (tuple[Part, ...], ()),
    "shares": (dict[str, float], Field(default_factory=dict)),
}


def schema_with(**changed: Any) -> dict[str, Any]:
    fields = {name: definition for name, definition in (FIELDS | changed).items() if definition is not None}
    return create_model("Invented", **fields).model_json_schema()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"note": None}, "note: removed"),
        ({"note": None, "remark": (str | None, None)}, "note: removed"),
        ({"extra": (str, ...)}, "extra: newly required"),
        ({"round": (int, ...)}, "round: newly required"),
        ({"id": (UUID, UUID(int=1))}, "id: no longer always there"),
        ({"note": (str, "")}, "note: type changed"),
        ({"word": (str | None, Field(max_length=9))}, "word: type changed"),
        ({"score": (float, Field(ge=1, le=5))}, "score: type changed"),
        ({"id": (str, ...)}, "id: format changed"),
        ({"kind": (Literal["a"], ...)}, "kind: values taken away"),
        ({"kind": (Literal["a", "c"], ...)}, "kind: values taken away"),
        ({"guess": (Literal["b"] | None, None)}, "guess: values taken away"),
        ({"word": (Literal["yes", "no"], ...)}, "word: values taken away"),
        ({"word": (str, Field(max_length=9, pattern="^x"))}, "word: pattern changed"),
        ({"word": (str, Field(max_length=8))}, "word: maxLength narrowed"),
        ({"word": (str, Field(max_length=9, min_length=1))}, "word: minLength narrowed"),
        ({"score": (int, Field(ge=2, le=5))}, "score: minimum narrowed"),
        ({"score": (int, Field(ge=1, le=4))}, "score: maximum narrowed"),
        ({"round": (int, 2)}, "round: default changed"),
        ({"parts": (tuple[PartWithDemand, ...], ())}, "parts[].size: newly required"),
        ({"parts": (tuple[str, ...], ())}, "parts[]: type changed"),
        ({"shares": (dict[str, int], Field(default_factory=dict))}, "shares{}: type changed"),
    ],
)
def test_what_could_break_a_record_or_a_subscriber_is_named(changed, named):
    changes = incompatibilities(schema_with(), schema_with(**changed))

    assert any(change.startswith(named) for change in changes), changes


def test_a_model_that_no_longer_ignores_unknown_fields_is_named():
    closed = schema_with() | {"additionalProperties": False}

    assert incompatibilities(schema_with(), closed) == [": additionalProperties narrowed"]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"extra": (str | None, None)},
        {"extra": (PartWithDemand | None, None)},
        {"kind": (Literal["a", "b", "c"], ...)},
        {"kind": (str, ...)},
        {"score": (int, Field(ge=0, le=10))},
        {"word": (str, ...)},
        {"parts": (tuple[PartWithNote, ...], ())},
        {"note": (str | None, Field(default=None, description="said better"))},
    ],
)
def test_what_only_adds_is_compatible(changed):
    assert incompatibilities(schema_with(), schema_with(**changed)) == []
