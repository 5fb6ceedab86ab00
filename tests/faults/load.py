"""Customers and agents who come at their own pace, whatever the services do, and note what each call came to."""

import asyncio
import itertools
import random
import secrets
import time
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus

import httpx

PATIENCE_SECONDS = 12.0
"""A little more than a service takes to say that it is too busy."""
ROUNDS_OF_RETRIES = 40
LOOKS = 20
"""How often one looks for a case that is not there yet, twice a second."""
STORIES = {
    "zh-Hans": [
        "热水器装好三天又不出热水了，说好昨天上午来修，一直没人来。",
        "窗帘装歪了，布料上还有一个洞，质量太差。",
        "客服态度很差，打了三次电话都没人处理。",
        "说好周三送货，等了一整天没人来，也没人打电话通知。",
        "冰箱门关不严，刚买一周就坏了。",
    ],
    "en": [
        "The washing machine you delivered on Monday leaks and the floor is wet again.",
        "The sofa arrived with a broken leg and a torn cover.",
        "The technician promised to come on Tuesday at nine, and never came.",
    ],
}
REMEDY = {"remedy": "repair", "text": "师傅明天上午九点上门。"}


@dataclass(slots=True)
class Call:
    """One request, tried again with the same key until its fate is known."""

    service: str
    path: str
    key: str
    body: bytes | dict
    headers: dict
    fate: str = "pending"
    """``ok``, ``refused`` by a rule of the domain, ``failed`` for certain, ``unknown``."""
    first_fate: str = ""
    first_status: int = 0
    first_kind: str = ""
    status: int = 0
    kind: str = ""
    answer: dict | None = None

    def __str__(self):
        return f"{self.service} {self.path.rpartition('/')[2]} {self.first_status or self.first_kind}"


class Load:
    """
    Complaints at *rate* a second by chat, mail and phone, and what people do about them.

    Some write again, some withdraw, some cases are worked to their end and their customers called back; the others
    run into their deadlines.
    """

    def __init__(self, world, chance: random.Random, rate: float):
        self.rate = rate
        self.calls = []
        self.paused = asyncio.Event()
        self.paused.set()
        self._world, self._chance = world, chance
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(4)
        self._journeys = set()
        self._pace = None
        self._http = world.http(PATIENCE_SECONDS)
        # A connection for each request, so that one which a stopping service closes never carries another request.
        self._http._transport._pool._max_keepalive_connections = 0

    def start(self):
        self._pace = asyncio.create_task(self._come())

    async def finish(self):
        """Let nobody new come, hear the outstanding answers, and try again what is not known, with the same keys."""
        self._pace.cancel()
        if self._journeys:
            await asyncio.wait(self._journeys)
        for journey in self._journeys:
            journey.result()
        self.first_fates = Counter(call.first_fate for call in self.calls)
        for _ in range(ROUNDS_OF_RETRIES):
            open_ends = [call for call in self.calls if call.fate in {"unknown", "failed"}]
            if not open_ends:
                break
            await asyncio.gather(*(self._send(call) for call in open_ends))
            await asyncio.sleep(0.5)
        await self._http.aclose()

    @property
    def unsure(self):
        """The calls whose fate was not known at first."""
        return [call for call in self.calls if call.first_fate in {"failed", "unknown"}]

    def abandon(self):
        """End everything, after a fault that went wrong."""
        for task in (self._pace, *self._journeys):
            task.cancel()

    async def _come(self):
        began, number = time.monotonic(), 0
        while True:
            await self.paused.wait()
            number += 1
            journey = asyncio.create_task(self._journey())
            self._journeys.add(journey)
            journey.add_done_callback(self._forget)
            # By the clock and not after the last one: a slow answer holds nobody else back.
            await asyncio.sleep(max(0.0, began + number / self.rate - time.monotonic()))

    def _forget(self, journey):
        if not journey.cancelled() and journey.exception() is None:
            self._journeys.discard(journey)

    async def _journey(self):
        number = next(self._numbers)
        person = Person(f"{self._run}-{number}", self._chance)
        call = await self.call("intake", person.path, person.contact(), headers=person.headers)
        if call.fate != "ok":
            return
        complaint = call.answer["complaint_id"]
        fate = self._chance.random()
        if fate < 0.15 and person.channel == "chat":
            await self._write_again(person)
        elif fate < 0.25:
            await asyncio.sleep(self._chance.random() * 3)
            await self.withdraw(complaint)
        elif fate < 0.5:
            await self._work(complaint)
        elif fate < 0.65:
            await self._act("resolution", f"/v1/cases/{complaint}", "/acknowledgement", {})

    async def _write_again(self, person):
        for _ in range(2):
            await asyncio.sleep(0.7)
            await self.call("intake", person.path, person.contact(more=True), headers=person.headers)

    async def withdraw(self, complaint):
        """The customer does not want it any more."""
        await self._act("intake", f"/v1/complaints/{complaint}", "/withdrawal", {"reason": "已经解决"})

    async def _work(self, complaint):
        """Work a case to its end, and call the customer back if it went so far."""
        steps = {
            "/acknowledgement": {},
            "/finding": {"finding": "漏派了师傅。", "cause": "broken_promise"},
            "/remedy": REMEDY,
            "/remedy/approval": {"by": "supervisor"},
            "/answer": {"text": "师傅明天上午九点上门。"},
            "/remedy/completion": {},
            "/resolution": {},
        }
        await asyncio.sleep(1)
        for step, body in steps.items():
            call = await self._act("resolution", f"/v1/cases/{complaint}", step, body)
            if call is None or call.fate != "ok":
                return
        await asyncio.sleep(2.5)
        where = f"/v1/callbacks/{complaint}"
        if await self._act("followup", where, "/attempts", {"outcome": self._chance.choice(["answered", "no_answer"])}):
            rating = {"score": self._chance.choice([1, 5, 5]), "resolved": True}
            await self._act("followup", where, "/satisfaction", rating)

    async def _act(self, service, where, step, body):
        """Look, and act on what was seen; nothing is done about what cannot be seen yet or at all."""
        for _ in range(LOOKS):
            seen = await self._look(service, where)
            if seen is None:
                await asyncio.sleep(0.5)
                continue
            call = await self.call(service, where + step, body, headers={"If-Match": seen.headers["etag"]})
            if call.status != HTTPStatus.PRECONDITION_FAILED:
                return call
        return None

    async def _look(self, service, where):
        for instance in self._near(service):
            try:
                seen = await self._http.get(instance.url + where)
            except httpx.TransportError:
                continue
            if seen.is_success:
                return seen
        return None

    async def call(self, service, path, body, *, headers=None):
        """Send a command once, and note what came of it."""
        call = Call(service, path, f"{self._run}-{len(self.calls)}", body, headers or {})
        self.calls.append(call)
        await self._send(call)
        call.first_fate, call.first_status, call.first_kind = call.fate, call.status, call.kind
        return call

    async def _send(self, call):
        content = {"content": call.body} if isinstance(call.body, bytes) else {"json": call.body}
        call.fate = "failed"
        for instance in self._near(call.service):
            try:
                answer = await self._http.post(
                    instance.url + call.path, headers={**call.headers, "Idempotency-Key": call.key}, **content
                )
            except httpx.ConnectError:
                continue  # nobody heard it: the other one may
            except httpx.TransportError as error:
                call.fate, call.kind = "unknown", type(error).__name__
            else:
                self._note(call, answer)
            return

    def _note(self, call, answer):
        call.status, call.kind = answer.status_code, answer.headers.get("content-type", "")
        if answer.is_success:
            call.fate, call.answer = "ok", answer.json()
            if call.service == "intake" and call.answer.get("number"):
                self._world.answered.add(call.answer["complaint_id"])
        else:
            call.fate = "unknown" if answer.is_server_error else "refused"

    def _near(self, service):
        instances = list(self._world.of(service))
        self._chance.shuffle(instances)
        return instances


class Person:
    """Somebody who complains by a channel of their own."""

    def __init__(self, name, chance):
        self.name = name
        self.channel = chance.choice(["chat", "chat", "phone", "email"])
        language = chance.choice(list(STORIES))
        self._language, self._said = language, [chance.choice(STORIES[language])]

    @property
    def path(self):
        return f"/v1/channels/{self.channel}"

    @property
    def headers(self):
        return {"Content-Type": "message/rfc822"} if self.channel == "email" else {}

    def contact(self, *, more=False):
        """What the front end hands in; with *more*, the conversation has gone on."""
        if more:
            self._said.append(f"还在等，第{len(self._said)}次。" if self._language == "zh-Hans" else "Still waiting.")
        return getattr(self, f"_{self.channel}")()

    def _chat(self):
        messages = [{"id": f"{self.name}-{n}", "from": "customer", "text": text} for n, text in enumerate(self._said)]
        customer = {"id": f"w-{self.name}"}
        return {"conversation_id": self.name, "language": self._language, "customer": customer, "messages": messages}

    def _phone(self):
        said = [{"speaker": "customer", "text": self._said[0]}]
        known = {"callId": self.name, "from": "anonymous", "to": "4008001234", "customer": {"id": f"p-{self.name}"}}
        return {"event": "hangup", "direction": "in", "cause": "normalClearing", "transcript": said, **known}

    def _email(self):
        head = f"From: {self.name}@example.com\r\nTo: help@example.org\r\nMessage-ID: <{self.name}@example.com>\r\n"
        kind = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
        return f"{head}Subject: {self._said[0][:12]}\r\n{kind}\r\n{self._said[0]}\r\n".encode()
