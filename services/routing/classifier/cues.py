"""Wordings that speak for a cause or a manner, or against a complaint: the part of the model one can read."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from .reading import Reading
from .wording import Wording, table, wording

MOST = 3
"""A cue said more often than this says nothing new."""


@dataclass(frozen=True, slots=True)
class Cue:
    """
    What a wording says.

    Attributes:
        name: part of the model: renaming one means training again.
        cause: the cause or the manner it is read as, or ``contact`` where it speaks for praise, a question, an offer.
        wording: the ways of saying it.
    """

    name: str
    cause: str
    wording: Wording


@lru_cache(maxsize=1)
def cues() -> tuple[Cue, ...]:
    """Return every cue in the order of `cues.toml`."""
    data = table("cues.toml")
    lists = {"vow": data["vow"], "time": data["time"]}
    return tuple(Cue(entry["name"], entry["cause"], wording(entry, lists)) for entry in data["cue"])


def found(reading: Reading) -> Iterator[tuple[int, int, int]]:
    """Yield (index in `cues`, start, end in the folded text), at most `MOST` of each cue."""
    for index, cue in enumerate(cues()):
        for start, end in islice(cue.wording.spans(reading), MOST):
            yield index, start, end
