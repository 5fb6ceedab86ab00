"""Learn the model from the texts, the same from the same texts. Needs scikit-learn; serving does not."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from .calibration import trust
from .corpus import Text
from .cues import cues
from .encoder import Encoder
from .evidence import gather
from .grams import Keys, cut
from .labels import LABELS, Answers, Label, answers
from .model import COLUMNS, GROUPS, Floats, Head, Model
from .reading import read

LEAST_TEXTS = 2
"""An n-gram of one text only says nothing about others."""

FOLDS = 5
"""Groups of writings that are left out in turn to learn how far to trust an answer."""

STEPS = 500

HIDDEN = 256
"""Units of the hidden layer, for each of `LABELS`."""
ROUNDS = 15
"""How often the hidden layer sees every text. Both were chosen by leaving out writings."""
SEED = 0

AS_THEY_ARE = np.ones((3, sum(GROUPS)), np.float32)

Matrix = NDArray[np.float64]


def train(texts: Sequence[Text]) -> Model:
    """Learn from all texts, and learn how far to trust the result from texts of writers it had not seen."""
    vectors = vectors_of(texts)
    # With more threads the last digits differ from run to run, and the networks make much of them.
    with threadpool_limits(1):
        words, meaning = _unseen(texts, vectors)
        return learn(texts, vectors, trust(words, meaning, [answers(texts, label) for label in LABELS]))


def learn(texts: Sequence[Text], vectors: Floats, trusted: Floats) -> Model:
    """Learn from all texts and their sentence vectors; the factors of the logits are given."""
    keys, rarity, unknown = vocabulary(texts)
    rows = _rows(texts, keys, rarity, unknown)
    said = [answers(texts, label) for label in LABELS]
    weights = np.hstack([_fit(rows, given, label) for given, label in zip(said, LABELS, strict=True)])
    return Model(keys, rarity, unknown, weights.astype(np.float16), _head(vectors, said), trusted)


def vectors_of(texts: Sequence[Text]) -> Floats:
    """
    Encode texts, some 300 a second.

    Raises:
        EncoderMissing: nothing can be learnt without it.
    """
    return Encoder().vectors([read(text.text) for text in texts])


def vocabulary(texts: Sequence[Text]) -> tuple[Keys, Floats, float]:
    """Find the n-grams of at least two texts; return their hashes, their rarity and that of all others."""
    each = [np.unique(cut(read(text.text)).keys) for text in texts]
    keys, counts = np.unique(np.concatenate(each), return_counts=True)
    kept = counts >= LEAST_TEXTS
    rarity = 1 + np.log((1 + len(texts)) / (1 + counts[kept]))
    return keys[kept], rarity.astype(np.float32), float(1 + np.log((1 + len(texts)) / 2))


def _rows(texts: Sequence[Text], keys: Keys, rarity: Floats, unknown: float) -> csr_array:
    """One row of features a text: known n-grams, then cues."""
    found = [gather(read(text.text), keys, rarity, unknown) for text in texts]
    values = np.concatenate([each.values for each in found])
    columns = np.concatenate([each.rows for each in found])
    ends = np.cumsum([len(each.rows) for each in found])
    return csr_array((values, columns, np.append(0, ends)), shape=(len(texts), len(keys) + len(cues())))


def _fit(rows: csr_array, said: Answers, label: Label) -> Matrix:
    """
    Fit a multinomial logistic regression with L2, in which answers weigh the same however many texts give them.

    Returns:
        One column an answer; one row a feature, and a last one for what is usual.
    """
    learner = LogisticRegression(
        C=label.freedom, class_weight="balanced", fit_intercept=label.usual, max_iter=STEPS, tol=1e-6
    )
    learner.fit(rows[said.which], said.right, said.shares)
    return _all_columns(np.vstack([learner.coef_.T, np.broadcast_to(learner.intercept_, len(learner.coef_))]), label)


def _head(vectors: Floats, said: Sequence[Answers]) -> Head:
    """Fit a hidden layer for each of `LABELS`, and put them side by side."""
    middle, spread = vectors.mean(axis=0), vectors.std(axis=0)
    even = (vectors - middle) / spread
    layers = [_layers(even, given, label) for given, label in zip(said, LABELS, strict=True)]
    inward = np.hstack([first[:-1] for first, _ in layers]) / spread[:, None]
    outward = np.zeros((HIDDEN * len(LABELS), sum(GROUPS)))
    for place, (_, last) in enumerate(layers):
        outward[place * HIDDEN : (place + 1) * HIDDEN, COLUMNS[place]] = last[:-1]
    arrays = (
        inward,
        np.hstack([first[-1] for first, _ in layers]) - middle @ inward,
        outward,
        np.hstack([last[-1] for _, last in layers]),
    )
    return Head(*(array.astype(np.float32) for array in arrays))


def _layers(even: Floats, said: Answers, label: Label) -> tuple[Matrix, Matrix]:
    """Fit one hidden layer; in both matrices the last row is for what is usual. Answers weigh the same again."""
    each = np.bincount(said.right, said.shares)
    learner = MLPClassifier((HIDDEN,), alpha=label.decay, batch_size=64, max_iter=ROUNDS, random_state=SEED)
    with warnings.catch_warnings():
        # It stops after its rounds, before it has learnt the texts by heart.
        warnings.simplefilter("ignore", ConvergenceWarning)
        learner.fit(even[said.which], said.right, said.shares / each[said.right] * each.mean())
    first, last = (np.vstack(layer) for layer in zip(learner.coefs_, learner.intercepts_, strict=True))
    return first, _all_columns(last, label)


def _all_columns(weights: Matrix, label: Label) -> Matrix:
    """Of two answers scikit-learn keeps the second alone."""
    return weights if weights.shape[1] == len(label.answers) else np.hstack([-weights / 2, weights / 2])


def _familiar(texts: Sequence[Text], model: Model) -> Matrix:
    """How familiar the words of each text are, as a column: by so much its meaning counts."""
    found = (gather(read(text.text), model.keys, model.rarity, model.unknown) for text in texts)
    return np.array([[evidence.familiar] for evidence in found])


def _unseen(texts: Sequence[Text], vectors: Floats) -> tuple[Matrix, Matrix]:
    """Judge each writing, by words and by meaning, with a model that saw nothing of it: logits of every text."""
    sources = sorted({text.source for text in texts})
    words, meaning = np.zeros((2, len(texts), sum(GROUPS)))
    for fold in range(FOLDS):
        apart = np.array([sources.index(text.source) % FOLDS == fold for text in texts])
        model = learn([text for text, out in zip(texts, apart, strict=True) if not out], vectors[~apart], AS_THEY_ARE)
        left_out = [text for text, out in zip(texts, apart, strict=True) if out]
        words[apart] = _rows(left_out, model.keys, model.rarity, model.unknown) @ model.weights[:-1] + model.weights[-1]
        meaning[apart] = model.meaning.logits(vectors[apart]) * _familiar(left_out, model)
    return words, meaning
