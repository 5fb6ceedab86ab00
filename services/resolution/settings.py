"""Resolution's settings."""

from datetime import time, timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from services.resolution.domain.case import Tier
from services.resolution.domain.clocks import LEGAL_CLOCKS, ClockPolicy
from services.resolution.domain.policy import CasePolicy
from shared.settings import ServiceSettings
from shared.working_days import load_calendar


class ResolutionSettings(ServiceSettings):
    """How long each step may take; durations are ISO 8601 and count open hours, 9 of them a working day."""

    port: int = 8003
    acknowledge_within: timedelta = timedelta(hours=4)
    answer_within: timedelta = Field(default=timedelta(hours=27), description="3 working days of 9 hours")
    resolve_within: timedelta = Field(default=timedelta(hours=63), description="7 working days of 9 hours")
    tier_factors: dict[Tier, float] = Field(
        default={"A": 0.5, "B": 0.75, "C": 1.0, "D": 1.5}, description="A gets the best care, D the basic one"
    )
    priority_factors: dict[int, float] = Field(
        default={1: 0.5, 2: 0.5, 3: 0.75, 4: 0.75, 7: 1.25, 8: 1.25, 9: 1.25},
        description="By priority, 1 is most urgent; 1 where absent",
    )
    slowest_factor: float = Field(
        default=1.5, ge=1, description="No clock takes longer than this many times its term: the floor of every tier"
    )
    recovery_factor: float = Field(default=0.5, gt=0, le=1, description="What a reopened case gets of its term")
    silence: timedelta = Field(default=timedelta(days=14), description="From the resolution to closing without a word")
    legal_clocks: tuple[str, ...] = Field(
        default=(), description="Legal clocks for every complaint; regulation complaints have those of the country"
    )
    escalation_contacts: dict[str, str] = Field(
        default={}, description="Team to the id of whom to call on; supervisor:<team> where absent"
    )
    own_contacts: tuple[str, ...] = Field(
        default=(), description="The organisation's own phone numbers and addresses, which answers may hold"
    )
    open_from: time = time(9)
    open_until: time = time(18)
    time_zone: str = "Asia/Shanghai"
    calendar_country: str = "CN"
    calendar_overrides: Path | None = None

    @model_validator(mode="after")
    def _legal_clocks_exist(self) -> Self:
        if unknown := set(self.legal_clocks) - set(LEGAL_CLOCKS):
            raise ValueError(f"no such legal clock: {min(unknown)}; known are {', '.join(sorted(LEGAL_CLOCKS))}")
        return self

    def policy(self, first_year: int) -> CasePolicy:
        """The rules as the domain knows them; *first_year* is the first whose complaints may come in."""
        return CasePolicy(
            clocks=self._clocks(first_year),
            silence=self.silence,
            escalation_contacts=self.escalation_contacts,
            own_contacts=frozenset(self.own_contacts),
        )

    def _clocks(self, first_year: int) -> ClockPolicy:
        hours = load_calendar(
            country=self.calendar_country,
            zone=self.time_zone,
            windows=dict.fromkeys(range(5), ((self.open_from, self.open_until),)),
            years=range(first_year - 1, first_year + 3),
            overrides=self.calendar_overrides,
        )
        return ClockPolicy(
            hours=hours,
            terms={
                "acknowledge": self.acknowledge_within,
                "answer": self.answer_within,
                "resolve": self.resolve_within,
            },
            tier_factors=self.tier_factors,
            priority_factors=self.priority_factors,
            slowest_factor=self.slowest_factor,
            recovery_factor=self.recovery_factor,
            country=self.calendar_country,
            legal_kinds=self.legal_clocks,
        )
