"""Routing's settings, and the roster file they name."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from services.routing.domain.classification import Cause
from services.routing.domain.roster import Agent, Team, Teams
from shared.settings import ServiceSettings

DEFAULT_ROSTER: Final = Path(__file__).with_name("roster.json")


class TeamEntry(BaseModel):
    """A team in the roster file; its name is shown to people."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str
    en: str
    causes: frozenset[Cause]


class AgentEntry(BaseModel):
    """An agent in the roster file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    team: str
    languages: tuple[str, ...] = Field(min_length=1)
    causes: tuple[Cause, ...] = ()
    active: bool = True
    capacity: int = Field(default=20, ge=0)


class Roster(BaseModel):
    """
    The roster file: teams by id, which it alone decides, and agents who are enrolled when the service starts.

    An agent who is known already keeps what the API said last.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    teams: dict[str, TeamEntry]
    agents: dict[Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")], AgentEntry] = {}

    def all_teams(self) -> Teams:
        """
        The teams as the domain knows them.

        Raises:
            ValueError: a cause has no team, or two.
        """
        return Teams(Team(team, entry.zh, entry.en, entry.causes) for team, entry in self.teams.items())

    def all_agents(self) -> tuple[Agent, ...]:
        """
        The agents as the domain knows them.

        Raises:
            ValueError: one is of a team that is not in the file.
        """
        if strangers := sorted({entry.team for entry in self.agents.values()} - self.teams.keys()):
            raise ValueError(f"agents of teams that are not in the roster file: {', '.join(strangers)}")
        return tuple(Agent(agent_id, **dict(entry)) for agent_id, entry in self.agents.items())


class RoutingSettings(ServiceSettings):
    """How sure the classifier must be, and who there is."""

    port: int = 8002
    triage_below: float = Field(default=0.45, ge=0, le=1, description="Confidence under which a person names the cause")
    encoder: bool = Field(
        default=True,
        description="Ask a sentence encoder about complaints of which the words are not sure: more right answers",
    )
    read_ahead_seconds: float = Field(
        default=0.02,
        ge=0,
        description="How long of each fetch new complaints are read before they are committed; 0: never",
    )
    roster_file: Path = Field(
        default=DEFAULT_ROSTER, description="Teams and first agents; the packaged ones are invented"
    )

    def roster(self) -> Roster:
        """
        Read the roster file.

        Raises:
            ValueError: it has another form.
        """
        return Roster.model_validate_json(self.roster_file.read_bytes())
