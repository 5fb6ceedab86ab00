"""Cut a reading into the hashed n-grams that the model weighs."""

import re
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from .reading import Reading, is_han

ORDERS = 4
"""Longest n-gram: four units, a unit being one Chinese character, one Latin word or one number."""

_UNIT = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+|[^\W\d_]|[?!]")
_STEM = 5
# Odd 32-bit constants (golden ratio, xxHash prime): the products spread over all 32 bits.
_STEP = np.uint32(2_654_435_761)
_SALT = np.uint32(2_246_822_519)

Keys = NDArray[np.uint32]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grams:
    """
    The n-grams of one text: a hash each, and the units it covers.

    Attributes:
        keys: 32-bit hashes, one per occurrence.
        first: index of the first unit of each occurrence.
        last: index of its last unit, inclusive.
        starts: where each unit starts in the folded text.
        ends: where it ends, exclusive.
    """

    keys: Keys
    first: Places
    last: Places
    starts: Places
    ends: Places


def cut(reading: Reading) -> Grams:
    """Hash every run of one to four neighbouring units, and the stem of every longer Latin word."""
    matches = list(_UNIT.finditer(reading.text))
    if all(match[0] in "?!" for match in matches):
        matches = []  # marks alone say nothing
    words = [match[0] for match in matches]
    starts = np.array([match.start() for match in matches], np.int64)
    hashes = np.array([_unit_hash(word) for word in words], np.uint32)
    keys, first, last = [hashes], [np.arange(len(words))], [np.arange(len(words))]
    rolled = hashes
    for order in range(2, ORDERS + 1):
        if len(words) < order:
            break
        rolled = (rolled[:-1] ^ (rolled[:-1] >> np.uint32(15))) * _STEP + hashes[order - 1 :] + _SALT
        start = np.arange(len(rolled))
        keys.append(rolled)
        first.append(start)
        last.append(start + order - 1)
    stems = [(place, word[:_STEM]) for place, word in enumerate(words) if _has_stem(word)]
    places = np.array([place for place, _ in stems], np.int64)
    keys.append(np.array([_unit_hash(stem + "*") for _, stem in stems], np.uint32))
    ends = starts + np.array([len(word) for word in words], np.int64)
    return Grams(np.concatenate(keys), np.concatenate([*first, places]), np.concatenate([*last, places]), starts, ends)


def _has_stem(word: str) -> bool:
    return len(word) > _STEM and not is_han(word[0])


@lru_cache(maxsize=65_536)
def _unit_hash(unit: str) -> int:
    return crc32(b"0" if unit[0].isdigit() else unit.encode())
