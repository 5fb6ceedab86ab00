"""Classify one text."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from .corpus import CAUSES, MANNERS, SUB_CAUSES
from .cues import cues
from .encoder import Encoder, EncoderMissing
from .evidence import Evidence, gather
from .grounds import Ground, grounds
from .model import COLUMNS, Model, softmax, sure
from .points import doubtful, is_grave, points, reasons, rules, severity
from .reading import Reading, read

Logits = NDArray[np.float64]

GRAVE_FROM = 0.5
"""Probability from which a text as a whole sounds grave, whichever words are in it."""

COMPLAINT_FROM = 0.4
"""Of writings left out, 98 % of complaints and 63 % of others lie on their side of it; a person sees the rest."""

ALSO_THERE = 0.01
"""Probability from which a cause whose own wordings are in the text is named beside the first."""

DOUBT = 0.25
"""What is left of the logits of a text that is garbled or tells the software what to answer: a person should look."""

LAPSE = 0.02
"""Share of an answer that is left to chance: of the surest texts of unseen writings, 1 in 65 was still wrong."""

WORDS, MEANING, DEGRADED = "words", "meaning", "degraded"
"""What an answer rests on; see `Classification.basis`."""


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
        basis: ``words`` where these decided alone, as they were sure or nothing else was asked; ``meaning`` where the
            sentence encoder was asked too; ``degraded`` where it should have been and is missing.
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
    basis: str


class Classifier:
    """
    A model ready to judge texts, from as many threads as you like.

    Args:
        model: what was learnt.
        encoder: asked about texts of which the words are not sure; None: the words decide alone.
    """

    def __init__(self, model: Model, encoder: Encoder | None) -> None:
        self._model = model
        self._encoder = encoder
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
        logits, basis = self._logits(
            reading, evidence.familiar, pulls.sum(axis=0, dtype=float) + self._model.weights[-1]
        )
        causes, kinds, manners, grave, sub_causes = _shares(logits * (DOUBT if doubtful(met) else 1.0))
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
            model=self._model.name_with_encoder if basis == MEANING else self._model.name,
            basis=basis,
        )

    def warm_up(self) -> None:
        """Load the encoder now, which takes a second, rather than on the first text of which the words are not sure."""
        if self._encoder is not None:
            self._encoder.vectors([read("")])

    def _logits(self, reading: Reading, familiar: float, words: Logits) -> tuple[Logits, str]:
        """
        Logits that are calibrated, with the columns of ``model.GROUPS``, and what they rest on.

        The meaning counts as far as the text is *familiar*: in a language that was never learnt it is a guess.
        """
        alone, beside, meaning = self._model.trust
        if self._encoder is None or not familiar or sure(words * alone):
            return words * alone, WORDS
        try:
            vectors = self._encoder.vectors([reading])
        except EncoderMissing:
            return words * alone, DEGRADED
        return words * beside + self._model.meaning.logits(vectors)[0] * meaning * familiar, MEANING

    def _worded(self, evidence: Evidence) -> set[str]:
        """The causes whose own wordings are in the text."""
        first = len(self._model.keys)
        return {cues()[row - first].cause for row in evidence.rows[evidence.rows >= first].tolist()}


def _shares(logits: Logits) -> list[Logits]:
    """How likely each answer of each group is, in the order of ``model.GROUPS``."""
    likely = [softmax(logits[columns]) for columns in COLUMNS]
    return [(1 - LAPSE) * shares + LAPSE / len(shares) for shares in likely]


def _within(cause: str, sub_causes: NDArray[np.float64]) -> str:
    """The likeliest sub-cause of a cause."""
    mine = [place for place, name in enumerate(SUB_CAUSES) if name.startswith(f"{cause}.")]
    return SUB_CAUSES[max(mine, key=lambda place: sub_causes[place])]
