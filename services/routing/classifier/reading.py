"""Read a text the way the classifier sees it, without losing where each character stood."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

LONGEST = 20_000
"""Characters read of one text. What follows in longer ones is quoted history and attachments pasted in."""

_TABLE = Path(__file__).with_name("traditional.txt")
_HAN = re.compile("[㐀-鿿]")
_LATIN = re.compile("[a-z]")
_TOKEN = re.compile(r"⟦[^⟦⟧]{0,64}⟧")
# Copies of traditional pages come with the reading glued on: 服務(wù), 溝通chēng.
_GLUED_PINYIN = re.compile(
    r"(?<=[㐀-鿿])(?:[（(][a-zü]{0,5}[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ][a-zü]{0,3}[）)]"
    r"|[a-zü]{0,4}[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ][a-zü]{0,3}(?![a-z]))"
)
_QUOTES = str.maketrans("‘’“”„–—", '\'\'"""--')


@dataclass(frozen=True, slots=True)
class Reading:
    """
    A text folded for matching, and the way back.

    Attributes:
        given: the text as it came, cut at `LONGEST`.
        text: folded: NFKC, lower case, simplified characters, no masking tokens, no doubled punctuation.
        origins: for each character of `text`, its index in `given`.
        has_han: the text has Chinese characters.
        has_latin: the text has Latin letters.
    """

    given: str
    text: str
    origins: tuple[int, ...]
    has_han: bool
    has_latin: bool

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Say where the folded characters `start` to `end` (exclusive, not empty) stand in the given text."""
        return self.origins[start], self.origins[end - 1] + 1


def read(text: str) -> Reading:
    """
    Fold a text so that the same words look the same in every script, width and state of repair.

    Masking tokens such as ``⟦phone:1⟧`` read as a space, and spaces count between Latin words only, so a
    token changes nothing that the classifier sees.
    """
    given = text[:LONGEST]
    letters, origins = _squeezed(_folded(given))
    folded = "".join(letters)
    return Reading(given, folded, tuple(origins), bool(_HAN.search(folded)), bool(_LATIN.search(folded)))


def is_han(character: str) -> bool:
    """Tell whether a character is a Chinese one."""
    return "㐀" <= character <= "鿿" or character >= "\U00020000"


def is_traditional(text: str) -> bool:
    """Tell whether a text has characters that only traditional Chinese writes."""
    return any(letter in _simplified() for letter in text)


def _folded(given: str) -> list[tuple[str, int]]:
    skipped = {
        position: mark
        for pattern, mark in ((_TOKEN, " "), (_GLUED_PINYIN, ""))
        for match in pattern.finditer(given)
        for position, mark in _blanked(match.span(), mark)
    }
    return [
        (letter, position)
        for position, character in enumerate(given)
        for letter in (skipped[position] if position in skipped else _fold(character))
    ]


def _blanked(span: tuple[int, int], mark: str) -> list[tuple[int, str]]:
    return [(span[0], mark), *((position, "") for position in range(span[0] + 1, span[1]))]


def _squeezed(letters: list[tuple[str, int]]) -> tuple[list[str], list[int]]:
    kept: list[str] = []
    origins: list[int] = []
    previous, spaced = "", False
    for letter, origin in letters:
        if letter.isspace():
            spaced = True
            continue
        if not letter.isalnum() and previous and not previous.isalnum():
            continue
        if spaced and previous and not is_han(previous) and not is_han(letter):
            kept.append(" ")
            origins.append(origin)
        kept.append(letter)
        origins.append(origin)
        previous, spaced = letter, False
    return kept, origins


@lru_cache(maxsize=16_384)
def _fold(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character.translate(_QUOTES)).casefold()
    return "".join(_simplified().get(letter, letter) for letter in plain)


@lru_cache(maxsize=1)
def _simplified() -> dict[str, str]:
    pairs = chain.from_iterable(
        zip(line[::2], line[1::2], strict=True) for line in _TABLE.read_text("utf-8").splitlines()
    )
    return dict(pairs)
