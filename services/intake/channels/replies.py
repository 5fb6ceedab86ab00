"""
Take the history off a reply, so that only what the customer wrote this time is left.

Works line by line in linear time. The library for this, mail-parser-reply, takes minutes on one long line and drops
everything after a line that starts with "Thanks,", which in a complaint is often the complaint.
Patterns: QQ Mail, Foxmail, NetEase 163, Outlook, Apple Mail and Gmail, in Chinese (both scripts) and English.
"""

import re

from services.intake.channels.wording import clean

_LONGEST_LINE = 400
_QUOTED = re.compile(r"\s*>(?:[\s>]|$)")
# NetEase puts no blank after the mark; above any history a customer may mean "more than" by it.
_QUOTED_TIGHT = re.compile(r"\s*>")
_WROTE = re.compile(r"(?:wrote|写道|寫道|写到|写道如下)\s*[:：]\s*$", re.IGNORECASE)
# "客服写道：" alone may be the customer quoting somebody; a client's own line always carries a date or an address.
_DATED = re.compile(r"(?:19|20)\d\d|\d{1,2}[月/.-]\s?\d{1,2}|@")
_ATTRIBUTION_START = re.compile(r"[\s*]*(?:On|At|在|於|于|\d{4}\s?[年/-]|\S.{0,120}?(?:于|於|<))\s?", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"[\s|]*-{2,}\s*(?:original(?:\s+(?:message|mail|email))?|replied message|reply message|"
    r"原始郵件|原始邮件|邮件原件|邮件原文|郵件原文|原邮件|原郵件|回复的原邮件|回覆的原郵件|原始訊息)\s*-{2,}[\s|]*",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"\s*-{2,}\s*(?:forwarded message|转发的邮件|转发邮件信息|转发邮件|轉寄郵件|轉寄的郵件)\s*-{2,}\s*"
    r"|\s*(?:begin forwarded message|下面是被转发的邮件|以下是转发的邮件|開始轉寄郵件|开始转发的邮件)\s*[:：]\s*",
    re.IGNORECASE,
)
_FROM = r"from|发件人|發件人|寄件者|寄件人|傳送者"
_LABEL = re.compile(
    rf"[\s*|>]*({_FROM}|sent|date|to|cc|subject|reply-to|发送时间|发送日期|發送時間|傳送時間|寄件日期|收件人|收件者|"
    r"抄送|副本|主\s*题|主\s*題|主\s*旨|日\s*期|时\s*间)[\s*|]*[:：|]",
    re.IGNORECASE,
)
_FROM_LABEL = re.compile(rf"[\s*|>]*(?:{_FROM})[\s*|]*[:：|]", re.IGNORECASE)
_BLOCK_LINES = 8
_BLOCK_LABELS = 3
# The device or app has to follow at once: "从上周起没人回邮件" and "Sent from China, broken" are the customer's.
_APP = (
    r"(?:iphone|ipad|mac\b|android|galaxy|samsung|huawei|honor|xiaomi|redmi|vivo|oppo|oneplus|pixel|windows|mobile"
    r"|phone|tablet|outlook|yahoo|proton|qq\b|华为|小米|荣耀|三星|手机|手機|平板|网易|新浪)"
)
_SENT_FROM = re.compile(
    r"\s*(?:(?:sent from(?: my)?|(?:发|發|发送|傳送)自(?:我的)?|来自(?:我的|(?=网易|qq))"
    rf"|(?:从|從)(?:我的|(?=\s?windows)))\s*{_APP}.{{0,25}}|(?:get|获取|取得|下载)\s*outlook (?:for )?.{{2,80}})\s*",
    re.IGNORECASE,
)
# RFC 3676, and the table NetEase's apps put a name in.
_SIGNATURE_STARTS = frozenset({"--", "| |"})
_RULE = re.compile(r"\s*(?:[-_=—*]{5,}|\|)\s*")


def own_words(text: str) -> str:
    """
    Return what was written above, between or below the quoted history of *text*.

    A forwarded mail is no history: the customer hands it in on purpose, so it stays. Empty when everything is history.
    """
    kept: list[str] = []
    quoted = _QUOTED
    lines = text.split("\n")
    position = 0
    while position < len(lines):
        if _matches(_FORWARDED, lines[position]):
            kept += lines[position:]
            break
        length = _history_mark(lines, position)
        if length and not _is_quoted_below(lines, position + length):
            break
        if length:
            quoted = _QUOTED_TIGHT
        elif not quoted.match(lines[position]):
            kept.append(lines[position])
        position += length or 1
    return _without_signature(kept)


def _history_mark(lines: list[str], position: int) -> int:
    """Return how many lines from *position* announce the history, 0 for none."""
    if _matches(_SEPARATOR, lines[position]):
        return 1
    return _attribution(lines, position) or _header_block(lines, position)


def _attribution(lines: list[str], position: int) -> int:
    """Return the length of an "On …, … wrote:" at *position*; clients break it over up to three lines."""
    if not _ATTRIBUTION_START.match(lines[position][:_LONGEST_LINE]):
        return 0
    joined = ""
    for length, line in enumerate(lines[position : position + 3], start=1):
        joined += " " + line
        if not line.strip() or len(joined) > _LONGEST_LINE:
            return 0
        if _WROTE.search(line[-20:]):
            return length if _DATED.search(joined) else 0
    return 0


def _header_block(lines: list[str], position: int) -> int:
    """Return the length of a copied header (From, Sent, To, Subject) that starts at *position*."""
    if not _FROM_LABEL.match(lines[position][:_LONGEST_LINE]):
        return 0
    labels = [_LABEL.match(line[:_LONGEST_LINE]) for line in lines[position : position + _BLOCK_LINES]]
    distinct = {re.sub(r"\s", "", label[1]).lower() for label in labels if label}
    return 1 if len(distinct) >= _BLOCK_LABELS else 0


def _is_quoted_below(lines: list[str], position: int) -> bool:
    """Say whether the history is marked line by line, so that answers between its lines can be told from it."""
    return bool(next((_QUOTED_TIGHT.match(line) for line in lines[position:] if line.strip()), None))


def _without_signature(lines: list[str]) -> str:
    start = next((place for place, line in enumerate(lines) if line.strip() in _SIGNATURE_STARTS), None)
    lines = lines[:start]
    while lines and (not lines[-1].strip() or _matches(_RULE, lines[-1]) or _matches(_SENT_FROM, lines[-1])):
        lines = lines[:-1]
    return clean("\n".join(lines)).strip()


def _matches(pattern: re.Pattern[str], line: str) -> bool:
    return len(line) <= _LONGEST_LINE and pattern.fullmatch(line) is not None
