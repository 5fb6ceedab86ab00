"""The services of one side, product or baseline, each a process with a fresh database, and load on them."""

import asyncio
import json
import os
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import asyncpg
import httpx

from plaint.credentials import Credentials
from plaint.environment import stack_environment
from plaint.local.ports import free_port
from plaint.local.processes import ServiceProcess
from tests.bench.harness import Bench
from tests.bench.machine import program, tree_seconds

Side = Literal["product", "baseline"]

COMMANDS: Final[Mapping[Side, Sequence[str]]] = {
    "product": ("-m", "services.{}", "serve"),
    "baseline": ("-m", "tests.bench.baselines.service", "{}"),
}
READY_SECONDS: Final = 120.0
LONGEST_WAIT_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 0.1
LOGGED_LINES: Final = 5


class Unequal(AssertionError):
    """The two sides did not do the same work, or not all of it; their figures cannot be compared."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One request: when it was due, when it was answered (seconds since 1970), and which complaint it opened."""

    due: float
    at: float
    status: int
    complaint_id: str | None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a load generator saw."""

    began: float
    ended: float
    answers: tuple[Answered, ...]

    def check(self) -> None:
        """
        Make sure that every request was accepted and opened a complaint of its own.

        Raises:
            Unequal: one was not.
        """
        refused = Counter(each.status for each in self.answers if each.complaint_id is None)
        opened = {each.complaint_id for each in self.answers}
        if refused or len(opened) != len(self.answers):
            raise Unequal(f"{len(self.answers)} requests opened {len(opened)} complaints; not accepted: {refused}")


Go = Callable[[], Awaitable[Answers]]


class Installation:
    """Some services of one side while they run."""

    def __init__(
        self,
        urls: Mapping[str, str],
        ports: Mapping[str, int],
        key: str,
        processes: Mapping[str, ServiceProcess] | None = None,
    ) -> None:
        self.urls = urls
        self._ports = ports
        self._key = key
        self._names = {process.pid: service for service, process in (processes or {}).items()}
        self._generator: asyncio.subprocess.Process | None = None

    async def ask(self, service: str, query: str) -> Any:
        """The one value of a query on a service's database."""
        connection = await asyncpg.connect(self.urls[service])
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def until(self, service: str, query: str, wanted: int) -> None:
        """
        Wait until the query counts to *wanted*.

        Raises:
            TimeoutError: it does not within five minutes.
        """
        connection = await asyncpg.connect(self.urls[service])
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                while await connection.fetchval(query) < wanted:
                    await asyncio.sleep(LOOK_SECONDS)
        finally:
            await connection.close()

    async def load(self, count: int, seed: int, *, connections: int = 64, rate: float | None = None) -> Answers:
        """Post so many complaints, as fast as they are answered or at *rate* a second, and return what was seen."""
        async with self.generator(count, seed, connections=connections, rate=rate) as go:
            return await go()

    @asynccontextmanager
    async def generator(
        self, count: int, seed: int, *, connections: int = 64, rate: float | None = None
    ) -> AsyncIterator[Go]:
        """Prepare a load; what is provided begins it, and returns what was seen when all is answered."""
        order = {"port": self._ports["intake"], "key": self._key, "count": count, "seed": seed}
        order |= {"connections": connections, "rate": rate}
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.load.generator", stdin=pipe, stdout=pipe, limit=1 << 26
        )
        if process.stdin is None or process.stdout is None:
            raise OSError("no pipes")
        self._generator, told, heard = process, process.stdin, process.stdout
        told.write(json.dumps(order).encode() + b"\n")
        if await heard.readline() != b"ready\n":
            raise Unequal("the load generator did not start")

        async def go() -> Answers:
            told.write(b"go\n")
            seen = json.loads(await heard.readline())
            answers = Answers(seen["began"], seen["ended"], tuple(Answered(*each) for each in seen["answers"]))
            answers.check()
            return answers

        try:
            yield go
        finally:
            told.close()
            await process.wait()

    def processor_seconds(self) -> Counter[str]:
        """What each service, ``postgres`` and ``tansu`` have used so far; not this process and its load generator."""
        without = self._generator.pid if self._generator else None
        used = {pid: tree_seconds(pid) for pid in _children() if pid != without}
        return Counter({self._names.get(pid) or program(pid): seconds for pid, seconds in used.items()})


@asynccontextmanager
async def running(bench: Bench, side: Side, services: Sequence[str]) -> AsyncIterator[Installation]:
    """Run *services* on fresh databases and topics until the end of the block, each ready and reading its topics."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plaint-bench-")))
        credentials = Credentials(folder)
        key = credentials.operator_key()
        urls = {service: await bench.database(service) for service in services}
        for url in urls.values():
            stack.push_async_callback(bench.drop, url)
        ports = {service: free_port() for service in services}
        shared = stack_environment(
            os.environ,
            bootstrap=bench.broker.bootstrap,
            prefix=f"b{secrets.token_hex(4)}.",
            keys_file=credentials.keys_file,
            extras={"PLAINT_KAFKA__FETCH_WAIT_MS": str(bench.broker.fetch_wait_ms)},
        )
        processes = {}
        for service in services:
            own = {"PLAINT_DATABASE_URL": urls[service], "PLAINT_PORT": str(ports[service])}
            processes[service] = _started(side, service, shared | own, folder)
            stack.callback(processes[service].stop)
        with httpx.Client(headers={"Authorization": f"Bearer {key}"}, trust_env=False) as client:
            for service, process in processes.items():
                address = f"http://127.0.0.1:{ports[service]}"
                process.wait_until(partial(_is_ready, client, side, address), READY_SECONDS)
        try:
            yield Installation(urls, ports, key, processes)
        except Exception as error:
            for process in processes.values():
                error.add_note(f"{process.name} logged last:\n{process.log_tail(LOGGED_LINES)}")
            raise


def _started(side: Side, service: str, environment: Mapping[str, str], folder: Path) -> ServiceProcess:
    command = [sys.executable, *(part.format(service) for part in COMMANDS[side])]
    process = ServiceProcess(f"{side} {service}", command, environment, folder / f"{service}.log")
    process.start()
    return process


def _is_ready(client: httpx.Client, side: Side, address: str) -> bool:
    """The baseline is ready once it reads its topics; the product says that elsewhere."""
    try:
        if not client.get(f"{address}/readyz").is_success:
            return False
        return side == "baseline" or bool(client.get(f"{address}/v1/admin/lag").json()["consumer_joined"])
    except (httpx.TransportError, KeyError):
        return False


def _children() -> list[int]:
    found = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(pid) for file in found for pid in file.read_text().split()]
