"""Learn the model from the texts: the same texts give the same model, in seconds, with numpy alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .corpus import CAUSES, Text
from .cues import cues
from .evidence import gather
from .grams import Keys, cut
from .model import Floats, Model
from .reading import read

LEAST_TEXTS = 2
"""An n-gram of one text only says nothing about others."""

SMOOTHING = 1e-4
STEPS = 300

ENOUGH = 100
"""A session with fewer complaints says too little about confidence."""

Matrix = NDArray[np.float64]


def train(texts: Sequence[Text]) -> Model:
    """Learn from all texts, and learn how far to trust the result from texts of writers it had not seen."""
    keys, rarity, unknown = vocabulary(texts)
    rows = _matrix(texts, keys, rarity, unknown)
    likeness = rows @ rows.T
    temperatures = _temperatures(texts, likeness)
    cause, contact = _fit(texts, likeness)
    about = _complaints(texts)
    weights = np.hstack([rows[about].T @ cause, rows.T @ contact[:-1]])
    return Model(keys, rarity, unknown, weights.astype(np.float32), float(contact[-1, 0]), temperatures)


def vocabulary(texts: Sequence[Text]) -> tuple[Keys, Floats, float]:
    """Find the n-grams of at least two texts; return their hashes, their rarity and that of all others."""
    each = [np.unique(cut(read(text.text)).keys) for text in texts]
    keys, counts = np.unique(np.concatenate(each), return_counts=True)
    kept = counts >= LEAST_TEXTS
    rarity = 1 + np.log((1 + len(texts)) / (1 + counts[kept]))
    return keys[kept], rarity.astype(np.float32), float(1 + np.log((1 + len(texts)) / 2))


def softmax(logits: Matrix) -> Matrix:
    """Turn logits into probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Matrix = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def held_out_logits(texts: Sequence[Text], likeness: Matrix) -> tuple[Matrix, Matrix]:
    """
    Judge each text by a model that saw no text of its writer's session.

    Returns:
        The logits of the causes (complaints only, in order) and of "is a complaint" (all texts).
    """
    sources = np.array([text.source for text in texts])
    about = _complaints(texts)
    cause_logits = np.zeros((len(texts), len(CAUSES)))
    complaint_logits = np.zeros(len(texts))
    for fold in _folds(sources):
        rest = np.flatnonzero(~fold)
        cause, contact = _fit([texts[int(index)] for index in rest], likeness[np.ix_(rest, rest)])
        seen = np.intersect1d(rest, about)
        cause_logits[fold] = likeness[np.ix_(fold, seen)] @ cause
        complaint_logits[fold] = (likeness[np.ix_(fold, rest)] @ contact[:-1] + contact[-1])[:, 0]
    return cause_logits[about], complaint_logits


def _folds(sources: NDArray[np.str_]) -> list[NDArray[np.bool_]]:
    # The contacts are one session: left out whole, nothing would be left to learn contacts from.
    contacts = sources == "contacts"
    thirds = [contacts & (np.cumsum(contacts) % 3 == third) for third in range(3)]
    return [*(sources == source for source in np.unique(sources[~contacts])), *thirds]


def _matrix(texts: Sequence[Text], keys: Keys, rarity: Floats, unknown: float) -> Matrix:
    rows = np.zeros((len(texts), len(keys) + len(cues())))
    for row, text in zip(rows, texts, strict=True):
        evidence = gather(read(text.text), keys, rarity, unknown)
        np.add.at(row, evidence.rows, evidence.values)
    return rows


def _complaints(texts: Sequence[Text]) -> NDArray[np.intp]:
    return np.flatnonzero([text.cause is not None for text in texts])


def _fit(texts: Sequence[Text], likeness: Matrix) -> tuple[Matrix, Matrix]:
    """Return how much each complaint speaks for each cause, and each text (last: intercept) for complaint."""
    about = _complaints(texts)
    causes = np.array([[text.cause == cause for cause in CAUSES] for text in texts], float)
    complaint = np.array([text.cause is not None for text in texts], float)
    cause = _descend(likeness[np.ix_(about, about)], causes[about])
    # The second column of a two-class softmax is the first one's mirror: keep the difference.
    sides = _descend(likeness + 1.0, np.column_stack([complaint, 1 - complaint]))
    contact = sides[:, :1] - sides[:, 1:]
    return cause, np.vstack([contact, contact.sum(axis=0, keepdims=True)])


def _descend(likeness: Matrix, wanted: Matrix) -> Matrix:
    """
    Fit a multinomial logistic regression with L2, written in the texts instead of the features.

    With far fewer texts than features the optimum is a mixture of the texts (representer theorem), so a step costs
    texts x texts. Nesterov's accelerated gradient; classes weigh the same however many texts they have.
    """
    weight = (1 / wanted.sum(axis=0) / wanted.shape[1])[wanted.argmax(axis=1), None]
    # Likeness is almost everywhere positive, so the largest row sum is a close bound of its largest eigenvalue.
    step = 1 / (0.5 * weight.max() * np.abs(likeness).sum(axis=1).max() + SMOOTHING)
    mix = ahead = np.zeros_like(wanted)
    for count in range(STEPS):
        slope = weight * (softmax(likeness @ ahead) - wanted) + SMOOTHING * ahead
        following = ahead - step * slope
        ahead = following + count / (count + 3) * (following - mix)
        mix = following
    return mix


def _temperatures(texts: Sequence[Text], likeness: Matrix) -> tuple[float, float]:
    cause_logits, complaint_logits = held_out_logits(texts, likeness)
    causes = np.array([CAUSES.index(text.cause) for text in texts if text.cause])
    sources = np.array([text.source for text in texts if text.cause])
    # Customers are further from our writers than our writers are from each other: trust the worst case.
    worst = max(
        _temperature(cause_logits[sources == source], causes[sources == source])
        for source in np.unique(sources)
        if np.count_nonzero(sources == source) >= ENOUGH
    )
    complaint = np.array([text.cause is None for text in texts], int)
    return worst, _temperature(np.column_stack([complaint_logits, np.zeros(len(texts))]), complaint)


def _temperature(logits: Matrix, wanted: NDArray[np.int_]) -> float:
    """Find the divisor under which the held-out answers are likeliest (temperature scaling, Guo et al. 2017)."""
    candidates = np.geomspace(0.05, 5, 201)
    surprise = [-np.log(softmax(logits / candidate)[np.arange(len(wanted)), wanted]).mean() for candidate in candidates]
    return float(candidates[int(np.argmin(surprise))])
