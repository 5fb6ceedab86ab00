"""Texts on their way out of intake: masked, with tokens that go on from one text of a complaint to the next."""

import re
from collections.abc import Iterable, Mapping, Sequence

from services.intake.channels.contact import Turn as ToldTurn
from shared.contracts.event import Turn
from shared.privacy import mask

LONGEST_TEXT = 20_000
"""Characters of one text on an event, and of one transcript: a record of Kafka stays far below its megabyte."""
_TURN_COST = 20
"""Characters that a turn counts at least, for what stands around it."""
_HALF_TOKEN = re.compile("⟦[^⟧]*$")


class Masking:
    """Masks one text after the other; ``tokens`` is what all of them together have come to."""

    def __init__(self, names: Sequence[str], tokens: Mapping[str, str] | None = None) -> None:
        self._names = names
        self.tokens = dict(tokens or {})

    def text(self, text: str) -> str:
        """The text without what is personal, cut where it is too long."""
        # Masked before it is cut: half a phone number would not be found.
        masked = mask(text, self._names, self.tokens)
        self.tokens = dict(masked.tokens)
        if len(masked.text) <= LONGEST_TEXT:
            return masked.text
        return _HALF_TOKEN.sub("", masked.text[:LONGEST_TEXT])

    def optional(self, text: str | None) -> str | None:
        """The same where there may be no text."""
        return self.text(text) if text else None

    def turns(self, turns: Iterable[ToldTurn]) -> tuple[Turn, ...]:
        """A transcript, from its beginning as far as there is room."""
        kept: list[Turn] = []
        room = LONGEST_TEXT
        for turn in turns:
            text = self.text(turn.text)
            room -= max(_TURN_COST, len(text))
            if room < 0:
                break
            kept.append(Turn(speaker=turn.speaker, text=text, at=turn.at))
        return tuple(kept)
