"""Which language a text is in: simplified or traditional Chinese, English, or undetermined."""

import re
from functools import lru_cache

from services.intake.channels.contact import Language

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+")
# Longest sample worth reading: the share of scripts is settled long before.
_SAMPLE = 4000
# Written Cantonese; most of these are in neither GB 2312 nor plain Big5.
_CANTONESE = frozenset("嘅咗喺冇佢哋嚟啲嗰攞嘢咁乜唔")
_TRADITIONAL_TAGS = ("zh-hant", "zh-tw", "zh-hk", "zh-mo", "yue")
_SIMPLIFIED_TAGS = ("zh-hans", "zh-cn", "zh-sg", "cmn-hans")


def detect_language(text: str) -> Language:
    """
    Return the language of *text*, ``und`` when it holds neither Han characters nor Latin words.

    A Latin word counts as two Han characters, so that product names and order numbers in a Chinese sentence
    leave it Chinese, and a Chinese name in an English letter leaves it English.
    """
    sample = text[:_SAMPLE]
    han = _HAN.findall(sample)
    words = len(_LATIN_WORD.findall(sample))
    if not han:
        return "en" if words else "und"
    if 2 * len(han) < words:
        return "en"
    return "zh-Hant" if sum(map(_lean, han)) > 0 else "zh-Hans"


def language_of(tag: str | None, text: str) -> Language:
    """Return the language that *tag* (BCP 47) names; where it names none of ours, detect it from *text*."""
    given = (tag or "").replace("_", "-").lower()
    if given.startswith(_TRADITIONAL_TAGS):
        return "zh-Hant"
    if given.startswith(_SIMPLIFIED_TAGS):
        return "zh-Hans"
    if given == "en" or given.startswith("en-"):
        return "en"
    return detect_language(text)


@lru_cache(maxsize=8192)
def _lean(char: str) -> int:
    """Return 1 for a character only written in traditional script, -1 only in simplified, 0 in both."""
    if char in _CANTONESE:
        return 1
    return _encodable(char, "big5") - _encodable(char, "gb2312")


def _encodable(char: str, charset: str) -> bool:
    # GB 2312 holds the simplified forms and Big5 the traditional ones: the two charsets are the table we need.
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
