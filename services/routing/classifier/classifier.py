"""Classify one text."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .corpus import CAUSES, MANNERS, SUB_CAUSES
from .cues import cues
from .evidence import Evidence, gather
from .grounds import Ground, grounds
from .model import Floats, Model
from .points import doubtful, is_grave, points, reasons, rules, severity
from .reading import read

GRAVE_FROM = 0.5
"""Probability from which a text as a whole sounds grave, whichever words are in it."""

COMPLAINT_FROM = 0.5
"""Of writings left out, 99 % of complaints and 58 % of others lie on their side of it; a person sees the rest."""

ALSO_THERE = 0.01
"""Probability from which a cause whose own wordings are in the text is named beside the first."""

DOUBT = 0.25
"""What is left of the logits of a text that is garbled or tells the software what to answer: a person should look."""


LAPSE = 0.02
"""Share of an answer that is left to chance: of the surest texts of unseen sessions, 1 in 65 was still wrong."""


@dataclass(frozen=True, slots=True)
class Classification:
    """
    What a text is about, how sure that is, and on what grounds.

    Attributes:
        cause: quality, service, communication, expectation_gap, broken_promise or regulation.
        sub_cause: the likeliest kind within `cause`, such as ``service.late``.
        confidence: calibrated probability of `cause`, 0 to 1; 1/6 when the text says nothing.
        runner_up: the second likeliest cause.
        secondary: the likeliest other cause whose own wordings are in the text, or None; no more than a hint.
        probabilities: of all six causes; they sum to 1.
        manner: demanding, confused, agitated or neutral.
        severity: low, medium, high or critical.
        is_complaint: False for praise, questions, orders, offers, spam and automatic replies.
        points: what made it severe, or less so: name and points of each rule that was met.
        grounds: the passages that decided, strongest first.
        model: name, version and short checksum of the model.
    """

    cause: str
    sub_cause: str
    confidence: float
    runner_up: str
    secondary: str | None
    probabilities: Mapping[str, float]
    manner: str
    severity: str
    is_complaint: bool
    points: tuple[tuple[str, int], ...]
    grounds: tuple[Ground, ...]
    model: str


class Classifier:
    """A model ready to judge texts. It has no state: use one from as many threads as you like."""

    def __init__(self, model: Model) -> None:
        self._model = model
        # Compiling the wordings takes longer than a thousand texts: pay here, not on the first customer.
        cues()
        rules()

    def classify(self, text: str) -> Classification:
        """
        Name the cause of a complaint, in Chinese or English, from any channel.

        Never fails on any text: what it cannot read it answers with low confidence. Masking tokens are ignored.

        Args:
            text: the customer's words; of very long ones the first 20,000 characters are read.
        """
        reading = read(text)
        met = reasons(reading)
        evidence = gather(reading, self._model.keys, self._model.rarity, self._model.unknown)
        pulls = evidence.values[:, None] * self._model.weights[evidence.rows].astype(np.float32)
        causes, kinds, manners, grave, sub_causes = self._shares(pulls, DOUBT if doubtful(met) else 1.0)
        best, second, *others = (int(place) for place in np.argsort(-causes, kind="stable"))
        worded = self._worded(evidence)

        def spoken(cause: int) -> bool:
            return CAUSES[cause] in worded and bool(causes[cause] >= ALSO_THERE)

        return Classification(
            cause=CAUSES[best],
            sub_cause=_within(CAUSES[best], sub_causes),
            confidence=float(causes[best]),
            runner_up=CAUSES[second],
            secondary=next((CAUSES[each] for each in (second, *others) if spoken(each)), None),
            probabilities=MappingProxyType(dict(zip(CAUSES, causes.tolist(), strict=True))),
            manner=MANNERS[int(manners.argmax())],
            severity=severity(met, len(reading.text), sounds_grave=(sounds_grave := bool(grave[0] >= GRAVE_FROM))),
            is_complaint=is_grave(met) or bool(kinds[0] >= COMPLAINT_FROM),
            points=points(met, sounds_grave=sounds_grave),
            grounds=grounds(reading, evidence, pulls[:, : len(CAUSES)], best),
            model=self._model.name,
        )

    def _shares(self, pulls: Floats, trust: float) -> list[NDArray[np.float64]]:
        """How likely each answer of each group is, in the order of ``model.GROUPS``; *trust* scales the logits."""
        logits = pulls.sum(axis=0, dtype=float) + self._model.weights[-1]
        shares = []
        for columns, temperature in zip(self._model.columns, self._model.temperatures, strict=True):
            powers = np.exp((logits[columns] - logits[columns].max()) * trust / temperature)
            shares.append((1 - LAPSE) * powers / powers.sum() + LAPSE / len(powers))
        return shares

    def _worded(self, evidence: Evidence) -> set[str]:
        """The causes whose own wordings are in the text."""
        first = len(self._model.keys)
        return {cues()[row - first].cause for row in evidence.rows if row >= first}


def _within(cause: str, sub_causes: NDArray[np.float64]) -> str:
    """The likeliest sub-cause of a cause."""
    mine = [place for place, name in enumerate(SUB_CAUSES) if name.startswith(f"{cause}.")]
    return SUB_CAUSES[max(mine, key=lambda place: sub_causes[place])]
