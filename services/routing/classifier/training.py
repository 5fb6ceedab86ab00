"""Learn the model from the texts, the same from the same texts. Needs scikit-learn; serving does not."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from .corpus import CAUSES, GRAVE, MANNERS, SUB_CAUSES, Text
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
        of: what people said of a text; several answers are equally right, none means that nobody said.
        usual: whether one answer may be likelier than another before anything is read.
        freedom: how far the weights may go (scikit-learn's C); chosen by leaving out writings.
    """

    answers: tuple[object, ...]
    of: Callable[[Text], Sequence[object]]
    usual: bool
    freedom: float


def _one(answer: object) -> Sequence[object]:
    return () if answer is None else (answer,)


def _causes(text: Text) -> Sequence[object]:
    """A complaint of which nobody could tell the cause teaches that all are as likely."""
    return CAUSES if text.is_complaint and text.cause is None else _one(text.cause)


def _grave(text: Text) -> Sequence[object]:
    return (text.severity in GRAVE,) if text.is_complaint and text.severity else ()


LABELS = (
    Label(CAUSES, _causes, usual=False, freedom=100),
    Label((True, False), lambda text: (text.is_complaint,), usual=True, freedom=30),
    Label(MANNERS, lambda text: _one(text.manner) if text.is_complaint else (), usual=True, freedom=3),
    Label((True, False), _grave, usual=True, freedom=10),
    Label(SUB_CAUSES, lambda text: _one(text.sub_cause), usual=False, freedom=100),
)
"""In the order of the model's columns."""


def train(texts: Sequence[Text]) -> Model:
    """Learn from all texts, and learn how far to trust the result from texts of writers it had not seen."""
    return learn(texts, _temperatures(texts))


def learn(texts: Sequence[Text], temperatures: Sequence[float]) -> Model:
    """Learn from all texts; the divisors of the logits (one for each of `LABELS`) are given."""
    keys, rarity, unknown = vocabulary(texts)
    rows = _rows(texts, keys, rarity, unknown)
    weights = np.hstack([_fit(rows, texts, label) for label in LABELS])
    return Model(keys, rarity, unknown, weights.astype(np.float16), tuple(temperatures))


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


class Answers(NamedTuple):
    """Which texts have an answer, which one, and what share of the text's say it has; a row for each answer."""

    which: NDArray[np.intp]
    answers: NDArray[np.intp]
    shares: Matrix


def _answers(texts: Sequence[Text], label: Label) -> Answers:
    said = [(place, label.of(text)) for place, text in enumerate(texts)]
    rows = [(place, label.answers.index(each), 1 / len(right)) for place, right in said for each in right]
    which, answers, shares = np.array(rows).reshape(-1, 3).T
    return Answers(which.astype(np.intp), answers.astype(np.intp), shares)


def _fit(rows: csr_array, texts: Sequence[Text], label: Label) -> Matrix:
    """
    Fit a multinomial logistic regression with L2, in which answers weigh the same however many texts give them.

    Returns:
        One column an answer; one row a feature, and a last one for what is usual.
    """
    which, answers, shares = _answers(texts, label)
    learner = LogisticRegression(
        C=label.freedom, class_weight="balanced", fit_intercept=label.usual, max_iter=STEPS, tol=1e-6
    )
    learner.fit(rows[which], answers, shares)
    usual = np.broadcast_to(learner.intercept_, len(learner.coef_))
    weights: Matrix = np.vstack([learner.coef_.T, usual])
    # Of two answers scikit-learn keeps the second alone.
    return weights if weights.shape[1] == len(label.answers) else np.hstack([-weights / 2, weights / 2])


def _temperatures(texts: Sequence[Text]) -> list[float]:
    """Judge each writing by a model that saw nothing of it, and find the divisors under which it was right to trust."""
    judged = [_judged(texts, fold) for fold in range(FOLDS)]
    together = zip(*judged, strict=True)
    return [_temperature(*(np.concatenate(part) for part in zip(*each, strict=True))) for each in together]


def _judged(texts: Sequence[Text], fold: int) -> list[tuple[Matrix, NDArray[np.intp], Matrix]]:
    """For each of `LABELS`: the logits, the right answers and their shares, of the writings of one fold."""
    sources = sorted({text.source for text in texts})
    apart = set(sources[fold::FOLDS])
    model = learn([text for text in texts if text.source not in apart], [1.0] * len(LABELS))
    unseen = [text for text in texts if text.source in apart]
    logits = _rows(unseen, model.keys, model.rarity, model.unknown) @ model.weights[:-1] + model.weights[-1]
    found = []
    for label, columns in zip(LABELS, model.columns, strict=True):
        which, answers, shares = _answers(unseen, label)
        found.append((logits[which][:, columns], answers, shares))
    return found


def _temperature(logits: Matrix, answers: NDArray[np.intp], shares: Matrix) -> float:
    """Find the divisor under which the held-out answers are likeliest (temperature scaling, Guo et al. 2017)."""
    candidates = np.geomspace(0.05, 5, 201)
    each = np.arange(len(answers))
    surprise = [-shares @ np.log(softmax(logits / candidate)[each, answers]) for candidate in candidates]
    return float(candidates[int(np.argmin(surprise))])
