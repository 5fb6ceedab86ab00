"""The words intake sends by itself, in the customer's language, and how dates are written in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo

Reader = Literal["zh-Hans", "zh-Hant", "en"]
Sentences = tuple[str, ...]
"""Each is used if everything in its blanks is known."""

TEMPLATES: Final[Mapping[str, Mapping[Reader, Sentences]]] = {
    "acknowledgement": {
        "zh-Hans": (
            "您好：我们已收到您的投诉，编号 {number}。",
            "我们会在 {due_at} 之前答复您。",
            "处理期间您随时可以补充情况，联系时请提供此编号。",
        ),
        "zh-Hant": (
            "您好：我們已收到您的申訴，編號 {number}。",
            "我們會在 {due_at} 之前回覆您。",
            "處理期間您隨時可以補充說明，聯絡時請提供此編號。",
        ),
        "en": (
            "Hello, we have received your complaint; its number is {number}.",
            "You will have our answer by {due_at}.",
            "You can add to it at any time; please quote this number.",
        ),
    },
    "callback_planned": {
        "zh-Hans": (
            "您好：您的投诉 {number} 已处理完毕。",
            "我们会在 {due_at} 左右致电回访，想听听您是否满意。",
            "如果问题仍未解决，请在回访时告诉我们，我们会继续处理。",
        ),
        "zh-Hant": (
            "您好：您的申訴 {number} 已處理完畢。",
            "我們會在 {due_at} 左右致電回訪，想聽聽您是否滿意。",
            "如果問題仍未解決，請在回訪時告訴我們，我們會繼續處理。",
        ),
        "en": (
            "Hello, your complaint {number} has been dealt with.",
            "We will call you around {due_at} to ask whether it helped.",
            "If the problem is not solved, please tell us then, and we will go on.",
        ),
    },
    "generic": {
        "zh-Hans": ("您好：您的投诉 {number} 有新的进展，我们会继续与您联系。",),
        "zh-Hant": ("您好：您的申訴 {number} 有新的進展，我們會繼續與您聯絡。",),
        "en": ("Hello, there is news on your complaint {number}. We will be in touch.",),
    },
}

SUBJECTS: Final[Mapping[str, Mapping[Reader, str]]] = {
    "acknowledgement": {
        "zh-Hans": "我们已收到您的投诉",
        "zh-Hant": "我們已收到您的申訴",
        "en": "We have your complaint",
    },
    "question": {
        "zh-Hans": "关于您的投诉，想向您了解情况",
        "zh-Hant": "關於您的申訴，想向您了解情況",
        "en": "A question about your complaint",
    },
    "answer": {"zh-Hans": "对您投诉的答复", "zh-Hant": "對您申訴的回覆", "en": "Our answer to your complaint"},
    "progress": {"zh-Hans": "您的投诉有新进展", "zh-Hant": "您的申訴有新進展", "en": "News on your complaint"},
    "survey": {"zh-Hans": "想听听您是否满意", "zh-Hant": "想聽聽您是否滿意", "en": "Did we help?"},
}

FOOTERS: Final[Mapping[Reader, str]] = {
    "zh-Hans": "投诉编号 {number}。直接回复本邮件即可补充情况。",
    "zh-Hant": "申訴編號 {number}。直接回覆本郵件即可補充說明。",
    "en": "Complaint {number}. To add to it, simply reply to this mail.",
}

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_BLANK: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Wording:
    """How this organisation writes: in whose time, and in which language where the customer's is not known."""

    zone: ZoneInfo
    language: Reader = "zh-Hans"

    def reader(self, *tags: str) -> Reader:
        """The first of the languages named that we write; *tags* are BCP 47, ``und`` says nothing."""
        return next((cast("Reader", tag) for tag in tags if tag in FOOTERS), self.language)

    def body(self, template: str | None, values: Mapping[str, str], reader: Reader) -> str:
        """The text of a template; one that is not known says that there is news."""
        sentences = TEMPLATES.get(template or "", TEMPLATES["generic"])[reader]
        told = {name: self._told(value, reader) for name, value in values.items()}
        usable = [sentence for sentence in sentences if set(_BLANK.findall(sentence)) <= told.keys()]
        return "\n".join(_BLANK.sub(lambda blank: told[blank[1]], sentence) for sentence in usable)

    def subject(self, purpose: str, number: str, reader: Reader) -> str:
        """The headline of a mail; the number in it brings an answer home whatever the mail program does."""
        return f"{SUBJECTS.get(purpose, SUBJECTS['progress'])[reader]} [{number}]"

    def footer(self, number: str, reader: Reader) -> str:
        """What stands below a mail."""
        return FOOTERS[reader].format(number=number)

    def _told(self, value: str, reader: Reader) -> str:
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return value
        return told_date(at.astimezone(self.zone), reader) if at.tzinfo else value


def told_date(at: datetime, reader: Reader) -> str:
    """A date and time as a person writes it, in the zone of *at*."""
    clock = f"{at.hour:02d}:{at.minute:02d}"
    if reader == "en":
        return f"{clock} on {at.day} {_MONTHS[at.month - 1]} {at.year}"
    return f"{at.year}年{at.month}月{at.day}日 {clock}"
