"""What the classifier found is told in the reader's words."""

from dataclasses import replace
from typing import get_args

import pytest

from services.routing.classifier import Script, explain, is_traditional, load
from services.routing.classifier.corpus import CAUSES, MANNERS, SUB_CAUSES
from services.routing.classifier.points import rules
from services.routing.classifier.wording import table

SCRIPTS = get_args(Script)


def test_everything_that_can_be_found_has_words_in_three_scripts() -> None:
    phrases = table("phrases.toml")
    told_of = {rule.name for rule in rules() if rule.towards == "severity"}

    assert set(phrases["cause"]) == set(CAUSES)
    assert set(phrases["manner"]) == set(MANNERS)
    assert set(phrases["rule"]) == {*told_of, "sounds_grave"}
    assert set(phrases["sub_cause"]) == set(SUB_CAUSES)
    for kind in phrases.values():
        assert all(set(words) == set(SCRIPTS) and all(words.values()) for words in kind.values())


@pytest.mark.parametrize(
    ("script", "cause", "grounds", "severity"),
    [
        ("hans", "承诺未兑现", "依据：", "严重程度：高"),
        ("hant", "承諾未兌現", "依據：", "嚴重程度：高"),
        ("en", "broken promise", "Because of: ", "Severity: high"),
    ],
)
def test_cause_grounds_and_severity_are_told(script: Script, cause: str, grounds: str, severity: str) -> None:
    verdict = load().classify("你们說好三天到账，现在第十一天了，再不退我就去12315举报")
    told = "\n".join(explain(verdict, script))

    assert f"{cause}" in told
    assert grounds in told
    assert "說好" in told
    assert severity in told
    assert "+3" in told


def test_doubt_and_other_contacts_are_told() -> None:
    classifier = load()

    assert "a person should look" in "\n".join(explain(classifier.classify("嗯"), "en"))
    assert "看来不是投诉。" in explain(classifier.classify("请问你们周末几点开门？"), "hans")


def test_what_an_answer_rests_on_is_told() -> None:
    open_words = load().classify("They came, they went, and here I am again with the same thing as before.")
    incomplete = replace(open_words, basis="degraded")

    assert "judged by the meaning of the whole" in "\n".join(explain(open_words, "en"))
    assert "句义编码器未安装" in "\n".join(explain(incomplete, "hans"))


def test_traditional_characters_are_recognised() -> None:
    assert is_traditional("說好三天")
    assert not is_traditional("说好三天 and more")
