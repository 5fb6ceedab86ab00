"""Show the passages that decided."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .corpus import CAUSES
from .evidence import Evidence
from .model import Floats
from .reading import Reading

MOST = 5
_NOTABLE = 0.35


@dataclass(frozen=True, slots=True)
class Ground:
    """
    A passage of the given text that spoke for a cause.

    Attributes:
        start: index of its first character in the text as given.
        end: index after its last.
        text: the passage, exactly as given.
        cause: the cause it spoke for.
        weight: how strongly, in logits above the average cause.
    """

    start: int
    end: int
    text: str
    cause: str
    weight: float


def grounds(reading: Reading, evidence: Evidence, pulls: Floats, cause: int) -> tuple[Ground, ...]:
    """
    Find the passages that spoke most for a cause.

    Args:
        reading: the text.
        evidence: its features, one row per occurrence.
        pulls: what each row adds to the logit of each cause.
        cause: index of the cause to explain.
    """
    heat = _heat(reading, evidence, pulls[:, cause] - pulls.mean(axis=1))
    if not heat.size or heat.max() <= 0:
        return ()
    hot = _joined(heat >= _NOTABLE * heat.max())
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hot, [False]]).astype(np.int8)))
    passages: dict[tuple[int, int], float] = {}
    for start, end in edges.reshape(-1, 2):
        # Several folded characters may come from one given character (½): one passage, not three.
        span = reading.span(int(start), int(end))
        passages[span] = passages.get(span, 0.0) + float(heat[start:end].sum())
    strongest = sorted(passages.items(), key=lambda passage: (-passage[1], passage[0]))[:MOST]
    return tuple(
        Ground(start, end, reading.given[start:end], CAUSES[cause], weight) for (start, end), weight in strongest
    )


def _joined(hot: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Close gaps of one character: a passage that reads is a better ground than its pieces."""
    gap = ~hot[1:-1] & hot[:-2] & hot[2:]
    return np.concatenate([hot[:1], hot[1:-1] | gap, hot[-1:]]) if len(hot) > 2 else hot  # noqa: PLR2004


def _heat(reading: Reading, evidence: Evidence, pull: Floats) -> Floats:
    """Spread what each occurrence pulled evenly over its characters."""
    length = len(reading.text)
    if not length:
        return np.zeros(0, np.float32)
    share = pull / (evidence.ends - evidence.starts)
    steps = np.bincount(evidence.starts, share, length + 1) - np.bincount(evidence.ends, share, length + 1)
    return np.cumsum(steps)[:length].astype(np.float32)
