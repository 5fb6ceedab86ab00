"""Everything in a text that the model has an opinion about, with where it stands."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cues import found
from .grams import Keys, Places, cut
from .model import Floats, known, strengths
from .reading import Reading

CUE_STRENGTH = 0.02
"""What one cue counts beside n-grams of unit length; chosen by leaving out one training source at a time."""

FEW = 8
"""Units under which a text says too little for a meaning of its own."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    The known features of one text, one row per occurrence.

    Attributes:
        rows: row of the model's weights; the cues follow the n-grams.
        values: how strongly it is there.
        starts: where it starts in the folded text.
        ends: where it ends, exclusive.
        familiar: share of the units (characters, words) that training saw, less for texts of under `FEW` units; 0 to 1.
    """

    rows: NDArray[np.intp]
    values: Floats
    starts: Places
    ends: Places
    familiar: float


def gather(reading: Reading, keys: Keys, rarity: Floats, unknown: float) -> Evidence:
    """Collect the n-grams that the model knows, and the cues. What it does not know dilutes what it does."""
    grams = cut(reading)
    rows, there = known(keys, grams.keys)
    values = strengths(grams, np.where(there, rarity[rows], np.float32(unknown)))[there]
    cues = np.array(list(found(reading)), np.int64).reshape(-1, 3)
    return Evidence(
        rows=np.concatenate([rows[there], cues[:, 0] + len(keys)]),
        values=np.concatenate([values, np.full(len(cues), CUE_STRENGTH, np.float32)]),
        starts=np.concatenate([grams.starts[grams.first[there]], cues[:, 1]]),
        ends=np.concatenate([grams.ends[grams.last[there]], cues[:, 2]]),
        familiar=float(there[: len(grams.starts)].sum()) / max(len(grams.starts), FEW),
    )
