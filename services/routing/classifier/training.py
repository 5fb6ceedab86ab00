"""Learn the model from the texts, the same from the same texts. Needs scikit-learn; serving does not."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from .corpus import CAUSES, MANNERS, Text
from .cues import cues
from .evidence import gather
from .grams import Keys, cut
from .model import Floats, Model
from .reading import read

LEAST_TEXTS = 2
"""An n-gram of one text only says nothing about others."""

FOLDS = 5
"""Groups of writings that are left out in turn to learn how far to trust an answer."""

STEPS = 500

Matrix = NDArray[np.float64]


class Label(NamedTuple):
    """
    Something that is learnt.

    Attributes:
        answers: what it may be.
        of: what a text's people said; anything else means that nobody said.
        usual: whether one answer may be likelier than another before anything is read.
        freedom: how far the weights may go (scikit-learn's C); chosen by leaving out writings.
    """

    answers: tuple[object, ...]
    of: Callable[[Text], object]
    usual: bool
    freedom: float


LABELS = (
    Label(CAUSES, lambda text: text.cause, usual=False, freedom=100),
    Label((True, False), lambda text: text.cause is not None, usual=True, freedom=30),
    Label(MANNERS, lambda text: text.manner if text.cause else None, usual=True, freedom=3),
)
"""Cause, whether it is a complaint at all, and manner; in the order of the model's columns."""


def train(texts: Sequence[Text]) -> Model:
    """Learn from all texts, and learn how far to trust the result from texts of writers it had not seen."""
    return learn(texts, _temperatures(texts))


def learn(texts: Sequence[Text], temperatures: Sequence[float]) -> Model:
    """Learn from all texts; the divisors of the logits (one for each of `LABELS`) are given."""
    keys, rarity, unknown = vocabulary(texts)
    rows = _rows(texts, keys, rarity, unknown)
    weights = np.hstack([_fit(rows, texts, label) for label in LABELS])
    return Model(keys, rarity, unknown, weights.astype(np.float32), tuple(temperatures))


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


def _rows(texts: Sequence[Text], keys: Keys, rarity: Floats, unknown: float) -> csr_array:
    """One row of features a text: known n-grams, then cues."""
    found = [gather(read(text.text), keys, rarity, unknown) for text in texts]
    values = np.concatenate([each.values for each in found])
    columns = np.concatenate([each.rows for each in found])
    ends = np.cumsum([len(each.rows) for each in found])
    return csr_array((values, columns, np.append(0, ends)), shape=(len(texts), len(keys) + len(cues())))


def _answers(texts: Sequence[Text], label: Label) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which texts have an answer, and which answer each of them has."""
    said = [(place, label.of(text)) for place, text in enumerate(texts)]
    known = [(place, label.answers.index(answer)) for place, answer in said if answer in label.answers]
    which, answers = np.array(known, np.intp).reshape(-1, 2).T
    return which, answers


def _fit(rows: csr_array, texts: Sequence[Text], label: Label) -> Matrix:
    """
    Fit a multinomial logistic regression with L2, in which answers weigh the same however many texts give them.

    Returns:
        One column an answer; one row a feature, and a last one for what is usual.
    """
    which, answers = _answers(texts, label)
    learner = LogisticRegression(
        C=label.freedom, class_weight="balanced", fit_intercept=label.usual, max_iter=STEPS, tol=1e-6
    )
    learner.fit(rows[which], answers)
    usual = np.broadcast_to(learner.intercept_, len(learner.coef_))
    weights: Matrix = np.vstack([learner.coef_.T, usual])
    # Of two answers scikit-learn keeps the second alone.
    return weights if weights.shape[1] == len(label.answers) else np.hstack([-weights / 2, weights / 2])


def _temperatures(texts: Sequence[Text]) -> list[float]:
    """Judge each writing by a model that saw nothing of it, and find the divisors under which it was right to trust."""
    judged = [_judged(texts, fold) for fold in range(FOLDS)]
    together = zip(*judged, strict=True)
    return [_temperature(*(np.concatenate(part) for part in zip(*each, strict=True))) for each in together]


def _judged(texts: Sequence[Text], fold: int) -> list[tuple[Matrix, NDArray[np.intp]]]:
    """For each of `LABELS`: the logits and the right answers of the writings of one fold."""
    sources = sorted({text.source for text in texts})
    apart = set(sources[fold::FOLDS])
    model = learn([text for text in texts if text.source not in apart], [1.0] * len(LABELS))
    unseen = [text for text in texts if text.source in apart]
    logits = _rows(unseen, model.keys, model.rarity, model.unknown) @ model.weights[:-1] + model.weights[-1]
    found = []
    for label, columns in zip(LABELS, model.columns, strict=True):
        which, answers = _answers(unseen, label)
        found.append((logits[which][:, columns], answers))
    return found


def _temperature(logits: Matrix, answers: NDArray[np.intp]) -> float:
    """Find the divisor under which the held-out answers are likeliest (temperature scaling, Guo et al. 2017)."""
    candidates = np.geomspace(0.05, 5, 201)
    each = np.arange(len(answers))
    surprise = [-np.log(softmax(logits / candidate)[each, answers]).mean() for candidate in candidates]
    return float(candidates[int(np.argmin(surprise))])
