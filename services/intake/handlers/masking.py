"""Texts on their way out of intake: masked, with tokens that go on from one text of a complaint to the next."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.intake.channels.contact import IncomingContact
from services.intake.channels.contact import Turn as ToldTurn
from shared.contracts.event import Turn
from shared.privacy import Searched, mask, search

LONGEST_TEXT = 20_000
"""Characters of one text on an event, and of one transcript: a record of Kafka stays far below its megabyte."""
_TURN_COST = 20
"""Characters that a turn counts at least, for what stands around it."""
_HALF_TOKEN = re.compile("⟦[^⟧]*$")


@dataclass(frozen=True, slots=True)
class Words:
    """A contact's texts, searched for what is personal as far as that needs nobody's name."""

    text: Searched = field(repr=False)
    """What it says, whatever part of it says so."""
    subject: Searched | None = field(repr=False)
    product: Searched | None = field(repr=False)
    order_reference: Searched | None = field(repr=False)
    remedy_sought: Searched | None = field(repr=False)
    transcript: tuple[tuple[ToldTurn, str | Searched], ...] = field(repr=False)
    """The turns; those that will hardly find room on an event are not searched."""


def search_words(contact: IncomingContact, text: str) -> Words:
    """Search everything in *contact* that goes out; *text* is what it says."""
    searched = search(text)
    return Words(
        searched,
        _searched(contact.subject),
        _searched(contact.product),
        _searched(contact.order_reference),
        _searched(contact.remedy_sought),
        tuple(_search_turns(contact.transcript, searched)),
    )


def _searched(text: str | None) -> Searched | None:
    return search(text) if text else None


def _search_turns(turns: Iterable[ToldTurn], text: Searched) -> Iterable[tuple[ToldTurn, str | Searched]]:
    room = 2 * LONGEST_TEXT  # masking makes a text shorter, if anything
    for turn in turns:
        room -= max(_TURN_COST, len(turn.text))
        # Often the customer speaks once, and that is the whole text.
        yield turn, text if turn.text == text.text else search(turn.text) if room > 0 else turn.text


class Masking:
    """Masks one text after the other; ``tokens`` is what all of them together have come to."""

    def __init__(self, names: Sequence[str], tokens: Mapping[str, str] | None = None) -> None:
        self._names = names
        self.tokens = dict(tokens or {})

    def text(self, text: str | Searched) -> str:
        """The text without what is personal, cut where it is too long."""
        # Masked before it is cut: half a phone number would not be found.
        masked = mask(text, self._names, self.tokens)
        self.tokens = dict(masked.tokens)
        if len(masked.text) <= LONGEST_TEXT:
            return masked.text
        return _HALF_TOKEN.sub("", masked.text[:LONGEST_TEXT])

    def optional(self, text: str | Searched | None) -> str | None:
        """The same where there may be no text."""
        written = text.text if isinstance(text, Searched) else text
        return self.text(text) if text and written else None

    def turns(self, turns: Iterable[tuple[ToldTurn, str | Searched]]) -> tuple[Turn, ...]:
        """A transcript, from its beginning as far as there is room."""
        kept: list[Turn] = []
        room = LONGEST_TEXT
        for turn, words in turns:
            text = self.text(words)
            room -= max(_TURN_COST, len(text))
            if room < 0:
                break
            kept.append(Turn(speaker=turn.speaker, text=text, at=turn.at))
        return tuple(kept)
