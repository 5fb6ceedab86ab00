"""
Learn how far to trust what was learnt, on texts of writings that the model had not seen.

Scaling of logits by one factor is temperature scaling (Guo et al. 2017); by two, a stack of both readings.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from .labels import Answers
from .model import COLUMNS, GROUPS, Floats, softmax, sure

Logits = NDArray[np.float64]

FACTORS = np.geomspace(0.2, 20, 201)
"""What the logits of the words may be multiplied by when they decide alone."""
BOTH = tuple(product(np.geomspace(0.2, 20, 41), np.geomspace(0.02, 2, 25)))
"""What those of the words and of the meaning may be multiplied by when both decide."""


def trust(words: Logits, meaning: Logits, said: list[Answers]) -> Floats:
    """
    Find the factors under which the answers that people gave are likeliest.

    Args:
        words: logits of each text by its words, with the columns of `GROUPS`.
        meaning: the same by its meaning.
        said: what people said, for each of ``labels.LABELS``.

    Returns:
        Three rows with the columns of `GROUPS`: words alone, words beside the meaning, meaning beside the words.
        The last two are fitted on the texts of which the words are not sure: only these are read for their meaning.
    """
    alone = _by_column([_alone(words[:, columns], given) for columns, given in zip(COLUMNS, said, strict=True)])
    unsure = ~sure(words * alone)
    both = [
        _both(words[:, columns], meaning[:, columns], given.of(unsure))
        for columns, given in zip(COLUMNS, said, strict=True)
    ]
    return np.stack([alone, *(_by_column(factors) for factors in zip(*both, strict=True))]).astype(np.float32)


def _by_column(factors: "list[float] | tuple[float, ...]") -> Logits:
    return np.repeat(factors, GROUPS)


def _alone(words: Logits, said: Answers) -> float:
    return float(min(FACTORS, key=lambda factor: _surprise(words * factor, said)))


def _both(words: Logits, meaning: Logits, said: Answers) -> tuple[float, float]:
    first, second = min(BOTH, key=lambda pair: _surprise(words * pair[0] + meaning * pair[1], said))
    return float(first), float(second)


def _surprise(logits: Logits, said: Answers) -> float:
    """Cross entropy of what people said, in nats."""
    likely = softmax(logits[said.which])[np.arange(len(said.which)), said.right]
    return float(-said.shares @ np.log(likely))
