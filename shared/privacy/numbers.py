"""
Numbers that lead to a person: identity documents, bank cards, phones.

Each form has a fewest number of digits, and digits are what to look for first: a text without a long enough run of
them is not searched at all, and one that has some only around them.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from shared.privacy.forms import LEFT, NOT_A_PART, RIGHT, WORD_RIGHT, Finder, Span

# GB 11643: six digits of place (the first two the province), birthday, serial number, check character. Whether the
# check character is right does not matter: a mistyped number still names a person.
_PROVINCE_CODE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|7[12]|8[1-3]|9[1])"
_MONTH_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_CN_ID = (
    rf"{LEFT}{_PROVINCE_CODE}[0-9]{{4}}(?:"
    rf"[ -]?(?:18|19|20)[0-9]{{2}}{_MONTH_DAY}[ -]?[0-9]{{3}}[0-9Xx]|[0-9]{{2}}{_MONTH_DAY}[0-9]{{3}}){WORD_RIGHT}"
)
_NAMED_ID = (
    rf"(?:身份证|身分證|身份證|{LEFT}(?i:ID card))[^0-9\x02\x03\n]{{0,8}}(?P<value>[0-9]{{14,17}}[0-9Xx]){WORD_RIGHT}"
)
_HONG_KONG_ID = rf"{LEFT}[A-Z]{{1,2}}[0-9]{{6}} ?\([0-9A]\)"
_TAIWAN_ID = rf"{LEFT}[A-Z][1289][0-9]{{8}}{WORD_RIGHT}"
_PASSPORT = (
    r"(?:护照|護照|(?i:passport))[^0-9\x02\x03\n]{0,20}?(?<![A-Za-z])(?P<value>[A-Za-z]{1,2}[0-9]{7,8})" + WORD_RIGHT
)


def _is_taiwan_id(match: re.Match[str]) -> bool:
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(match[0][0]) + 10
    digits = [letter // 10, letter % 10, *map(int, match[0][1:])]
    return sum(map(int.__mul__, digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


# ISO/IEC 7812: 13 to 19 digits, of which the first is the industry. Banks have 3 to 6 and 22 to 27, national schemes
# 9; so a number that begins with a date (2026...) or a time stamp (17...) is none.
_BANK = r"(?:[3-69][0-9]|2[2-7])"
_FOURS = rf"{_BANK}[0-9]{{2}}(?P<sep>[ -])[0-9]{{4}}(?P=sep)[0-9]{{4}}(?P=sep)"
_LONG_CARD = rf"{LEFT}(?=(?P<value>{_FOURS}[0-9]{{4}}(?P=sep)[0-9]{{1,3}}){RIGHT})"
_CARD = (
    rf"{LEFT}(?=(?P<value>{_FOURS}[0-9]{{1,4}}|{_BANK}(?:[0-9]{{11,17}}"
    rf"|[0-9]{{2}}[ -][0-9]{{6}}[ -][0-9]{{4,5}}|[0-9]{{4}}[ -][0-9]{{10,13}})){RIGHT})"
)
_ORDER_HINT = re.compile(
    r"(?:(?:订单|訂單|运单|運單)(?:编号|編號)?|[单單][号號][码碼]?"
    r"|(?<![0-9A-Za-z])(?i:(?:order|invoice|tracking)(?: (?:no\.?|number|id))?))[是为為:# ]{0,3}\Z"
)


def _is_card(match: re.Match[str]) -> bool:
    """Tell a card by its Luhn digit, unless it is called an order number."""
    start = match.start("value")
    digits = [int(digit) for digit in match["value"] if digit.isdecimal()][::-1]
    luhn = sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return luhn % 10 == 0 and not _ORDER_HINT.search(match.string[max(0, start - 20) : start])


_EXTENSION = r"(?:(?: ?(?:转|轉|分机|分機|(?i:ext\.?)|#) ?|-)[0-9]{1,6})?"
_CHINA_PREFIX = r"(?:\(?(?:\+|00)?86\)?[ -]{0,2})?"
_CN_MOBILE = (
    rf"(?:{LEFT}|(?<=(?i:tel))|(?<=(?i:phone))|(?<=(?i:mobile))|(?<=(?i:wx)))(?<![0-9\x03]\.){_CHINA_PREFIX}"
    rf"(?:1[3-9][0-9](?:[ .-]{{0,3}}[0-9]){{6}}[0-9]{{2}}|1(?:[ -][0-9]){{10}}){RIGHT}"
)
_CN_LANDLINE = (
    rf"{LEFT}{NOT_A_PART}{_CHINA_PREFIX}\(?0(?:10|2[0-9]|[3-9][0-9]{{2}})\)?[ -]{{0,3}}"
    rf"[1-9][0-9]{{2,3}}[ -]?[0-9]{{4}}{_EXTENSION}{RIGHT}"
)
_CN_HOTLINE = (
    rf"{LEFT}{NOT_A_PART}[48]00[ -]?(?:[0-9]{{3}}[ -]?[0-9]{{4}}|[0-9]{{4}}[ -]?[0-9]{{3}}){_EXTENSION}{RIGHT}"
)
_OTHER_TRUNK = (
    rf"{LEFT}{NOT_A_PART}(?:09[0-9]{{2}}[ -]?[0-9]{{3}}[ -]?[0-9]{{3}}"  # Taiwan, mobile
    r"|(?:\(?0[24]\)?[ -]?[2-9][0-9]{3}|\(?0[35-8]\)?[ -]?[2-9][0-9]{2})[ -]?[0-9]{4}"  # Taiwan
    r"|07[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}|01[0-9]{2,3}[ -][0-9]{3}[ -]?[0-9]{3,4}"  # Britain
    rf"|\(?[2-9][0-9]{{2}}\)?[ .-]{{1,2}}[2-9][0-9]{{2}}[.-][0-9]{{4}}){_EXTENSION}{RIGHT}"  # North America
)
# Lengths where they are known, so that a number written after the phone number is left alone.
_INTERNATIONAL = (
    rf"(?:(?<![0-9\x03])\(?\+|{LEFT}{NOT_A_PART}00)(?:"
    + "|".join(
        rf"{code}(?:[ .()-]{{0,3}}[0-9]){{{length}}}{RIGHT}"
        for code, length in (("1", 10), ("44", 10), ("65", 8), ("85[23]", 8), ("86", "10,11"), ("886", "8,9"))
    )
    + rf"|[2-9](?:[ .()-]{{0,3}}[0-9]){{7,14}}{RIGHT})"
)
# Seven or eight digits alone are a phone only when they are called one; a date is none.
_NAMED_PHONE = (
    r"(?:(?:电话|電話|座机|座機|固话|手机|手機)(?:号码|號碼)?[是为為:]? ?"
    rf"|{LEFT}(?i:tel|phone|mobile|whatsapp|call (?:me|us|on|at))"
    r"(?i:[ .:]{1,2}(?:number|no|me|us|at|on|is)?){0,4})"
    rf"(?P<value>(?!20[0-9]{{2}}{_MONTH_DAY})[2-9][0-9]{{2,3}}[ -]?[0-9]{{4}})(?!-){RIGHT}"
)


@dataclass(frozen=True, slots=True)
class NumberForm:
    """
    One form of a number: what it is, how it is found, the fewest digits it has.

    ``reach`` is how many characters may stand before its digits, with the word that names it.
    """

    kind: str
    finder: Finder
    digits: int
    reach: int


class Run(NamedTuple):
    """Digits that may be one number: where they stand, and how many they are."""

    start: int
    end: int
    digits: int


def _form(
    kind: str, pattern: str, digits: int, reach: int, accept: Callable[[re.Match[str]], bool] = bool
) -> NumberForm:
    return NumberForm(kind, Finder(re.compile(pattern), accept), digits, reach)


_NAMED: Final = 48
"""Reach of a number that counts only after a word for it: "whatsapp number is at no. ", with room to spare."""
_BARE: Final = 4
"""Reach of one that needs no word: an opening bracket and a plus, or the letters of a document."""

NUMBER_FORMS: Final = (
    _form("id", _CN_ID, 15, _BARE),
    _form("id", _NAMED_ID, 14, _NAMED),
    _form("id", _HONG_KONG_ID, 6, _BARE),
    _form("id", _TAIWAN_ID, 9, _BARE, _is_taiwan_id),
    _form("id", _PASSPORT, 7, _NAMED),
    _form("card", _LONG_CARD, 17, _BARE, _is_card),
    _form("card", _CARD, 13, _BARE, _is_card),
    _form("phone", _INTERNATIONAL, 8, _BARE),
    _form("phone", _CN_MOBILE, 11, _BARE),
    _form("phone", _CN_LANDLINE, 10, _BARE),
    _form("phone", _CN_HOTLINE, 10, _BARE),
    _form("phone", _OTHER_TRUNK, 9, _BARE),
    _form("phone", _NAMED_PHONE, 7, _NAMED),
)
"""In the order in which they are looked for; what one takes, the next no longer sees."""

# Between two digits of one number stand at most a closing bracket and three blanks, as in "(0571)   8888".
_RUN: Final = re.compile(r"[0-9](?:[ .()-]{0,4}[0-9]){5,}")
_BEHIND: Final = 16
"""Characters that may follow the digits: an extension (" ext. 123456"), and one to see that it ends there."""


def runs(plain: str) -> list[Run]:
    """Where enough digits stand together to be a number of any form."""
    return [Run(*match.span(), len(match[0]) - sum(map(match[0].count, " .()-"))) for match in _RUN.finditer(plain)]


def find_numbers(form: NumberForm, plain: str, among: list[Run]) -> Iterator[Span]:
    """Every number of this form; *among* are the runs of digits in *plain*."""
    done = 0
    for run in among:
        if run.digits < form.digits:
            continue
        for span in form.finder.find(plain, max(done, run.start - form.reach), run.end + _BEHIND):
            if span[0] >= run.end:
                break  # the next run's, and perhaps only a part of it
            done = span[1]
            yield span
