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


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    The known features of one text, one row per occurrence.

    Attributes:
        rows: row of the model's weights; the cues follow the n-grams.
        values: how strongly it is there.
        starts: where it starts in the folded text.
        ends: where it ends, exclusive.
    """

    rows: NDArray[np.intp]
    values: Floats
    starts: Places
    ends: Places


def gather(reading: Reading, keys: Keys, rarity: Floats, unknown: float) -> Evidence:
    """Collect the n-grams that the model knows, and the cues. What it does not know dilutes what it does."""
    grams = cut(reading)
    rows, there = known(keys, grams.keys)
    values = strengths(grams, np.where(there, rarity[rows], np.float32(unknown)))[there]
    bounds = np.array(grams.units, np.int64).reshape(-1, 2)
    cues = np.array(list(found(reading)), np.int64).reshape(-1, 3)
    return Evidence(
        rows=np.concatenate([rows[there], cues[:, 0] + len(keys)]),
        values=np.concatenate([values, np.full(len(cues), CUE_STRENGTH, np.float32)]),
        starts=np.concatenate([bounds[grams.first[there], 0], cues[:, 1]]),
        ends=np.concatenate([bounds[grams.last[there], 1], cues[:, 2]]),
    )
