"""The roster over HTTP: who there is, and how much each has to do."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.routing.api.complaints import SentenceModel
from services.routing.api.scopes import READ, WRITE
from services.routing.domain.classification import Cause
from services.routing.domain.refusals import ChangedMeanwhile, NoSuchAgent, NoSuchTeam
from services.routing.domain.roster import Agent, Team, Teams
from services.routing.handlers import roster as handlers
from services.routing.handlers.messages import PutAgent, RoutingPolicy
from services.routing.handlers.needs import of_agent
from services.routing.ports import Busy, Crew, Roster
from shared.api.idempotency import Idempotency
from shared.api.keys import Caller, require
from shared.api.outcomes import answered
from shared.api.paging import Page, Paging, page_of
from shared.api.preconditions import SeenRevisionOrAny, etag
from shared.api.problems import refusals
from shared.api.values import Text
from shared.runtime.door import Door
from shared.runtime.message import Command, Handler, Handlers
from shared.telemetry.tracing import current_traceparent

AgentId = Annotated[
    str, Path(pattern="^[a-z0-9][a-z0-9._-]{0,63}$", description="Opaque, never a name 经办人编号，不用姓名")
]
LanguageTag = Annotated[str, Field(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


class AgentRequest(BaseModel):
    """All that the roster says of an agent; what is left out takes its default."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"team": "after_sales", "languages": ["zh-Hans", "zh-Hant"], "active": True, "capacity": 20},
                {"team": "service_desk", "languages": ["en"], "causes": ["service"], "active": False, "capacity": 10},
            ]
        }
    )

    team: Text = Field(max_length=100)
    languages: list[LanguageTag] = Field(min_length=1, max_length=50, description="BCP 47 语言标签")
    causes: list[Cause] = Field(default=[], max_length=6, description="All of the team's when empty 空表示组内全部")
    active: bool = Field(default=True, description="Gets new complaints 是否接收新投诉")
    capacity: int = Field(default=20, ge=0, le=10_000, description="Open cases that are enough 在办上限")


class AgentModel(BaseModel):
    """An agent, and how much there is to do."""

    agent_id: str
    team: str
    languages: list[str]
    causes: list[Cause]
    active: bool
    capacity: int
    open_cases: int = Field(description="在办件数")
    revision: int = Field(description="What the ETag says 版本号，同 ETag")


class EnrolledModel(BaseModel):
    """The agent as the roster has it now."""

    agent_id: str
    revision: int


class TeamModel(BaseModel):
    """A team, the causes it answers, and what it has at the moment."""

    team: str
    name: SentenceModel
    causes: list[Cause]
    active: int = Field(description="Agents who get new complaints 在岗人数")
    open_cases: int = Field(description="在办件数")
    queued: int = Field(description="Complaints for which nobody is there 无人可接的件数")


def roster_commands(policy: RoutingPolicy) -> Handlers:
    """Which handler answers which command of people on the roster."""
    return {PutAgent: Handler(partial(handlers.put_agent, policy=policy), of_agent)}


def roster_routes(door: Door, roster: Roster, teams: Teams) -> APIRouter:
    """The routes on agents and teams."""
    router = APIRouter(tags=["roster"])

    @router.get("/v1/agents", summary="The roster 名册", dependencies=[require(READ)])
    async def list_agents(paging: Paging, request: Request, response: Response) -> Page[AgentModel]:
        """Agents by their id."""
        last = paging.last_key(str)
        found = await roster.page(last[0] if last else None, paging.limit + 1)
        return page_of([_agent(each) for each in found], paging, lambda a: (a.agent_id,), request, response)

    @router.get(
        "/v1/agents/{agent_id}",
        summary="One agent 单个经办人",
        dependencies=[require(READ)],
        responses=refusals(NoSuchAgent),
    )
    async def get_agent(agent_id: AgentId, response: Response) -> AgentModel:
        """With the ETag that a change wants to see."""
        found = await roster.find(agent_id)
        if found is None:
            raise NoSuchAgent
        response.headers["ETag"] = etag(found.agent.revision)
        return _agent(found)

    @router.put(
        "/v1/agents/{agent_id}",
        summary="Enrol or change an agent 登记或修改经办人",
        response_model=EnrolledModel,
        responses=refusals(NoSuchTeam, ChangedMeanwhile),
    )
    async def put_agent(
        caller: Annotated[Caller, require(WRITE)],
        agent_id: AgentId,
        body: AgentRequest,
        seen: SeenRevisionOrAny,
        idempotency: Idempotency,
        response: Response,
    ) -> object:
        """
        Somebody active gets at once what waits in the team's queue.

        `If-Match: "0"` enrols a new agent, `*` writes whatever was there. 新登记用 `"0"`，`*` 表示不论原状。
        """
        agent = Agent(agent_id, body.team, tuple(body.languages), tuple(body.causes), body.active, body.capacity)
        payload = PutAgent(agent, seen)
        return answered(await door.ask(Command(payload, caller.id, idempotency, current_traceparent())), response)

    @router.get("/v1/teams", summary="Teams and their causes 小组及其负责的原因", dependencies=[require(READ)])
    async def list_teams() -> list[TeamModel]:
        """As the roster file has them, with what each has to do."""
        crews = await roster.crews()
        return [_team(team, crews.get(team.team, Crew())) for team in teams]

    return router


def _agent(busy: Busy) -> AgentModel:
    agent = busy.agent
    return AgentModel(
        agent_id=agent.agent_id,
        team=agent.team,
        languages=list(agent.languages),
        causes=list(agent.causes),
        active=agent.active,
        capacity=agent.capacity,
        open_cases=busy.open_cases,
        revision=agent.revision,
    )


def _team(team: Team, crew: Crew) -> TeamModel:
    return TeamModel(
        team=team.team,
        name=SentenceModel(zh=team.zh, en=team.en),
        causes=sorted(team.causes),
        active=crew.active,
        open_cases=crew.open_cases,
        queued=crew.queued,
    )
