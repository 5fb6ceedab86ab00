"""
Do two texts tell the same story? By the overlap of their character n-grams, which needs no words and no language.

A fingerprint is the smallest hashes of all n-grams of a text, at most ``SIZE``: a sample that is the same for the
same n-grams, so the overlap of two texts can be told from it (bottom-k sketch, Cohen and Kaplan 2007).
"""

import re
import struct
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from zlib import crc32

SIZE = 512
HAN_WIDTH, OTHER_WIDTH = 2, 5
"""Two Chinese characters say about as much as five letters: unrelated texts then share under 0.12 of either."""
FEWEST = 12
"""Of fewer n-grams than this nothing can be concluded: about one short sentence."""
LONGEST = 20_000

_NO_WORD = re.compile(r"[\W_]+")


def fingerprint(text: str) -> bytes:
    """What a text is compared by: at most 2 KiB."""
    plain = _NO_WORD.sub("", unicodedata.normalize("NFKC", text[:LONGEST]).casefold())
    hashes = sorted(set(map(crc32, _grams(plain))))[:SIZE]
    return struct.pack(f"<{len(hashes)}I", *hashes)


def likeness(one: bytes, other: bytes) -> float:
    """How much of the shorter of two texts stands in the other: 0 to 1."""
    ours, theirs = _hashes(one), _hashes(other)
    if min(len(ours), len(theirs)) < FEWEST:
        return 0.0
    # Beyond the largest hash of a full sample nothing is known of that text.
    known = min(hashes[-1] if len(hashes) == SIZE else 2**32 for hashes in (ours, theirs))
    left, right = (hashes[: bisect_right(hashes, known)] for hashes in (ours, theirs))
    return len(set(left).intersection(right)) / max(1, min(len(left), len(right)))


def _grams(plain: str) -> Iterator[bytes]:
    if plain.isascii():
        encoded = plain.encode()
        return (encoded[start : start + OTHER_WIDTH] for start in range(len(encoded) - OTHER_WIDTH + 1))
    widths = (HAN_WIDTH if "㐀" <= char <= "鿿" or "豈" <= char <= "﫿" else OTHER_WIDTH for char in plain)
    ends = enumerate(map(int.__add__, range(len(plain)), widths))
    return (plain[start:end].encode() for start, end in ends if end <= len(plain))


def _hashes(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(packed) // 4}I", packed)
