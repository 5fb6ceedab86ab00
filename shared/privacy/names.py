"""
The names of one known customer.

Nothing is compiled for a name: where its letters stand in a text, fixed patterns say whether what is around them makes
it a name. Most texts do not hold the name at all, and then nothing but that is found out.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from typing import Final, TypeAlias

from shared.privacy.forms import FOLD, LEFT, Span, cover

_LONGEST: Final = 60
"""Characters of a name that are looked for: nobody's is longer, and a stranger's word for one has no limit."""
_HAN: Final = re.compile("[一-鿿]")
_SURNAME: Final = re.compile(
    "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|司徒|东方|東方|夏侯|皇甫|尉迟|尉遲|公孙|公孫|慕容|令狐|长孙|長孫|宇文|端木|南宫|南宮|."
)
_CHINESE_TITLES: Final = ("先生", "女士", "小姐", "太太", "师傅", "師傅", "同学", "同學", "老师", "老師")
_BEFORE_SURNAME: Final = ("我姓", "贵姓", "貴姓", "敝姓")
_CHINESE_INTRODUCTION: Final = re.compile(r"(?:我|本人|名字|姓名)(?:叫做|叫|是|为|為)?[: ]?\Z")
_ENGLISH_INTRODUCTION: Final = re.compile(
    rf"{LEFT}(?i:my name is|my name's|i am|i'm|this is|call me|name:|(?:mr|mrs|ms|miss|mx|dr)\.?"
    r"|(?:regards|sincerely|faithfully|thanks|thank you|cheers|best|yours)[,.!]?)\s{1,4}\Z"
)
_LONGEST_INTRODUCTION: Final = 24
_LATIN: Final = "A-Za-zÀ-ɏ"
_LATIN_PART: Final = re.compile(f"[{_LATIN}'-]+")
_LATIN_BEFORE: Final = re.compile(f"(?<![{_LATIN}\x03])")
_LATIN_AFTER: Final = re.compile(f"(?![{_LATIN}\x02])")
_LATIN_GAP: Final = re.compile("[ .,·]{1,2}")


@dataclass(frozen=True, slots=True)
class _Text:
    """A folded text, and the same without capitals, character for character."""

    plain: str
    lower: str


_Candidate: TypeAlias = tuple[int, int, Span]
"""From where on a place reads as a name, its rank among those that begin there, and the name itself."""
_Search: TypeAlias = Callable[[_Text], Iterable[_Candidate]]


@dataclass(frozen=True, slots=True)
class _Known:
    """How to look for one customer's names; a text that holds none of ``keys`` holds none of them."""

    searches: tuple[_Search, ...]
    keys: tuple[str, ...]


def may_hold_name(text: str, names: Collection[str]) -> bool:
    """Whether a text, folded or not, is worth searching."""
    lower = _lower(text)
    return any(key in lower for key in _known(tuple(names)).keys)


def find_names(plain: str, names: Collection[str]) -> list[Span]:
    """Every place in a folded text where a name stands; each kind of place sees those before it as taken."""
    spans: list[Span] = []
    for search in _known(tuple(names)).searches:
        found = _apart(search(_Text(plain, _lower(plain))))
        if found:
            spans += found
            plain = cover(plain, found)
    return spans


def _apart(candidates: Iterable[_Candidate]) -> list[Span]:
    """Choose from left to right, none within another."""
    chosen: list[Span] = []
    done = 0
    for start, _, span in sorted(candidates):
        if start >= done:
            done = span[1]
            chosen.append(span)
    return chosen


@lru_cache(maxsize=64)
def _known(names: tuple[str, ...]) -> _Known:
    """Prepare the names, the longest first."""
    plain = dict.fromkeys(name.translate(FOLD).strip()[:_LONGEST] for name in names)
    ordered = sorted(plain, key=len, reverse=True)
    chinese = [re.sub("[ ·]", "", name) for name in ordered if _HAN.search(name)]
    latin = [parts for name in ordered if not _HAN.search(name) and (parts := _LATIN_PART.findall(name))]
    keys = [key for name in chinese for key in (_surname(name), _given(name)) if key]
    keys += chain.from_iterable(latin)
    return _Known((*_chinese_searches(chinese), *_latin_searches(latin)), tuple(map(_lower, keys)))


def _lower(text: str) -> str:
    # As a pattern that ignores case has it, and one letter for one.
    return text.replace("İ", "i").replace("ı", "i").replace("ſ", "s").lower()


def _places(text: str, word: str) -> Iterator[int]:
    place = text.find(word)
    while place >= 0:
        yield place
        place = text.find(word, place + 1)


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted(set(words), key=lambda word: (-len(word), word))


def _before(introduction: re.Pattern[str], text: _Text, start: int) -> re.Match[str] | None:
    return introduction.search(text.plain, max(0, start - _LONGEST_INTRODUCTION), start)


# Chinese names.


def _surname(name: str) -> str:
    match = _SURNAME.match(name)
    return match[0] if match else ""


def _given(name: str) -> str:
    return name.removeprefix(_surname(name))


def _chinese_searches(names: list[str]) -> Iterator[_Search]:
    yield partial(_in_full, [name for name in names if len(name) > 1])
    yield partial(_surname_alone, _longest_first(filter(None, map(_surname, names))))
    yield partial(_given_name_introduced, _longest_first(given for given in map(_given, names) if len(given) > 1))


def _in_full(names: list[str], text: _Text) -> Iterator[_Candidate]:
    for rank, name in enumerate(names):
        for start in _places(text.plain, name[0]):
            if end := _end_of(name, text.plain, start):
                yield start, rank, (start, end)


def _surname_alone(surnames: list[str], text: _Text) -> Iterator[_Candidate]:
    for rank, surname in enumerate(surnames):
        for start in _places(text.plain, surname):
            end = start + len(surname)
            titled = text.plain.startswith(_CHINESE_TITLES, end)
            if titled or text.plain.endswith(_BEFORE_SURNAME, 0, start):
                yield start, rank + (0 if titled else len(surnames)), (start, end)


def _given_name_introduced(given_names: list[str], text: _Text) -> Iterator[_Candidate]:
    for rank, given in enumerate(given_names):
        for start in _places(text.plain, given):
            if introduction := _before(_CHINESE_INTRODUCTION, text, start):
                yield introduction.start(), rank, (start, start + len(given))


def _end_of(name: str, plain: str, start: int) -> int | None:
    """Where a name that begins at *start* ends; between its characters may stand a blank or a dot."""
    place = start + 1
    for character in name[1:]:
        if plain[place : place + 1] in {" ", "·"}:
            place += 1
        if plain[place : place + 1] != character:
            return None
        place += 1
    return place


# Latin names.


def _latin_searches(names: list[list[str]]) -> Iterator[_Search]:
    for parts in names:
        if len(parts) > 1:
            forwards = [_lower(part) for part in parts]
            yield partial(_parts_in_full, (forwards, forwards[::-1]))
        else:
            # A single name may be a word (Will, Rose), so only its capitals tell.
            yield partial(_single, _longest_first({parts[0], parts[0].title(), parts[0].upper()}))
    yield partial(_introduced, _longest_first(_lower(part) for name in names for part in name if len(part) > 1))


def _parts_in_full(ways: Iterable[list[str]], text: _Text) -> Iterator[_Candidate]:
    for rank, parts in enumerate(ways):
        for start in _places(text.lower, parts[0]):
            end = _end_of_parts(parts, text.lower, start)
            if end and _stands_alone(text.plain, start, end):
                yield start, rank, (start, end)


def _single(words: list[str], text: _Text) -> Iterator[_Candidate]:
    for rank, word in enumerate(words):
        for start in _places(text.plain, word):
            if _stands_alone(text.plain, start, start + len(word)):
                yield start, rank, (start, start + len(word))


def _introduced(parts: list[str], text: _Text) -> Iterator[_Candidate]:
    for rank, part in enumerate(parts):
        for start in _places(text.lower, part):
            end = start + len(part)
            if _LATIN_AFTER.match(text.plain, end) and (before := _before(_ENGLISH_INTRODUCTION, text, start)):
                yield before.start(), rank, (start, end)


def _end_of_parts(parts: list[str], lower: str, start: int) -> int | None:
    place = start + len(parts[0])
    for part in parts[1:]:
        gap = _LATIN_GAP.match(lower, place)
        if gap is None or not lower.startswith(part, gap.end()):
            return None
        place = gap.end() + len(part)
    return place


def _stands_alone(plain: str, start: int, end: int) -> bool:
    return bool(_LATIN_BEFORE.match(plain, start) and _LATIN_AFTER.match(plain, end))
