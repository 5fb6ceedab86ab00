"""Everything the command says exists in both languages, and every event has its sentence."""

import ast
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from plaint.language import LANGUAGES
from plaint.sentences import sentence, term
from plaint.words import Words, catalogue
from shared.contracts import event as words_of_the_language
from shared.contracts.followup import CallbackAbandoned, CallbackAttempted
from shared.contracts.intake import ContactRecorded
from shared.contracts.registry import EVENTS
from shared.contracts.resolution import CaseClosed, CaseReopened

BLANK = re.compile(r"\{(\w+)[:}]")
SOURCES = Path(str(files("plaint")))


def sample(event_type, language):
    path = files("shared.contracts") / "samples" / f"{event_type}.json"
    return EVENTS[event_type].model_validate(json.loads(path.read_text())[language]).model_dump(mode="json")


def keys_in_code():
    """The constant keys that the code asks the catalogue for."""
    for path in [*SOURCES.glob("*.py"), *(SOURCES / "commands").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in {"words", "Trouble"}:
                    yield node.args[0].value
            if isinstance(node, ast.keyword) and node.arg == "help" and isinstance(node.value, ast.Constant):
                yield f"help.{node.value.value}"


@pytest.mark.parametrize("name", ["command", "events", "terms"])
def test_both_languages_have_the_same_texts_with_the_same_blanks(name):
    texts = {language: catalogue(name, language) for language in LANGUAGES}

    assert texts["zh"].keys() == texts["en"].keys()
    for key in texts["en"]:
        assert set(BLANK.findall(texts["zh"][key])) == set(BLANK.findall(texts["en"][key])), key


def test_every_key_in_the_code_has_a_text():
    keys = set(keys_in_code())

    assert len(keys) > 60
    assert [key for key in keys if not Words("en").known(key)] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event_type", EVENTS)
def test_every_event_has_a_sentence(event_type, language):
    told = sentence(event_type, sample(event_type, language), language)

    assert event_type in catalogue("events", language)
    assert not set("{}[]–") & set(re.sub(r"[“”].*[“”]", "", told)), told
    assert event_type not in told


def test_the_catalogue_has_no_sentence_for_an_event_that_does_not_exist():
    assert catalogue("events", "en").keys() == EVENTS.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_of_the_published_language_has_a_word(language):
    def options(model, field):
        return get_args(model.model_fields[field].annotation)

    groups = {
        "cause": get_args(words_of_the_language.Cause),
        "channel": get_args(words_of_the_language.Channel),
        "manner": get_args(words_of_the_language.Manner),
        "severity": get_args(words_of_the_language.Severity),
        "purpose": options(words_of_the_language.MessageRequest, "purpose"),
        "contact": options(ContactRecorded, "kind"),
        "closed": options(CaseClosed, "reason"),
        "reopened": options(CaseReopened, "reason"),
        "call": options(CallbackAttempted, "outcome"),
        "abandoned": options(CallbackAbandoned, "reason"),
    }

    for group, values in groups.items():
        assert values
        assert [value for value in values if f"{group}.{value}" not in catalogue("terms", language)] == []


def test_optional_parts_go_when_their_field_is_missing():
    told = {"score": 5, "resolved": True, "comment": None}

    assert sentence("followup.satisfaction.recorded.v1", told, "en") == "The customer gave 5 of 5, problem solved: yes"


def test_what_a_customer_wrote_is_never_taken_for_a_template():
    told = sentence("resolution.case.answered.v1", {"text": "{by} [{x}] {0}", "by": "{text}"}, "en")

    assert told == "{text} answered the customer: “{by} [{x}] {0}”"


def test_an_unknown_type_is_shown_as_it_is():
    assert sentence("billing.note.added.v1", {"a": "漏水"}, "zh") == 'billing.note.added.v1 {"a": "漏水"}'


def test_a_field_of_another_shape_does_not_hide_the_event():
    told = sentence("resolution.case.opened.v1", {"deadlines": "soon"}, "en")

    assert told == 'resolution.case.opened.v1 {"deadlines": "soon"}'


def test_a_word_nobody_translated_stands_for_itself():
    assert term("remedy", "voucher", "zh") == "voucher"
