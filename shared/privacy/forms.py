"""
Finding what has a form: how a text is folded before it is searched, and what a finder is.

A position in a folded text is a position in the original. What was found is covered by a shield of the same length, so
that later finders see it as a second masking will see the token.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

Span: TypeAlias = tuple[int, int]

_SPACES = "\u3000\u00a0\u2002\u2003\u2009\u200b\u200c\u200d\u202f\u2060\ufeff"
_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63"
# Full-width forms, spaces and hyphens, and the marks of a shield; one character for one, so that a position in the
# folded text is a position in the original.
FOLD: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | str.maketrans(
    _SPACES + _HYPHENS + "\2\3", " " * len(_SPACES) + "-" * len(_HYPHENS) + "\0\0"
)

# A number does not start inside another number or word, nor end inside a number. The ends of a shield (\x02, \x03)
# count as a number: otherwise masking one value would uncover another, and masking twice would differ from once.
LEFT = r"(?<![0-9A-Za-z\x03])"
RIGHT = r"(?![0-9\x02])"
WORD_RIGHT = r"(?![0-9A-Za-z\x02])"
NOT_A_PART = r"(?<![0-9A-Za-z\x03]-)"


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds one form: a pattern's group ``value``, or all of it, where the match is accepted."""

    pattern: re.Pattern[str]
    accept: Callable[[re.Match[str]], bool] = bool

    def find(self, plain: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
        """Every place in ``plain[start:end]``, none within another; what stands before *start* is seen, not found."""
        group = "value" if "value" in self.pattern.groupindex else 0
        done = start
        for match in self.pattern.finditer(plain, start, len(plain) if end is None else end):
            begin, finish = match.span(group)
            if begin >= done and self.accept(match):
                done = finish
                yield begin, finish


def cover(plain: str, spans: list[Span]) -> str:
    """Put a shield of the same length in the place of each span."""
    pieces: list[str] = []
    done = 0
    for start, end in spans:
        pieces += plain[done:start], shield(end - start)
        done = end
    return "".join((*pieces, plain[done:]))


def shield(length: int) -> str:
    """What stands in the place of something found: its ends count as a number, its middle as nothing."""
    return f"\2{'_' * (length - 2)}\3"[-length:]
