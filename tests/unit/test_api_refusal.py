"""A refusal says no in two languages."""

import pytest

from shared.refusal import Busy, Conflict, Invalid, NotFound, Refused, Violation


class CaseAnsweredSLA(Conflict):
    """
    This case has
    already been answered.

    What follows is for developers.
    """

    zh = "此投诉已经答复。"


def test_title_is_the_first_paragraph_in_english_and_zh_in_chinese():
    assert CaseAnsweredSLA.title("en") == "This case has already been answered."
    assert CaseAnsweredSLA.title("zh") == "此投诉已经答复。"


@pytest.mark.parametrize(
    ("kind", "slug"), [(CaseAnsweredSLA, "case-answered-sla"), (NotFound, "not-found"), (Refused, "refused")]
)
def test_slug_comes_from_the_class_name(kind, slug):
    assert kind.slug == slug


def test_extra_values_and_detail_travel_with_the_refusal():
    refusal = CaseAnsweredSLA(detail={"zh": "昨天。", "en": "Yesterday."}, round=2)

    assert refusal.values == {"round": 2}
    assert refusal.detail == {"zh": "昨天。", "en": "Yesterday."}


def test_values_are_not_in_the_text_of_the_exception():
    assert str(CaseAnsweredSLA(customer="Canary")) == "This case has already been answered."


def test_a_refusal_without_both_languages_cannot_be_defined():
    with pytest.raises(TypeError, match="zh"):
        type("OnlyEnglish", (Conflict,), {"__doc__": "No."})
    with pytest.raises(TypeError, match="docstring"):
        type("OnlyChinese", (Conflict,), {"zh": "不行。"})


def test_kinds_carry_what_their_answer_needs():
    violation = Violation("#/amount", zh="应为正数。", en="Must be positive.")

    assert Invalid([violation]).errors == (violation,)
    assert Invalid(errors=[violation]).errors[0].text("zh") == "应为正数。"
    assert Busy(retry_after_seconds=7).retry_after_seconds == 7
