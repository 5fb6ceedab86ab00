"""Wordings kept as data: regular expressions per language, matched on folded text."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .reading import Reading


@dataclass(frozen=True, slots=True)
class Wording:
    """
    Ways of saying one thing.

    Attributes:
        han: tried on texts with Chinese characters.
        latin: tried on texts with Latin letters.
        any: tried on every text.
    """

    han: re.Pattern[str] | None
    latin: re.Pattern[str] | None
    any: re.Pattern[str] | None

    def spans(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield where the folded text says it, (start, end) exclusive."""
        for pattern in self._fitting(reading):
            for match in pattern.finditer(reading.text):
                yield match.span()

    def said(self, reading: Reading) -> bool:
        """Tell whether the text says it."""
        return any(pattern.search(reading.text) for pattern in self._fitting(reading))

    def _fitting(self, reading: Reading) -> Iterator[re.Pattern[str]]:
        if self.han and reading.has_han:
            yield self.han
        if self.latin and reading.has_latin:
            yield self.latin
        if self.any:
            yield self.any


def wording(entry: Mapping[str, Any], lists: Mapping[str, Mapping[str, Sequence[str]]]) -> Wording:
    """
    Build a wording from its table in the data file.

    Args:
        entry: alternatives under ``zh``, ``en``, ``any``; each may name a list as ``{name}``.
        lists: the named lists, each with ``zh`` and ``en``.
    """
    return Wording(*(_pattern(entry.get(key, ()), key, lists) for key in ("zh", "en", "any")))


def table(name: str) -> dict[str, Any]:
    """Read one of the data files beside this module."""
    return tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))


def _pattern(
    alternatives: Sequence[str], key: str, lists: Mapping[str, Mapping[str, Sequence[str]]]
) -> re.Pattern[str] | None:
    joined = "|".join(alternatives)
    for name, languages in lists.items():
        joined = joined.replace(f"{{{name}}}", f"(?:{'|'.join(languages.get(key, ()))})")
    return re.compile(joined) if joined else None
