"""The figures of the measured page as pictures: the same bytes from the same figures. Serving needs none of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .corpus import CAUSES
from .evaluation import Judged

BINS: Final = 10
INK: Final = "#1f5fa8"
FAINT: Final = "#9aa5b1"
STYLE: Final[Any] = {
    # Text stays text, and nothing in the file depends on the time or on chance.
    "svg.fonttype": "none",
    "svg.hashsalt": "plaint",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(folder: Path, judged: Sequence[Judged], curve: Sequence[tuple[str, int, float, float]]) -> None:
    """
    Write ``calibration.svg``, ``coverage.svg``, ``confusion.svg`` and ``learning.svg``.

    Args:
        folder: where to.
        judged: texts that were not learnt from.
        curve: rows of the learning curve: what was learnt from, how many texts, macro-F1, and that of hard texts.
    """
    complaints = [one for one in judged if one.text.cause]
    with _picture(folder / "calibration.svg", "confidence", "share that was right") as axes:
        _calibration(axes, complaints)
    with _picture(folder / "coverage.svg", "share answered without a person", "share of these that was right") as axes:
        _coverage(axes, complaints)
    with _picture(folder / "confusion.svg", "what the classifier said", "what people said") as axes:
        _confusion(axes, complaints)
    with _picture(folder / "learning.svg", "texts learnt from", "macro-F1") as axes:
        _learning(axes, curve)


@contextmanager
def _picture(path: Path, across: str, up: str) -> Iterator[Axes]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.8, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        yield axes
        figure.savefig(path, metadata={"Date": None})


def _calibration(axes: Axes, judged: Sequence[Judged]) -> None:
    confidence, right = _answers(judged)
    which = np.minimum((confidence * BINS).astype(int), BINS - 1)
    filled = [bin_ for bin_ in range(BINS) if (which == bin_).any()]
    means = [confidence[which == bin_].mean() for bin_ in filled]
    shares = [right[which == bin_].mean() for bin_ in filled]
    sizes = [(which == bin_).sum() / 3 for bin_ in filled]
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--")
    axes.plot(means, shares, color=INK)
    axes.scatter(means, shares, sizes, color=INK)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))


def _coverage(axes: Axes, judged: Sequence[Judged]) -> None:
    confidence, right = _answers(judged)
    ranked = right[np.argsort(-confidence, kind="stable")]
    answered = np.arange(1, len(ranked) + 1)
    from_here = len(ranked) // 20
    axes.plot((answered / len(ranked))[from_here:], (np.cumsum(ranked) / answered)[from_here:], color=INK)
    axes.set(xlim=(0, 1), ylim=(0.8, 1.005))


def _confusion(axes: Axes, judged: Sequence[Judged]) -> None:
    counts = np.array(
        [
            [sum(one.text.cause == said and one.verdict.cause == named for one in judged) for named in CAUSES]
            for said in CAUSES
        ]
    )
    axes.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row, str(count), ha="center", va="center", color="white" if row == column else "black")
    names = [cause.replace("_", " ") for cause in CAUSES]
    axes.set_xticks(range(len(CAUSES)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(CAUSES)), names)


def _learning(axes: Axes, curve: Sequence[tuple[str, int, float, float]]) -> None:
    by_text = [row for row in curve if "writings" not in row[0] or row is curve[-1]]
    by_writing = [row for row in curve if "writings" in row[0]]
    for rows, marker, label in ((by_text, "o", "every n-th text"), (by_writing, "s", "whole writings")):
        axes.plot([row[1] for row in rows], [row[2] for row in rows], marker=marker, label=label)
    axes.plot([row[1] for row in by_text], [row[3] for row in by_text], color=FAINT, marker="o", label="hard texts")
    axes.set_xscale("log")
    axes.legend(frameon=False)


def _answers(judged: Sequence[Judged]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The confidence of each answer, and whether it was right."""
    return np.array([one.verdict.confidence for one in judged]), np.array([one.right for one in judged], float)
