"""Who answers complaints: the teams, their agents, and how much each agent has to do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.routing.domain.classification import Cause
from services.routing.domain.refusals import ChangedMeanwhile, NoSuchTeam
from shared.refusal import Violation


@dataclass(frozen=True, slots=True)
class Team:
    """A team, its name for people, and the causes it answers."""

    team: str
    zh: str
    en: str
    causes: frozenset[Cause]


class Teams:
    """
    All teams of the organisation; every cause has exactly one.

    Raises:
        ValueError: a cause has no team, or two.
    """

    def __init__(self, teams: Iterable[Team]) -> None:
        self._teams = {team.team: team for team in teams}
        answered = sorted(cause for team in self._teams.values() for cause in team.causes)
        if answered != sorted(Cause):
            raise ValueError(f"every cause needs exactly one team; there are teams for {', '.join(answered)}")
        self._by_cause = {cause: team for team in self._teams.values() for cause in team.causes}

    def of(self, cause: Cause) -> Team:
        """The team that answers *cause*."""
        return self._by_cause[cause]

    def check(self, team: str) -> None:
        """
        Make sure that there is such a team.

        Raises:
            NoSuchTeam: there is not.
        """
        if team not in self._teams:
            known = ", ".join(sorted(self._teams))
            raise NoSuchTeam([Violation("#/team", f"应为以下之一：{known}。", f"Must be one of {known}.")])

    def __iter__(self) -> Iterator[Team]:
        """All teams, in the order of the roster file."""
        return iter(self._teams.values())


@dataclass(frozen=True, slots=True)
class Agent:
    """
    A person who answers complaints.

    ``languages`` are BCP 47 tags; ``causes`` are those the agent takes, all of the team's when empty; ``capacity`` is
    how many open cases are enough. An agent who is not ``active`` gets nothing new and keeps what there is.
    """

    agent_id: str
    team: str
    languages: tuple[str, ...]
    causes: tuple[Cause, ...] = ()
    active: bool = True
    capacity: int = 20
    revision: int = 1

    def speaks(self, language: str) -> bool:
        """Whether the agent can answer in *language*: both Chinese scripts are one, and ``und`` is anybody's."""
        return language == "und" or _spoken(language) in map(_spoken, self.languages)

    def takes(self, cause: Cause) -> bool:
        """Whether complaints of this cause are for the agent."""
        return not self.causes or cause in self.causes


@dataclass(frozen=True, slots=True)
class Workload:
    """
    How many open cases an agent has.

    Apart from the agent, because every replica moves it at any time, and must not write an older roster back.
    """

    agent_id: str
    open_cases: int = 0


def check_seen(agent: Agent | None, seen: int | None) -> None:
    """
    Make sure that the caller decided on what is there now; 0 is a caller who saw no such agent, None asks nothing.

    Raises:
        ChangedMeanwhile: it has changed since they looked.
    """
    revision = agent.revision if agent else 0
    if seen not in {None, revision}:
        raise ChangedMeanwhile(revision=revision)


def _spoken(language: str) -> str:
    return language.partition("-")[0].lower()
