"""
A load generator in a process of its own: ``python -m tests.bench.load.generator``, told what to do by a line of JSON.

It says ``ready`` once all requests are made, begins when a line comes, and ends with one line of JSON: when it began
and ended, and of every request when it was due, when it was answered, the status and the complaint's id.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from typing import Any, Final, Self

import httptools
import uvloop

from tests.bench.load.complaints import bodies

ACCEPTED: Final = 202


class Connection(asyncio.Protocol):
    """One request after the other on a connection that stays open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: Any = None

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect to a server on this machine."""
        _, connection = await asyncio.get_running_loop().create_connection(lambda: cls(port), "127.0.0.1", port)
        return connection

    async def post(self, request: bytes) -> tuple[int, bytes]:
        """Send *request* as it is, and return the status and the body of the answer."""
        if self._transport.is_closing():
            # The server let go of what was idle for long, as it may.
            await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)
        self._answer = asyncio.get_running_loop().create_future()
        self._body = b""
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)
        return await self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave nobody waiting."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed"))

    def data_received(self, data: bytes) -> None:
        """Parse."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Keep the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Hand the answer over."""
        if self._answer is not None:
            self._answer.set_result((self._parser.get_status_code(), self._body))


class Load:
    """Sends prepared requests and notes what became of each."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.requests = requests
        self.answers: list[tuple[float, float, int, str | None]] = []

    async def closed(self, connections: Sequence[Connection]) -> None:
        """Keep every connection busy until all requests are answered."""
        left = iter(self.requests)

        async def work(connection: Connection) -> None:
            for request in left:
                await self._post(connection, request, time.time())

        await asyncio.gather(*map(work, connections))

    async def open(self, connections: Sequence[Connection], rate: float, seed: int) -> None:
        """Send at moments fixed beforehand (Poisson), whatever is answered until then; time counts from them."""
        chance = random.Random(seed)  # noqa: S311 - nothing secret
        # In turn, so that none is idle for so long that the server lets go of it just when it is used.
        idle: asyncio.Queue[Connection] = asyncio.Queue()
        for connection in connections:
            idle.put_nowait(connection)

        async def send(request: bytes, due: float) -> None:
            connection = await idle.get()
            await self._post(connection, request, due)
            idle.put_nowait(connection)

        due = time.time()
        async with asyncio.TaskGroup() as group:
            for request in self.requests:
                due += chance.expovariate(rate)
                await asyncio.sleep(due - time.time())
                group.create_task(send(request, due))

    async def _post(self, connection: Connection, request: bytes, due: float) -> None:
        status, body = await connection.post(request)
        answered = time.time()
        opened = json.loads(body)["complaint_id"] if status == ACCEPTED else None
        self.answers.append((due, answered, status, opened))


async def main(order: dict[str, Any]) -> None:
    """Do as ordered."""
    load = Load([_request(body, order["port"], order["key"]) for body in bodies(order["count"], order["seed"])])
    connections = [await Connection.open(order["port"]) for _ in range(order["connections"])]
    _say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    began = time.time()
    if order["rate"]:
        await load.open(connections, order["rate"], order["seed"])
    else:
        await load.closed(connections)
    _say(json.dumps({"began": began, "ended": time.time(), "answers": load.answers}))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _request(body: bytes, port: int, key: str) -> bytes:
    lines = ("POST /v1/complaints HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: Bearer {key}")
    more = ("Content-Type: application/json", f"Content-Length: {len(body)}", "", "")
    return "\r\n".join((*lines, *more)).encode() + body


if __name__ == "__main__":
    uvloop.run(main(json.loads(sys.stdin.readline())))
