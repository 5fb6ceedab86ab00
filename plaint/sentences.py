"""What an event says, as a sentence for people."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from plaint.language import Language
from plaint.words import catalogue

Data = Mapping[str, Any]

_OPTIONAL: Final = re.compile(r"\[([^\[\]]*)\]")
_BLANK: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_QUOTED: Final = frozenset({"text", "title"})
# One line of a terminal has room for about this much of what a customer said.
_LONGEST_QUOTE: Final = 80


def sentence(event_type: str, data: Data, language: Language) -> str:
    """
    Say in one sentence what the event states; for an unknown type, the type and the data as they are.

    A template of the catalogue has blanks ``{field}`` or ``{field:how}``, where *how* names a group of terms, and
    parts in brackets, which are left out when a field in them is missing.
    """
    template = catalogue("events", language).get(event_type)
    if template is None:
        return _as_it_is(event_type, data)
    teller = _Teller(data, language)
    try:
        return teller.fill(_OPTIONAL.sub(lambda part: teller.optional(part[1]), template))
    except (AttributeError, KeyError, TypeError, ValueError):
        # A later release may have given a field another shape; showing the event matters more than the sentence.
        return _as_it_is(event_type, data)


def _as_it_is(event_type: str, data: Data) -> str:
    return f"{event_type} {json.dumps(data, ensure_ascii=False)}"


def term(group: str, value: str, language: Language) -> str:
    """Return the reader's word for a value of the published language; a value without one stands for itself."""
    return catalogue("terms", language).get(f"{group}.{value}", value)


def local_time(moment: str | datetime) -> str:
    """Return a moment in this machine's time zone, to the minute."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{at.astimezone():%m-%d %H:%M}"


class _Teller:
    """Turns fields of one event into words."""

    def __init__(self, data: Data, language: Language) -> None:
        self._data = data
        self._language = language

    def optional(self, part: str) -> str:
        named = [blank[1] for blank in _BLANK.finditer(part)]
        # Zero and false are answers; nothing and empty are not.
        return part if all(self._data.get(name) not in (None, "", [], {}) for name in named) else ""

    def fill(self, template: str) -> str:
        return _BLANK.sub(lambda blank: self._told(blank[1], blank[2] or blank[1]), template)

    def _told(self, field: str, how: str) -> str:
        value = self._data.get(field)
        if value is None:
            return "–"
        special: Mapping[str, Callable[[Any], str]] = {
            "deadlines": self._deadlines,
            "bilingual": self._bilingual,
            "escalated": self._escalation,
        }
        if how in special:
            return special[how](value)
        if how in _QUOTED:
            return self._term("mark", "quote").format(text=_shortened(str(value)))
        return self._plain(value, how)

    def _plain(self, value: object, how: str) -> str:
        if isinstance(value, bool):
            return self._term("flag", str(value).lower())
        if isinstance(value, float):
            return f"{value:.0%}"
        if isinstance(value, list):
            return self._term("mark", "list").join(self._term(how, str(each)) for each in value)
        return local_time(str(value)) if how.endswith("_at") else self._term(how, str(value))

    def _term(self, group: str, value: str) -> str:
        return term(group, value, self._language)

    def _deadlines(self, deadlines: list[Data]) -> str:
        due = self._term("mark", "due")
        told = (
            due.format(kind=self._term("deadline", each["kind"]), at=local_time(each["due_at"])) for each in deadlines
        )
        return self._term("mark", "list").join(told)

    def _bilingual(self, reasons: list[Data]) -> str:
        return self._term("mark", "list").join(str(each[self._language]) for each in reasons)

    def _escalation(self, reason: str) -> str:
        why, _, deadline = reason.partition(":")
        return self._term("escalated", why).replace("{deadline}", self._term("deadline", deadline))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 1] + "…"
