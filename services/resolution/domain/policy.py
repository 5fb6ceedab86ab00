"""The rules of one organisation, as the handlers get them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from services.resolution.domain.clocks import ClockPolicy


@dataclass(frozen=True, slots=True)
class CasePolicy:
    """How cases are handled: their clocks, who is called on, and how long a silent customer is waited for."""

    clocks: ClockPolicy
    silence: timedelta
    escalation_contacts: Mapping[str, str] = field(default_factory=dict)
    own_contacts: Collection[str] = ()

    def escalation_contact(self, team: str | None) -> str:
        """Who is called on when a team is late."""
        return self.escalation_contacts.get(team or "", f"supervisor:{team}")
