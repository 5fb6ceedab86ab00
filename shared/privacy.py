"""
Keep personal data out of what leaves the mailroom: swap it for typed tokens, and put it back for the customer.

`mask` finds what has a recognisable form (phones, e-mails, identity documents, bank cards, street addresses) and
the names it is told. That is best effort: other people's names, nicknames and stories stay in the text, and now
and then a harmless number that looks personal goes. Standard library only. Linear in the length of the text:
every pattern has a bounded length or cannot start again inside its own run.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
Finder: TypeAlias = Callable[[str], Iterator[Span]]

_TOKEN = re.compile(r"⟦(phone|email|id|card|address|name|bracket):([1-9][0-9]{0,8})⟧")
_TYPED_BRACKET = "⟦bracket:1⟧"


@dataclass(frozen=True)
class Masked:
    """
    A text without the personal data that was found in it.

    Attributes:
        text: the text with tokens such as `⟦phone:1⟧`.
        tokens: token to what it stands for, as first written, with the tokens handed in. Personal data.
    """

    text: str
    tokens: Mapping[str, str] = field(repr=False)


def mask(text: str | Masked, names: Collection[str] = (), tokens: Mapping[str, str] | None = None) -> Masked:
    """
    Swap personal data for tokens.

    The same value gets the same token however it is spelled (spaces, dashes, +86, full width, capitals), so
    `unmask` gives back the exact text as long as each value is spelled in one way, and its first spelling
    otherwise. A `str` is what somebody wrote: an opening bracket `⟦` in it becomes a token itself
    (`⟦bracket:1⟧`), so a token typed by the writer is never filled in. A `Masked` keeps its tokens and is searched
    again, which changes nothing unless there are new names.

    Args:
        text: what a customer wrote, or a text masked before.
        names: the known customer's own names, in every script they are known in. A Chinese surname also goes
            before a title (王先生) and in 我姓王, a given name in 我叫小明; a Latin name also goes reversed, in
            part after Mr or Ms, in "my name is" and under the letter.
        tokens: token to original from earlier texts, to be continued.
    """
    known = dict(tokens or {})
    if isinstance(text, Masked):
        plain = _TOKEN.sub(_shield, text.text.translate(_FOLD))
        return _swap(text.text, _claims(plain, names), {**known, **text.tokens}, bracket="⟦")
    if "⟦" in text:
        known[_TYPED_BRACKET] = "⟦"
    return _swap(text, _claims(text.translate(_FOLD), names), known, bracket=_TYPED_BRACKET)


def unmask(text: str, tokens: Mapping[str, str]) -> str:
    """Put the originals back; a token that is not in `tokens` stays, and what is put in is not read again."""
    return _TOKEN.sub(lambda token: tokens.get(token[0], token[0]), text)


def _swap(text: str, claims: list[tuple[Span, str]], tokens: dict[str, str], *, bracket: str) -> Masked:
    """Put tokens in the place of the claims, and `bracket` in the place of every opening bracket between them."""
    found = {token: match for token in tokens if (match := _TOKEN.fullmatch(token))}
    token_of = {(match[1], _canonical(match[1], tokens[token])): token for token, match in found.items()}
    last: Counter[str] = Counter()
    for match in found.values():
        last[match[1]] = max(last[match[1]], int(match[2]))
    pieces: list[str] = []
    done = 0
    for (start, end), kind in sorted(claims):
        original = text[start:end]
        key = (kind, _canonical(kind, original))
        if key not in token_of:
            last[kind] += 1
            token_of[key] = f"⟦{kind}:{last[kind]}⟧"
            tokens[token_of[key]] = original
        pieces += text[done:start].replace("⟦", bracket), token_of[key]
        done = end
    return Masked("".join((*pieces, text[done:].replace("⟦", bracket))), tokens)


def _claims(plain: str, names: Collection[str]) -> list[tuple[Span, str]]:
    """Find personal data; each finder sees what the ones before it took as tokens, as a second masking will."""
    claims: list[tuple[Span, str]] = []
    for kind, find in (*_FINDERS, *(("name", find) for find in _name_finders(names))):
        spans = list(find(plain))
        claims += ((span, kind) for span in spans)
        plain = _cover(plain, spans)
    return claims


def _cover(plain: str, spans: list[Span]) -> str:
    """Put a shield of the same length in the place of each span."""
    pieces: list[str] = []
    done = 0
    for start, end in spans:
        pieces += plain[done:start], _shield_of(end - start)
        done = end
    return "".join((*pieces, plain[done:]))


def _shield(token: re.Match[str]) -> str:
    # A typed bracket must not protect the number beside it.
    return "\0" * len(token[0]) if token[0] == _TYPED_BRACKET else _shield_of(len(token[0]))


def _shield_of(length: int) -> str:
    return f"\2{'_' * (length - 2)}\3"[-length:]


def _canonical(kind: str, original: str) -> str:
    """Give the form in which two spellings of one value are equal."""
    plain = original.translate(_FOLD).casefold()
    if kind == "email":
        return plain
    if kind != "phone":
        return "".join(filter(str.isalnum, plain))
    digits = "".join(filter(str.isdecimal, plain)).removeprefix("00")
    if digits.startswith("86") and len(digits) > _CHINESE_DIGITS:
        return digits[2:].removeprefix("0")
    return f"+{digits}" if plain.lstrip("( ").startswith(("+", "00")) else digits.removeprefix("0")


_CHINESE_DIGITS = 11
"""The longest Chinese number without its country code: a mobile one."""

_SPACES = "\u3000\u00a0\u2002\u2003\u2009\u200b\u200c\u200d\u202f\u2060\ufeff"
_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63"
# Full-width forms, spaces and hyphens, and the marks of a shield; one character for one, so that a position in the
# folded text is a position in the original.
_FOLD = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | str.maketrans(
    _SPACES + _HYPHENS + "\2\3", " " * len(_SPACES) + "-" * len(_HYPHENS) + "\0\0"
)

# A number does not start inside another number or word, nor end inside a number. The ends of a shield (\x02, \x03)
# count as a number: otherwise masking one value would uncover another, and masking twice would differ from once.
_LEFT = r"(?<![0-9A-Za-z\x03])"
_RIGHT = r"(?![0-9\x02])"
_WORD_RIGHT = r"(?![0-9A-Za-z\x02])"
_NOT_A_PART = r"(?<![0-9A-Za-z\x03]-)"


def _finder(pattern: str, accept: Callable[[re.Match[str]], bool] = bool) -> Finder:
    """Make a finder of the pattern's group `value`, or of all of it."""
    compiled = re.compile(pattern)
    group = "value" if "value" in compiled.groupindex else 0

    def find(plain: str) -> Iterator[Span]:
        done = 0
        for match in compiled.finditer(plain):
            start, end = match.span(group)
            if start >= done and accept(match):
                done = end
                yield start, end

    return find


# RFC 5321: at most 64 characters before the @. The last label begins with a letter, which tells an address from a
# price such as 3@1.5.
_EMAIL = (
    r"(?<![A-Za-z0-9_\x03])[A-Za-z0-9_][A-Za-z0-9._%+'-]{0,63}+@"
    r"(?:[A-Za-z0-9-]++\.)+[A-Za-z][A-Za-z0-9-]*+"
)

# GB 11643: six digits of place (the first two the province), birthday, serial number, check character. Whether the
# check character is right does not matter: a mistyped number still names a person.
_PROVINCE_CODE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|7[12]|8[1-3]|9[1])"
_MONTH_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_CN_ID = (
    rf"{_LEFT}{_PROVINCE_CODE}[0-9]{{4}}(?:"
    rf"[ -]?(?:18|19|20)[0-9]{{2}}{_MONTH_DAY}[ -]?[0-9]{{3}}[0-9Xx]|[0-9]{{2}}{_MONTH_DAY}[0-9]{{3}}){_WORD_RIGHT}"
)
_NAMED_ID = (
    rf"(?:身份证|身分證|身份證|{_LEFT}(?i:ID card))[^0-9\x02\x03\n]{{0,8}}(?P<value>[0-9]{{14,17}}[0-9Xx]){_WORD_RIGHT}"
)
_HONG_KONG_ID = rf"{_LEFT}[A-Z]{{1,2}}[0-9]{{6}} ?\([0-9A]\)"
_TAIWAN_ID = rf"{_LEFT}[A-Z][1289][0-9]{{8}}{_WORD_RIGHT}"
_PASSPORT = (
    r"(?:护照|護照|(?i:passport))[^0-9\x02\x03\n]{0,20}?(?<![A-Za-z])(?P<value>[A-Za-z]{1,2}[0-9]{7,8})" + _WORD_RIGHT
)


def _is_taiwan_id(match: re.Match[str]) -> bool:
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(match[0][0]) + 10
    digits = [letter // 10, letter % 10, *map(int, match[0][1:])]
    return sum(map(int.__mul__, digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


# ISO/IEC 7812: 13 to 19 digits, of which the first is the industry. Banks have 3 to 6 and 22 to 27, national schemes
# 9; so a number that begins with a date (2026...) or a time stamp (17...) is none.
_BANK = r"(?:[3-69][0-9]|2[2-7])"
_FOURS = rf"{_BANK}[0-9]{{2}}(?P<sep>[ -])[0-9]{{4}}(?P=sep)[0-9]{{4}}(?P=sep)"
_LONG_CARD = rf"{_LEFT}(?=(?P<value>{_FOURS}[0-9]{{4}}(?P=sep)[0-9]{{1,3}}){_RIGHT})"
_CARD = (
    rf"{_LEFT}(?=(?P<value>{_FOURS}[0-9]{{1,4}}|{_BANK}(?:[0-9]{{11,17}}"
    rf"|[0-9]{{2}}[ -][0-9]{{6}}[ -][0-9]{{4,5}}|[0-9]{{4}}[ -][0-9]{{10,13}})){_RIGHT})"
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
    rf"(?:{_LEFT}|(?<=(?i:tel))|(?<=(?i:phone))|(?<=(?i:mobile))|(?<=(?i:wx)))(?<![0-9\x03]\.){_CHINA_PREFIX}"
    rf"(?:1[3-9][0-9](?:[ .-]{{0,3}}[0-9]){{6}}[0-9]{{2}}|1(?:[ -][0-9]){{10}}){_RIGHT}"
)
_CN_LANDLINE = (
    rf"{_LEFT}{_NOT_A_PART}{_CHINA_PREFIX}\(?0(?:10|2[0-9]|[3-9][0-9]{{2}})\)?[ -]{{0,3}}"
    rf"[1-9][0-9]{{2,3}}[ -]?[0-9]{{4}}{_EXTENSION}{_RIGHT}"
)
_CN_HOTLINE = (
    rf"{_LEFT}{_NOT_A_PART}[48]00[ -]?(?:[0-9]{{3}}[ -]?[0-9]{{4}}|[0-9]{{4}}[ -]?[0-9]{{3}}){_EXTENSION}{_RIGHT}"
)
_OTHER_TRUNK = (
    rf"{_LEFT}{_NOT_A_PART}(?:09[0-9]{{2}}[ -]?[0-9]{{3}}[ -]?[0-9]{{3}}"  # Taiwan, mobile
    r"|(?:\(?0[24]\)?[ -]?[2-9][0-9]{3}|\(?0[35-8]\)?[ -]?[2-9][0-9]{2})[ -]?[0-9]{4}"  # Taiwan
    r"|07[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}|01[0-9]{2,3}[ -][0-9]{3}[ -]?[0-9]{3,4}"  # Britain
    rf"|\(?[2-9][0-9]{{2}}\)?[ .-]{{1,2}}[2-9][0-9]{{2}}[.-][0-9]{{4}}){_EXTENSION}{_RIGHT}"  # North America
)
# Lengths where they are known, so that a number written after the phone number is left alone.
_INTERNATIONAL = (
    rf"(?:(?<![0-9\x03])\(?\+|{_LEFT}{_NOT_A_PART}00)(?:"
    + "|".join(
        rf"{code}(?:[ .()-]{{0,3}}[0-9]){{{length}}}{_RIGHT}"
        for code, length in (("1", 10), ("44", 10), ("65", 8), ("85[23]", 8), ("86", "10,11"), ("886", "8,9"))
    )
    + rf"|[2-9](?:[ .()-]{{0,3}}[0-9]){{7,14}}{_RIGHT})"
)
# Seven or eight digits alone are a phone only when they are called one; a date is none.
_NAMED_PHONE = (
    r"(?:(?:电话|電話|座机|座機|固话|手机|手機)(?:号码|號碼)?[是为為:]? ?"
    rf"|{_LEFT}(?i:tel|phone|mobile|whatsapp|call (?:me|us|on|at))"
    r"(?i:[ .:]{1,2}(?:number|no|me|us|at|on|is)?){0,4})"
    rf"(?P<value>(?!20[0-9]{{2}}{_MONTH_DAY})[2-9][0-9]{{2,3}}[ -]?[0-9]{{4}})(?!-){_RIGHT}"
)

# Characters that end the text before an address rather than belong to a place: 我住在…, 请寄到…, 地址是…
_PLACE = "(?:(?![我你他她您们們在是到了的住址寄送说說叫让讓请請给給从從位为為去把被就和及与與])[一-鿿])"
_NUMBER = r"(?:[0-9]{1,5}(?:[-之][0-9]{1,4})?|[一二三四五六七八九十百〇零]{1,5})"
_INSIDE = "(?:号楼|號樓|号院|號院|栋|棟|幢|座|单元|單元|层|層|楼|樓|室|房|户|戶)"
_BUILDING = rf"[A-Za-z]{{0,8}}{_PLACE}{{0,8}}?(?:[A-Za-z]?{_NUMBER}{_INSIDE}|[A-Za-z][座栋棟室])"
_TAIL = rf"(?:[ ,-]?(?:{_BUILDING}|{_NUMBER}[号號弄巷])|[-之][0-9]{{1,5}}){{0,6}}"
_STREET_NUMBER = re.compile(
    r"(?:路|街|巷|弄|胡同|(?<![知报報通地渠难難味频頻])道)(?:[东西南北東中]?[一二三四五六七八九十]{1,2}[段路])? ?"
    rf"{_NUMBER} ?(?:号|號|巷|弄){_TAIL}"
)
_ESTATE_NUMBER = re.compile(
    r"(?:小区|社区|小區|社區|花园|花園|公寓|大厦|大廈|广场|廣場|新村|家园|苑|园|園|城|府|湾|灣)"
    rf" ?[A-Za-z]?{_NUMBER}{_INSIDE}{_TAIL}|[村屯里组組] ?{_NUMBER}(?:号|號){_TAIL}"
)
_REGION = re.compile(
    "北京|上海|天津|重庆|重慶|河北|山西|内蒙古|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|广西|"
    "海南|四川|贵州|云南|西藏|陕西|甘肃|青海|宁夏|新疆|[台臺][北中南湾灣]|新北|桃園|高雄|香港|九龍|新界|澳[门門]|"
    "广州|深圳|杭州|南京|武汉|成都|西安|苏州|郑州|长沙|青岛|大连|厦门|宁波|济南|合肥|福州|昆明|沈阳|哈尔滨|石家庄|"
    f"{_PLACE}{{2}}(?:省|市|新?[区區]|[县縣镇鎮乡鄉旗])"
)
_BEHIND_STREET = re.compile(f"{_PLACE}{{0,30}}")


def _chinese_address_finder(numbers: re.Pattern[str], *, region_needed: bool) -> Finder:
    """Make a finder of addresses by their street or estate number; they begin at the region before it."""

    def find(plain: str) -> Iterator[Span]:
        done = 0
        for number in numbers.finditer(plain):
            backwards = plain[max(done, number.start() - 30) : number.start()][::-1]
            before = _BEHIND_STREET.match(backwards)
            head = before[0][::-1] if before else ""
            region = _REGION.search(head + number[0][0])
            if region or (head and not region_needed):
                # Most streets have two characters before the word for street: 建国路, 世纪大道.
                start = number.start() - (len(head) - region.start() if region else min(2, len(head)))
                done = number.end()
                yield start, done

    return find


_HOUSE = r"(?:(?i:flat|unit|apt\.?|apartment|room|suite) ?[0-9A-Za-z]{1,5},? )?[0-9]{1,5}[A-Za-z]?(?:-[0-9]{1,5})?,? "
_NO_STREET_NAME = (
    r"(?:stars?|way|lanes?|minutes?|hours?|days?|weeks?|months?|years?|times?|people|men|of|in|on|at|to|from|by|for|and|or|the|a|an|"
    r"my|your|our|this|that|down|off|along|across|is|are|was|were)"
)
_UNIT_AND_TOWN = (
    rf"{_WORD_RIGHT}\.?(?:,? (?:(?i:flat|apt\.?|unit|suite) ?|#)[0-9A-Za-z]{{1,6}}{_WORD_RIGHT})?"
    r"(?:(?:, ?[A-Z][A-Za-z]{1,20}(?: [A-Z][a-z]{1,20}){0,2}){0,2},? "
    rf"(?:[A-Z]{{1,2}}[0-9][0-9A-Z]? ?[0-9][A-Z]{{2}}|[A-Z]{{2}} [0-9]{{5}}(?:-[0-9]{{4}})?){_WORD_RIGHT})?"
)
_ENGLISH_ADDRESS = (
    rf"{_LEFT}{_HOUSE}(?:"
    rf"(?:(?!(?i:{_NO_STREET_NAME}) )[A-Za-z][A-Za-z'.-]{{0,20}} ){{1,3}}"
    r"(?i:street|st|road|rd|avenue|ave|lane|boulevard|blvd)"
    r"|(?:[A-Z][A-Za-z'.-]{0,20} ){1,3}(?:Drive|Dr|Court|Ct|Place|Pl|Square|Way|Terrace|Crescent|Close|Highway|Gardens|"
    rf"Parkway|Row|Mews|Quay)){_UNIT_AND_TOWN}"
)
_PO_BOX = rf"{_LEFT}(?i:p\.?o\.? ?box) [0-9]{{1,6}}{_RIGHT}"

_FINDERS: tuple[tuple[str, Finder], ...] = (
    ("email", _finder(_EMAIL)),
    ("address", _chinese_address_finder(_STREET_NUMBER, region_needed=False)),
    ("address", _chinese_address_finder(_ESTATE_NUMBER, region_needed=True)),
    ("address", _finder(f"{_ENGLISH_ADDRESS}|{_PO_BOX}")),
    ("id", _finder(_CN_ID)),
    ("id", _finder(_NAMED_ID)),
    ("id", _finder(_HONG_KONG_ID)),
    ("id", _finder(_TAIWAN_ID, _is_taiwan_id)),
    ("id", _finder(_PASSPORT)),
    ("card", _finder(_LONG_CARD, _is_card)),
    ("card", _finder(_CARD, _is_card)),
    ("phone", _finder(_INTERNATIONAL)),
    ("phone", _finder(_CN_MOBILE)),
    ("phone", _finder(_CN_LANDLINE)),
    ("phone", _finder(_CN_HOTLINE)),
    ("phone", _finder(_OTHER_TRUNK)),
    ("phone", _finder(_NAMED_PHONE)),
)

_SURNAME = re.compile(
    "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|司徒|东方|東方|夏侯|皇甫|尉迟|尉遲|公孙|公孫|慕容|令狐|长孙|長孫|宇文|端木|南宫|南宮|."
)
_CHINESE_TITLE = "(?=先生|女士|小姐|太太|师傅|師傅|同学|同學|老师|老師)"
_CHINESE_INTRODUCTION = "(?:我|本人|名字|姓名)(?:叫做|叫|是|为|為)?[: ]?"
_ENGLISH_INTRODUCTION = (
    rf"{_LEFT}(?i:my name is|my name's|i am|i'm|this is|call me|name:|(?:mr|mrs|ms|miss|mx|dr)\.?"
    r"|(?:regards|sincerely|faithfully|thanks|thank you|cheers|best|yours)[,.!]?)\s{1,4}"
)
_LATIN = "A-Za-zÀ-ɏ"


def _name_finders(names: Collection[str]) -> list[Finder]:
    """Make the finders of one customer's names, longest name first."""
    plain = sorted({name.translate(_FOLD).strip() for name in names}, key=len, reverse=True)
    chinese = [re.sub("[ ·]", "", name) for name in plain if re.search("[一-鿿]", name)]
    latin = [re.findall(f"[{_LATIN}'-]+", name) for name in plain if not re.search("[一-鿿]", name)]
    patterns = [*_chinese_patterns(chinese), *_latin_patterns([parts for parts in latin if parts])]
    return [_finder(pattern) for pattern in patterns]


def _chinese_patterns(names: list[str]) -> Iterator[str]:
    surname_of = {name: match[0] for name in names if (match := _SURNAME.match(name))}
    if full := [name for name in names if len(name) > 1]:
        yield "|".join("[ ·]?".join(map(re.escape, name)) for name in full)
    if surname_of:
        surname = _any_of(set(surname_of.values()))
        yield f"{surname}{_CHINESE_TITLE}|(?<=[我贵貴敝]姓){surname}"
    given_names = {name.removeprefix(surname) for name, surname in surname_of.items()}
    if telling := {given for given in given_names if len(given) > 1}:
        yield f"{_CHINESE_INTRODUCTION}(?P<value>{_any_of(telling)})"


def _latin_patterns(names: list[list[str]]) -> Iterator[str]:
    left, right = f"(?<![{_LATIN}\x03])", f"(?![{_LATIN}\x02])"
    for parts in names:
        if len(parts) > 1:
            forwards, backwards = (r"[ .,·]{1,2}".join(map(re.escape, way)) for way in (parts, parts[::-1]))
            yield f"{left}(?i:{forwards}|{backwards}){right}"
        else:
            # A single name may be a word (Will, Rose), so only its capitals tell.
            yield f"{left}{_any_of({parts[0], parts[0].title(), parts[0].upper()})}{right}"
    if single := {part for parts in names for part in parts if len(part) > 1}:
        yield f"{_ENGLISH_INTRODUCTION}(?P<value>(?i:{_any_of(single)})){right}"


def _any_of(words: Collection[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, sorted(words, key=lambda word: (-len(word), word))))})"
