"""Say what was found and why, in the reader's words, all from one structure."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

from .classifier import WORDS, Classification
from .wording import table

Script = Literal["hans", "hant", "en"]

DOUBTFUL_BELOW = 0.45
"""Confidence under which routing asks a person unless it is told otherwise."""


def explain(verdict: Classification, script: Script) -> tuple[str, ...]:
    """
    Explain a classification to a person, one sentence an entry.

    Args:
        verdict: what the classifier found.
        script: simplified (``hans``) or traditional (``hant``) Chinese, or English (``en``).
    """
    return tuple(_sentences(verdict, script))


def _sentences(verdict: Classification, script: Script) -> Iterator[str]:
    def say(key: str, **values: object) -> str:
        return _phrase("sentence", key, script).format_map(values)

    def cause(name: str) -> dict[str, str]:
        return {"cause": _phrase("cause", name, script), "share": f"{verdict.probabilities[name]:.0%}"}

    if not verdict.is_complaint:
        yield say("other")
    yield say("cause", **cause(verdict.cause), kind=_phrase("sub_cause", verdict.sub_cause, script))
    if verdict.confidence < DOUBTFUL_BELOW:
        yield say("unsure")
    if verdict.basis != WORDS:
        yield say(verdict.basis)
    quoted = " ".join(f"“{ground.text.strip()}”" for ground in verdict.grounds)
    yield say("grounds", grounds=quoted) if quoted else say("groundless")
    yield (
        say("secondary", **cause(verdict.secondary))
        if verdict.secondary
        else say("runner_up", **cause(verdict.runner_up))
    )
    yield say("manner", manner=_phrase("manner", verdict.manner, script))
    given = [say("points", name=_phrase("rule", name, script), points=f"{points:+}") for name, points in verdict.points]
    yield ": ".join(
        [say("severity", severity=_phrase("severity", verdict.severity, script)), *filter(None, [", ".join(given)])]
    )
    yield say("model", model=verdict.model)


def _phrase(kind: str, key: str, script: Script) -> str:
    phrase: str = _phrases()[kind][key][script]
    return phrase


@lru_cache(maxsize=1)
def _phrases() -> dict[str, Any]:
    return table("phrases.toml")
