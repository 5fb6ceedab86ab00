"""Everybody who acts in the demo, through the public HTTP API alone."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import httpx
from pydantic import TypeAdapter

from plaint.demo.board import Part
from plaint.demo.hearing import Heard
from plaint.demo.story import AgentScript, Callback, Scene
from plaint.running import Installation
from shared.runtime.clock import Clock

ATTEMPTS: Final = 20
"""A case may change between looking at it and acting; then one looks again, as a person would."""
_DURATION: Final = TypeAdapter(timedelta)


@dataclass(slots=True)
class Cast:
    """The front ends, the triage desk, the agents and the callers."""

    installation: Installation
    clock: Clock
    http: httpx.AsyncClient
    all_sent: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, scene: Scene) -> dict[str, Any]:
        """Post one contact as its front end has it, and return what intake answers."""
        answer = await self.http.post(
            self._url("intake", f"/v1/channels/{scene.channel}"),
            content=scene.body(),
            headers={"Content-Type": scene.content_type, "Idempotency-Key": str(uuid4())},
        )
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body

    async def react(self, part: Part, heard: Heard) -> None:
        """Do what the story wants on this event."""
        scene, complaint_id = part.scene, heard.data.get("complaint_id", "")
        match heard.type:
            case "routing.triage.requested" if scene.agent and scene.path != "triage":
                await self._decide_triage(complaint_id, scene.cause or scene.agent.cause)
            case "resolution.case.opened" if scene.agent and scene.path != "escalated":
                await self._work(complaint_id, scene.agent, heard.data["owner"])
            case "resolution.case.escalated" if scene.agent and scene.path == "escalated" and heard.data["level"] == 1:
                await self._work(complaint_id, scene.agent, heard.data["to"])
            case "resolution.case.reopened" if scene.second:
                await self._work(complaint_id, scene.second.agent, "agent-second-look")
            case "followup.callback.scheduled" if heard.data["attempt"] == 1:
                again = scene.second.callback if scene.second and heard.data["round"] > 1 else scene.callback
                if again is not None:
                    await self._call_back(complaint_id, again, datetime.fromisoformat(heard.data["due_at"]))
            case "intake.message.outgoing":
                await self._deliver(heard.data["message_id"])

    async def _decide_triage(self, complaint_id: str, cause: str) -> None:
        body = {"cause": cause, "by": "triage-desk", "note": None}
        await self._act("routing", f"/v1/complaints/{complaint_id}", "/triage-decision", body)

    async def _work(self, complaint_id: str, script: AgentScript, by: str) -> None:
        """Work a case from taking it up to having resolved it."""
        remedy = {"remedy": script.remedy_kind, "text": script.remedy, "by": by}
        await self._case(complaint_id, "/acknowledgement", {"by": by})
        await self._case(complaint_id, "/finding", {"finding": script.finding, "cause": script.cause, "by": by})
        await self._case(complaint_id, "/remedy", remedy)
        await self._case(complaint_id, "/remedy/approval", {"by": "supervisor"})
        await self._case(complaint_id, "/answer", {"text": script.answer, "by": by})
        if script.promise is not None:
            due_at = self.clock.now() + _DURATION.validate_python(script.promise.due_in)
            promise = {"text": script.promise.text, "due_at": due_at.isoformat(), "by": by}
            made = await self._case(complaint_id, "/promises", promise)
            await self._case(complaint_id, f"/promises/{made['promise_id']}/kept", {"by": by})
        await self._case(complaint_id, "/remedy/completion", {"by": by})
        await self._case(complaint_id, "/resolution", {"by": by})

    async def _call_back(self, complaint_id: str, callback: Callback, due_at: datetime) -> None:
        """Call when it is time; nobody is called before the last contact has come in."""
        await self.all_sent.wait()
        await asyncio.sleep(max(0.0, self.clock.real_seconds_until(due_at)))
        where = f"/v1/callbacks/{complaint_id}"
        await self._act("followup", where, "/attempts", {"outcome": "answered", "by": "caller-01"})
        rating = {"score": callback.score, "resolved": callback.resolved, "comment": callback.comment}
        await self._act("followup", where, "/satisfaction", rating)

    async def _deliver(self, message_id: str) -> None:
        """Be the front end of chat and phone: fetch the message, deliver it, say so."""
        url = self._url("intake", f"/v1/messages/{message_id}")
        (await self.http.get(url)).raise_for_status()
        (await self.http.post(f"{url}/delivery", json={"outcome": "sent"})).raise_for_status()

    async def _case(self, complaint_id: str, step: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._act("resolution", f"/v1/cases/{complaint_id}", step, body)

    async def _act(self, service: str, where: str, step: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Look, act on what was seen, and look again if somebody else was faster."""
        url = self._url(service, where)
        for _ in range(ATTEMPTS):
            seen = await self.http.get(url)
            seen.raise_for_status()
            done = await self.http.post(url + step, json=body, headers={"If-Match": seen.headers["etag"]})
            if done.status_code != HTTPStatus.PRECONDITION_FAILED:
                break
            await asyncio.sleep(0.05)
        if done.is_error:
            raise RuntimeError(f"{service} {step}: {done.status_code} {done.text}")
        answer: dict[str, Any] = done.json()
        return answer

    def _url(self, service: str, path: str) -> str:
        return self.installation.urls[service] + path
