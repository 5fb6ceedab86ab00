"""Street addresses, Chinese and English."""

import re
from collections.abc import Iterator
from typing import Final

from shared.privacy.forms import LEFT, RIGHT, WORD_RIGHT, Finder, Span

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


def _find_chinese(plain: str, numbers: re.Pattern[str], *, region_needed: bool) -> Iterator[Span]:
    """Find addresses by their street or estate number; they begin at the region before it."""
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


_HOUSE = r"(?:(?i:flat|unit|apt\.?|apartment|room|suite) ?[0-9A-Za-z]{1,5},? )?[0-9]{1,5}[A-Za-z]?(?:-[0-9]{1,5})?,? "
_NO_STREET_NAME = (
    r"(?:stars?|way|lanes?|minutes?|hours?|days?|weeks?|months?|years?|times?|people|men|of|in|on|at|to|from|by|for|and|or|the|a|an|"
    r"my|your|our|this|that|down|off|along|across|is|are|was|were)"
)
_UNIT_AND_TOWN = (
    rf"{WORD_RIGHT}\.?(?:,? (?:(?i:flat|apt\.?|unit|suite) ?|#)[0-9A-Za-z]{{1,6}}{WORD_RIGHT})?"
    r"(?:(?:, ?[A-Z][A-Za-z]{1,20}(?: [A-Z][a-z]{1,20}){0,2}){0,2},? "
    rf"(?:[A-Z]{{1,2}}[0-9][0-9A-Z]? ?[0-9][A-Z]{{2}}|[A-Z]{{2}} [0-9]{{5}}(?:-[0-9]{{4}})?){WORD_RIGHT})?"
)
_ENGLISH_ADDRESS = (
    rf"{LEFT}{_HOUSE}(?:"
    rf"(?:(?!(?i:{_NO_STREET_NAME}) )[A-Za-z][A-Za-z'.-]{{0,20}} ){{1,3}}"
    r"(?i:street|st|road|rd|avenue|ave|lane|boulevard|blvd)"
    r"|(?:[A-Z][A-Za-z'.-]{0,20} ){1,3}(?:Drive|Dr|Court|Ct|Place|Pl|Square|Way|Terrace|Crescent|Close|Highway|Gardens|"
    rf"Parkway|Row|Mews|Quay)){_UNIT_AND_TOWN}"
)
_PO_BOX = rf"{LEFT}(?i:p\.?o\.? ?box) [0-9]{{1,6}}{RIGHT}"
_ENGLISH: Final = Finder(re.compile(f"{_ENGLISH_ADDRESS}|{_PO_BOX}"))

# What every address of its kind holds: a house number and, behind it, the word for what it numbers, or the street.
CHINESE_CUE: Final = "[0-9０-９一二三四五六七八九十百〇零][ \u3000]?[号號巷弄栋棟幢座单單层層楼樓室房户戶]"
_CHINESE_CUE: Final = re.compile(CHINESE_CUE)
_ENGLISH_CUE: Final = re.compile("[0-9][A-Za-z]?,? [A-Za-z]|[Xx] [0-9]")
_REACH: Final = 40
"""Characters of an address that may stand before its cue: "Apartment 12345, 12345A-12345, "."""


def find_street(plain: str) -> Iterator[Span]:
    """Every Chinese address with a street and a number."""
    if _CHINESE_CUE.search(plain):
        yield from _find_chinese(plain, _STREET_NUMBER, region_needed=False)


def find_estate(plain: str) -> Iterator[Span]:
    """Every Chinese address with an estate or a village and a number."""
    if _CHINESE_CUE.search(plain):
        yield from _find_chinese(plain, _ESTATE_NUMBER, region_needed=True)


def find_english(plain: str) -> Iterator[Span]:
    """Every English address with a house number and a street, or a box."""
    if cue := _ENGLISH_CUE.search(plain):
        yield from _ENGLISH.find(plain, max(0, cue.start() - _REACH))
