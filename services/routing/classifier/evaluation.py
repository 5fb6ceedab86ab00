"""Measure a classifier on texts it has not seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import and_

import numpy as np

from .classifier import Classification, Classifier
from .corpus import CAUSES, GRAVE, MANNERS, Text

TRIAGE_BELOW = 0.45
"""Confidence under which routing asks a person; reported here as "answered by itself"."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A text and what the classifier says of it."""

    text: Text
    verdict: Classification

    @property
    def right(self) -> bool:
        """Tell whether the cause is the one people gave."""
        return self.verdict.cause == self.text.cause


def judge(classifier: Classifier, texts: Sequence[Text]) -> list[Judged]:
    """Classify every text."""
    return [Judged(text, classifier.classify(text.text)) for text in texts]


def report(judged: Sequence[Judged]) -> dict[str, float]:
    """
    Return the figures that the documentation quotes, name to value (shares and F1 from 0 to 1).

    Cause, confidence, manner and severity are measured on complaints; kinds on everything.
    """
    complaints = [one for one in judged if one.text.cause]
    return {
        "texts": len(judged),
        "complaints": len(complaints),
        "cause macro-F1": _macro_f1(complaints),
        "cause accuracy": _share(complaints, _right),
        "cause in top two": _share(complaints, _in_top_two),
        "sub-cause accuracy": _share(
            [one for one in complaints if one.text.sub], lambda one: one.verdict.sub_cause == one.text.sub_cause
        ),
        **_slices(complaints),
        **{f"cause F1 {cause}": _f1(complaints, cause) for cause in CAUSES},
        **_confidence(complaints),
        **_manner_and_severity(complaints),
        "complaint F1": _complaint_f1(judged),
        "complaints recognised": _share(
            [one for one in judged if one.text.is_complaint], lambda one: one.verdict.is_complaint
        ),
        "other contacts recognised": _share(
            [one for one in judged if not one.text.is_complaint], lambda one: not one.verdict.is_complaint
        ),
    }


def _slices(complaints: Sequence[Judged]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for field in ("source", "writing", "channel", "difficulty"):
        for value in sorted({getattr(one.text, field) for one in complaints}):
            part = [one for one in complaints if getattr(one.text, field) == value]
            figures[f"cause macro-F1 {field} {value} (n={len(part)})"] = _macro_f1(part)
    return figures


def _confidence(complaints: Sequence[Judged]) -> dict[str, float]:
    ranked = sorted(complaints, key=lambda one: -one.verdict.confidence)
    sure = [one for one in ranked if one.verdict.confidence >= TRIAGE_BELOW]
    return {
        "accuracy of the surest half": _share(ranked[: len(ranked) // 2], _right),
        "calibration error (ECE, 10 bins)": _calibration_error(complaints),
        f"share answered at {TRIAGE_BELOW}": len(sure) / max(len(ranked), 1),
        f"accuracy answered at {TRIAGE_BELOW}": _share(sure, _right),
    }


def _manner_and_severity(complaints: Sequence[Judged]) -> dict[str, float]:
    spoken = [one for one in complaints if one.text.manner]
    weighed = [one for one in complaints if one.text.severity]
    grave = [one for one in weighed if one.text.severity in GRAVE]
    called_grave = [one for one in weighed if _called_grave(one)]
    return {
        "manner macro-F1": float(np.mean([_manner_f1(spoken, manner) for manner in MANNERS])),
        "manner accuracy": _share(spoken, lambda one: one.verdict.manner == one.text.manner),
        "high severity recall": _share(grave, _called_grave),
        "high severity precision": _share(called_grave, lambda one: one.text.severity in GRAVE),
    }


def _called_grave(one: Judged) -> bool:
    return one.verdict.severity in GRAVE


def _right(one: Judged) -> bool:
    return one.right


def _in_top_two(one: Judged) -> bool:
    return one.text.cause in {one.verdict.cause, one.verdict.runner_up}


def _share(judged: Sequence[Judged], test: Callable[[Judged], bool]) -> float:
    return sum(map(test, judged)) / len(judged) if judged else float("nan")


def _macro_f1(judged: Sequence[Judged]) -> float:
    return float(np.mean([_f1(judged, cause) for cause in CAUSES]))


def _f1(judged: Sequence[Judged], cause: str) -> float:
    return _overlap([one.text.cause == cause for one in judged], [one.verdict.cause == cause for one in judged])


def _manner_f1(judged: Sequence[Judged], manner: str) -> float:
    return _overlap([one.text.manner == manner for one in judged], [one.verdict.manner == manner for one in judged])


def _complaint_f1(judged: Sequence[Judged]) -> float:
    return _overlap([one.text.is_complaint for one in judged], [one.verdict.is_complaint for one in judged])


def _overlap(wanted: Sequence[bool], named: Sequence[bool]) -> float:
    """F1: twice what is in both, divided by what is in each."""
    hits: int = sum(map(and_, wanted, named))
    return 2 * hits / max(sum(wanted) + sum(named), 1)


def _calibration_error(judged: Sequence[Judged], bins: int = 10) -> float:
    confidence = np.array([one.verdict.confidence for one in judged])
    right = np.array([one.right for one in judged], float)
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs((right - confidence)[which == one].sum()) for one in range(bins)]
    return float(sum(gaps) / len(judged))
