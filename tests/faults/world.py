"""The product as it is run: four services, each a process or several, on a database and a broker to break."""

import asyncio
import json
import os
import secrets
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx

from plaint.credentials import Credentials
from plaint.environment import stack_environment
from plaint.local.databases import ensure_database
from plaint.local.ports import free_port
from plaint.local.processes import ServiceProcess
from shared.contracts.registry import OWNERS
from shared.runtime.clock import Clock
from shared.runtime.database import Database
from shared.runtime.migrate import migrate

SERVICES = OWNERS
HEARS = {name: import_module(f"services.{name}.events").SOURCES for name in SERVICES}
POOL_SIZE = 6
READY_SECONDS = 60

# A working morning whenever the tests run: clocks of cases count open hours only, and customers are called by day.
MORNING = datetime(2026, 11, 18, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
# Deadlines of seconds, so that timers of every kind come due within a test.
TERMS = {
    "PLAINT_DEMO": "true",
    "PLAINT_ACKNOWLEDGE_WITHIN": "PT5S",
    "PLAINT_ANSWER_WITHIN": "PT10S",
    "PLAINT_RESOLVE_WITHIN": "PT18S",
    "PLAINT_PRIORITY_FACTORS": "{}",
    "PLAINT_RECOVERY_FACTOR": "0.75",
    "PLAINT_SILENCE": "PT25S",
    "PLAINT_CALLBACK_DELAY": "PT2S",
    "PLAINT_CALLBACK_RETRY_AFTER": "PT2S",
    "PLAINT_CALLBACK_PATIENCE": "PT6S",
    "PLAINT_TRIAGE_BELOW": "0",
    "PLAINT_POOL_SIZE": str(POOL_SIZE),
}
TEAMS = {
    "after_sales": ["quality"],
    "service_desk": ["service", "communication"],
    "customer_care": ["expectation_gap", "broken_promise"],
    "compliance": ["regulation"],
}
ROSTER = {
    "teams": {team: {"zh": team, "en": team, "causes": causes} for team, causes in TEAMS.items()},
    "agents": {
        f"agent-{team}": {"team": team, "languages": ["zh-Hans", "en"], "capacity": 1_000_000} for team in TEAMS
    },
}


class Instance:
    """One process of one service; started again it keeps its port."""

    def __init__(self, world, service):
        self.world, self.service, self.port = world, service, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.wanted = False
        """Whether it should be running now: one that is wanted and dead has died by itself."""
        self.memory_at_start = 0

    @property
    def alive(self):
        return self.process is not None and self.process.alive

    @property
    def memory(self):
        """Resident bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    @property
    def scheduling(self):
        """Nanoseconds that its threads ran, and that they were ready and waited for a core."""
        rows = [path.read_text().split() for path in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")]
        return sum(int(row[0]) for row in rows), sum(int(row[1]) for row in rows)

    def start(self, failpoints="", **environment):
        """Start the process; *failpoints* as in shared.runtime.failpoints, *environment* over the world's."""
        log = self.world.folder / "logs" / f"{self.service}-{self.port}.log"
        own = self.world.environment(self.service, self.port) | environment
        if failpoints:
            own["PLAINT_FAILPOINTS"] = failpoints
        command = [sys.executable, "-m", f"services.{self.service}", "serve"]
        self.process = ServiceProcess(self.service, command, own, log)
        self.process.start()
        self.wanted = not failpoints

    async def ready(self, seconds=READY_SECONDS):
        """Wait until it takes requests."""
        await self._until(lambda http: self._answers(http, "/readyz"), seconds)
        self.memory_at_start = self.memory

    async def joined(self, seconds=READY_SECONDS):
        """Wait until it reads its topics."""
        await self._until(self._has_joined, seconds)

    async def died(self, seconds=60):
        """Wait until a failpoint has killed it."""
        deadline = time.monotonic() + seconds
        while self.alive:
            assert time.monotonic() < deadline, f"{self.service} was not killed in {seconds} s"
            await asyncio.sleep(0.05)
        assert self.process.returncode == -9, self.process.log_tail()

    async def stop(self):
        """SIGTERM, and wait for the end in good order."""
        self.wanted = False
        await asyncio.to_thread(self.process.stop, 15)

    async def kill(self):
        self.wanted = False
        await asyncio.to_thread(self.process.kill)

    async def restart(self, **environment):
        """Start again after whatever happened, and wait until it works."""
        if self.alive:
            await self.kill()
        self.start(**environment)
        await self.ready()
        await self.joined()

    async def lag(self, http):
        answer = await http.get(f"{self.url}/v1/admin/lag")
        return answer.json() if answer.is_success else None

    async def _answers(self, http, path):
        return (await http.get(f"{self.url}{path}")).is_success

    async def _has_joined(self, http):
        lag = await self.lag(http)
        return lag is not None and lag["consumer_joined"]

    async def _until(self, condition, seconds):
        deadline = time.monotonic() + seconds
        async with self.world.http() as http:
            while True:
                assert self.alive, f"{self.service} ended: {self.process.log_tail()}"
                with suppress(httpx.TransportError):
                    if await condition(http):
                        return
                assert time.monotonic() < deadline, f"{self.service} is not ready: {self.process.log_tail()}"
                await asyncio.sleep(0.1)


class World:
    """
    Four databases, topics of their own, and one process for each service, until a test starts more.

    *through* maps a service to the port by which it reaches PostgreSQL, where that is not the server's own.
    """

    def __init__(self, folder, postgres, broker, through=None, settings=None):
        self.folder, self.postgres, self.broker = folder, postgres, broker
        self.through, self.settings = through or {}, settings or {}
        self.prefix = f"f{secrets.token_hex(4)}."
        self.clock = Clock(MORNING, datetime.now(UTC), 1.0)
        self.clocks = {service: [(datetime.min.replace(tzinfo=UTC), self.clock)] for service in SERVICES}
        """By service: since which real moment its processes have had which clock."""
        credentials = Credentials(folder)
        self.key, self.keys_file = credentials.operator_key(), credentials.keys_file
        self.roster_file = folder / "roster.json"
        self.roster_file.write_text(json.dumps(ROSTER))
        self.databases = {}
        self.instances = []
        self.answered = set()
        """Complaints that intake has answered with a number."""

    async def start(self):
        for service in SERVICES:
            await self._make_database(service)  # one by one: Alembic keeps its context for the whole process
        for service in SERVICES:
            await self.add(service, wait=False)
        await asyncio.gather(*(instance.ready() for instance in self.instances))
        await asyncio.gather(*(instance.joined() for instance in self.instances))

    async def stop(self):
        await asyncio.gather(*(instance.kill() for instance in self.instances if instance.alive))

    async def add(self, service, *, wait=True, **options):
        """Start one more process of *service*."""
        instance = Instance(self, service)
        self.instances.append(instance)
        instance.start(**options)
        if wait:
            await instance.ready()
        return instance

    async def remove(self, instance):
        """Stop a process for good."""
        await instance.stop()
        self.instances.remove(instance)

    def of(self, service):
        return [instance for instance in self.instances if instance.service == service]

    def one(self, service):
        return self.of(service)[0]

    def now(self, service):
        """The time by the clock of *service*."""
        return self.clocks[service][-1][1].now()

    async def set_clock(self, service, offset=timedelta()):
        """Start *service* again with a clock that is *offset* off everybody else's."""
        clock = Clock(MORNING + offset, self.clock.anchor, 1.0)
        for instance in self.of(service):
            await instance.kill()
        self.clocks[service].append((datetime.now(UTC), clock))
        await asyncio.gather(*(instance.restart() for instance in self.of(service)))

    def environment(self, service, port):
        clock = self.clocks[service][-1][1]
        return stack_environment(
            os.environ,
            bootstrap=self.broker.bootstrap,
            prefix=self.prefix,
            keys_file=self.keys_file,
            extras={
                **TERMS,
                "PLAINT_CLOCK__ORIGIN": clock.origin.isoformat(),
                "PLAINT_CLOCK__ANCHOR": clock.anchor.isoformat(),
                "PLAINT_ROSTER_FILE": str(self.roster_file),
                "PLAINT_DATABASE_URL": self._url(service),
                "PLAINT_PORT": str(port),
                **self.settings,
            },
        )

    def http(self, timeout=5.0):
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.AsyncClient(headers=headers, timeout=timeout, trust_env=False)

    async def _make_database(self, service):
        name, password = f"{self.prefix}{service}", secrets.token_urlsafe(16)
        await asyncio.to_thread(ensure_database, self.postgres.admin_url, name, name, password)
        self.databases[service] = self.postgres.url(name, name, password)
        database = Database(self.databases[service])
        app, storage = (import_module(f"services.{service}.{module}") for module in ("app", "storage"))
        await migrate(database, app.MIGRATIONS, storage.metadata)
        await database.close()

    def _url(self, service):
        url = urlsplit(self.databases[service])
        port = self.through.get(service, url.port)
        return url._replace(netloc=f"{url.netloc.rpartition(':')[0]}:{port}").geturl()
