"""What is learnt from the texts, and what people said of each."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .corpus import CAUSES, GRAVE, MANNERS, SUB_CAUSES, Text

Shares = NDArray[np.float64]


class Label(NamedTuple):
    """
    Something that is learnt.

    Attributes:
        answers: what it may be.
        of: what people said of a text; several answers are equally right, none means that nobody said.
        usual: whether one answer may be likelier than another before anything is read.
        freedom: how far the weights of the words may go (scikit-learn's C).
        decay: how much the weights of the meaning are held back (scikit-learn's alpha).

    The last two were chosen by leaving out writings.
    """

    answers: tuple[object, ...]
    of: Callable[[Text], Sequence[object]]
    usual: bool
    freedom: float
    decay: float


def _one(answer: object) -> Sequence[object]:
    return () if answer is None else (answer,)


def _causes(text: Text) -> Sequence[object]:
    """A complaint of which nobody could tell the cause teaches that all are as likely."""
    return CAUSES if text.is_complaint and text.cause is None else _one(text.cause)


def _grave(text: Text) -> Sequence[object]:
    return (text.severity in GRAVE,) if text.is_complaint and text.severity else ()


LABELS = (
    Label(CAUSES, _causes, usual=False, freedom=100, decay=0.3),
    Label((True, False), lambda text: (text.is_complaint,), usual=True, freedom=30, decay=0.3),
    Label(MANNERS, lambda text: _one(text.manner) if text.is_complaint else (), usual=True, freedom=3, decay=1),
    Label((True, False), _grave, usual=True, freedom=10, decay=0.3),
    Label(SUB_CAUSES, lambda text: _one(text.sub_cause), usual=False, freedom=100, decay=0.3),
)
"""In the order of the model's columns (``model.GROUPS``)."""


class Answers(NamedTuple):
    """
    What people said of texts, a row for each answer.

    Attributes:
        which: place of the text.
        right: place of the answer among the label's.
        shares: share of the text's say that the row has, above 0 up to 1.
    """

    which: NDArray[np.intp]
    right: NDArray[np.intp]
    shares: Shares

    def of(self, chosen: NDArray[np.bool_]) -> "Answers":
        """Keep the rows of the chosen texts."""
        kept = chosen[self.which]
        return Answers(self.which[kept], self.right[kept], self.shares[kept])


def answers(texts: Sequence[Text], label: Label) -> Answers:
    """Collect what people said; texts of which nobody said it have no row."""
    said = [(place, label.of(text)) for place, text in enumerate(texts)]
    rows = [(place, label.answers.index(each), 1 / len(right)) for place, right in said for each in right]
    which, right, shares = np.array(rows).reshape(-1, 3).T
    return Answers(which.astype(np.intp), right.astype(np.intp), shares)
