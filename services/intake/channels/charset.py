"""
Bytes to text when the label may lie.

Chinese mail is often labelled ``gb2312`` and holds GBK or GB 18030 characters, or labelled ``us-ascii`` or
``iso-8859-1`` by a gateway that never looked. GB 18030 contains the two older ones, so those labels are read as it;
every other doubt is settled by how much the decoded text looks like writing.
"""

import codecs
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from services.intake.channels.wording import clean_line

_LABELS = {
    "gb18030": (
        "gb2312|gb-2312|gb2312-80|gb-2312-80|x-gb2312|gbk|x-gbk|gb18030|euc-cn|cp936|ms936|windows-936|936|chinese"
    ),
    "big5hkscs": "big5|big-5|big5-hkscs|big5hkscs|cn-big5|x-x-big5|cp950|ms950|windows-950",
    "utf-8": "utf-8|utf8|utf-8-sig|unicode-1-1-utf-8",
    # What WHATWG says of these labels is what mailers do: quotes and dashes of Windows.
    "cp1252": "iso-8859-1|iso8859-1|latin1|latin-1|windows-1252|cp1252",
    "hz": "hz|hz-gb-2312",
}
_CODECS = {label: codec for codec, labels in _LABELS.items() for label in labels.split("|")}
# Python has text codecs that a stranger must not choose: punycode and idna decode in quadratic time.
_OTHER_LABELS = re.compile(
    r"iso-?8859-\d{1,2}|(?:windows-|cp)125\d|koi8-[ru]|tis-620|macintosh|utf-?(?:7|16|32)(?:-?[lb]e)?"
    r"|shift-?jis|sjis|cp932|euc-jp|iso-2022-(?:jp|kr)|euc-kr|cp949|ks-c-5601-1987"
)
_SHIFTED = ("hz", "utf-7", "utf-16", "utf-32", "iso2022")
# What a label promises, where we read it as something wider.
_NARROWER = {"gb2312": "gb2312", "gbk": "gbk", "x-gbk": "gbk"}
_NAMES = {"big5hkscs": "big5", "cp1252": "windows-1252", "hz": "hz-gb-2312"}
# A right decoding of Chinese or Western text scores 0.5 to 1, a wrong one about 0 (see the table in the tests).
_PLAUSIBLE = 0.5
# Puts Western letters (0.5 each) just below Han characters outside the everyday levels (-0.2 each).
_WESTERN_HANDICAP = 0.75
_SAMPLE = 2000


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the charset that gave it, and a warning where the label was wrong."""

    text: str
    charset: str
    warning: str | None = None


def decode(data: bytes, declared: str | None = None, hint: str | None = None) -> Decoded:
    """
    Return the text in *data*, by its *declared* charset where that makes sense and by a better one where not.

    Args:
        data: the bytes after transfer decoding.
        declared: the charset label that came with them, if any.
        hint: the charset of the text around them, tried before guessing.
    """
    codec = _codec(declared)
    if codec == "hz" and b"~{" not in data:
        codec = "gb18030"
    if data.isascii() and not (codec or "").startswith(_SHIFTED):
        return Decoded(data.decode("ascii"), _NAMES.get(codec or "", codec or "us-ascii"))
    text, used = _best(data, codec, _codec(hint))
    return Decoded(text.removeprefix("\ufeff"), _NAMES.get(used, used), _warning(data, declared, used, text))


def _best(data: bytes, codec: str | None, hint: str | None) -> tuple[str, str]:
    if codec and codec != "cp1252":
        text = data.decode(codec, "replace")
        if "\ufffd" not in text and _score(text) >= _PLAUSIBLE:
            return text, codec
    candidates = dict.fromkeys(filter(None, (codec, hint, "utf-8", "gb18030", "big5hkscs", "cp1252")))
    readings = [(data.decode(candidate, "replace"), candidate) for candidate in candidates]
    return max(readings, key=lambda reading: _score(reading[0]) - _handicap(reading[1], codec))


def _handicap(candidate: str, declared: str | None) -> float:
    """A rare name of two characters scores less than any two Western letters: who said Chinese is believed first."""
    return _WESTERN_HANDICAP if candidate == "cp1252" and declared in {"gb18030", "big5hkscs", "utf-8"} else 0.0


def _warning(data: bytes, declared: str | None, used: str, text: str) -> str | None:
    name = _NAMES.get(used, used)
    if "\ufffd" in text:
        return f"some bytes are not {name}"
    if not declared or (_codec(declared) == used and _fits(data, _NARROWER.get(_label(declared), used))):
        return None
    return f"declared {clean_line(declared, 40)}, decoded {name}"


def _fits(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeError:
        return False
    return True


def _label(declared: str) -> str:
    return declared[:40].strip(" \t\r\n\"'").lower().replace("_", "-").replace(" ", "-")


def _codec(declared: str | None) -> str | None:
    """Return Python's codec for a charset label, ``None`` for one that says nothing."""
    label = _label(declared or "")
    if label in _CODECS:
        return _CODECS[label]
    if not _OTHER_LABELS.fullmatch(label):
        return None
    try:
        return codecs.lookup(label).name
    except LookupError:
        return None


def _score(text: str) -> float:
    """Return how much *text* looks like writing, by its characters beyond ASCII: -1 to 1."""
    foreign = [char for char in text if not char.isascii()][:_SAMPLE]
    return sum(map(_plausibility, foreign)) / len(foreign) if foreign else 1.0


@lru_cache(maxsize=16384)
def _plausibility(char: str) -> float:
    category = unicodedata.category(char)
    if char == "\ufffd" or category in {"Cc", "Cn", "Co", "Cs"}:
        return -1.0
    if "CJK UNIFIED" in unicodedata.name(char, ""):
        return 1.0 if _everyday(char) else -0.2
    if "\u2010" <= char <= "\u2027" or "\u3000" <= char <= "\u301f" or "\uff01" <= char <= "\uff60":
        return 1.0
    # Half-width katakana come out of every wrong guess and out of almost no letter.
    if "\uff61" <= char <= "\uff9f":
        return -0.5
    return 0.5 if category[0] == "L" else 0.3


def _everyday(char: str) -> bool:
    """Say whether a Han character is in the first, frequent level of GB 2312 or of Big5."""
    for charset, first, last in (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6)):
        try:
            lead = char.encode(charset)[0]
        except UnicodeEncodeError:
            continue
        if first <= lead <= last:
            return True
    return False
