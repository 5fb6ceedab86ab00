"""One committed payload per type and language is readable today, valid, masked, and part of one story."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from shared.contracts.documents import SAMPLES, samples_of, stored_schemas
from shared.contracts.registry import EVENTS

LANGUAGES = ("zh", "en")
PERSONAL = re.compile(r"\S@\S|(?<![\w-])\+?\d[\d -]{6,}\d(?![\w-])")
EVERY_SAMPLE = [(event_type, language) for event_type in EVENTS for language in LANGUAGES]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def test_every_type_has_samples_and_no_sample_lost_its_type():
    assert {path.name for path in SAMPLES.iterdir()} == {f"{event_type}.json" for event_type in EVENTS}


def test_a_type_without_samples_is_an_error():
    with pytest.raises(FileNotFoundError):
        samples_of("intake.nothing.happened.v1")


@pytest.mark.parametrize(("event_type", "language"), EVERY_SAMPLE)
def test_a_sample_survives_the_round_trip_through_today_s_model(event_type, language):
    sample = samples_of(event_type)[language]

    event = EVENTS[event_type].model_validate(sample)
    again = event.model_dump(mode="json")

    assert {name: again[name] for name in sample} == sample
    assert EVENTS[event_type].model_validate_json(event.model_dump_json()) == event


@pytest.mark.parametrize(("event_type", "language"), EVERY_SAMPLE)
def test_a_sample_is_valid_against_the_stored_schema(event_type, language):
    schema = stored_schemas()[event_type]
    Draft202012Validator.check_schema(schema)

    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
        samples_of(event_type)[language]
    )


@pytest.mark.parametrize("event_type", EVENTS)
def test_an_unknown_field_and_a_missing_optional_one_are_no_obstacle(event_type):
    sample = samples_of(event_type)["en"]
    required = stored_schemas()[event_type]["required"]
    sparse = {name: sample[name] for name in required} | {"said_by_a_newer_producer": 1}

    Draft202012Validator(stored_schemas()[event_type]).validate(sparse)
    assert "said_by_a_newer_producer" not in EVENTS[event_type].model_validate(sparse).model_dump()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_samples_of_a_language_tell_one_complaint_s_story(language):
    subjects = {EVENTS[name].model_validate(samples_of(name)[language]).subject for name in EVENTS}
    contact = UUID(samples_of("intake.contact.recorded.v1")[language]["contact_id"])

    assert len(subjects - {contact}) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_grounds_point_at_the_words_of_the_complaint(language):
    text = samples_of("intake.complaint.received.v1")[language]["text"]
    grounds = samples_of("routing.complaint.classified.v1")[language]["grounds"]

    assert [text[ground["start"] : ground["end"]] for ground in grounds] == [ground["text"] for ground in grounds]


@pytest.mark.parametrize(("event_type", "language"), EVERY_SAMPLE)
def test_a_sample_holds_no_address_and_no_telephone_number(event_type, language):
    instant = re.compile(r"\d{4}-\d\d-\d\dT")
    said = [text for text in strings(samples_of(event_type)[language]) if not instant.match(text)]

    assert [text for text in said if PERSONAL.search(text)] == []
