"""One fault under load: begin, break, heal, and then see whether everything holds."""

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import httpx

from tests.faults.checker import broken, shown, unfinished
from tests.faults.evidence import Archive
from tests.faults.load import Load
from tests.faults.report import kept_logs
from tests.faults.world import POOL_SIZE, SERVICES

WARM_SECONDS = 2.0
AFTER_SECONDS = 5.0
QUICK_AFTER_SECONDS = 3.0
RECOVERY_SECONDS = 5.0
"""First new event applied, once the dependency answers and the consumer has its partitions again."""
SETTLED_SECONDS = 60.0
MEMORY_FACTOR = 1.5
LEADERS = {"intake": 2, "routing": 4, "resolution": 2, "followup": 2}
"""Sessions beside the pool: one for each role that an instance leads or stands for."""
WATCHED = ("intake", "routing", "resolution")
"""Services that answer most of what they hear at once; followup has nothing to say before a case is resolved."""


@dataclass(slots=True)
class Course:
    """How one fault went; a test may note more."""

    name: str
    how: str
    chance: object
    quick: bool
    load: Load
    planted: set = field(default_factory=set)
    """Subjects on which a failure was planted: they may wait."""
    began: float = field(default_factory=time.monotonic)
    most_instances: Counter = field(default_factory=Counter)
    """How many processes of each service there were at most."""
    healed_at: datetime | None = None
    seen: dict = field(default_factory=dict)

    def seconds(self, quick, full):
        """How long to go on: *quick* with ``--quick``, else *full*."""
        return quick if self.quick else full

    async def wait(self, quick, full):
        await asyncio.sleep(self.seconds(quick, full))

    def healed(self):
        """The dependency answers now; said by the end of the block where a test does not say it."""
        self.healed_at = self.healed_at or datetime.now(UTC)


class Crowding:
    """
    How much slower the services go because other programs want the same cores.

    A machine that does nothing else gives 1 to 1.5; what must happen in a time is granted that much more beyond.
    """

    ORDINARY = 1.5

    def __init__(self, instances):
        self._before = {each.process.pid: (each, each.scheduling) for each in instances if each.alive}

    @property
    def factor(self):
        ran, waited = 1, 0
        for pid, (instance, (ran_before, waited_before)) in self._before.items():
            if instance.alive and instance.process.pid == pid:
                ran_now, waited_now = instance.scheduling
                ran += ran_now - ran_before
                waited += waited_now - waited_before
        return max(1.0, (1 + waited / ran) / self.ORDINARY)


class Scene:
    """A running world with its recorder, and the account of what was seen."""

    def __init__(self, world, recorder, archive: Archive, chance, report):
        self.world, self.recorder, self.archive, self.chance = world, recorder, archive, chance
        self.swapped = set()
        """Subjects whose records were put on a topic in a wrong order; they stay there."""
        self.quick, self.rate = report.quick, report.rate
        self._report = report

    @asynccontextmanager
    async def fault(self, name, how):
        """
        Let customers come, and the block break something and heal it; then check everything.

        What is wrong is raised as an AssertionError that lists it; what was seen is reported either way.
        """
        cpu = time.process_time()
        load = Load(self.world, self.chance, self.rate)
        course = Course(name, how, self.chance, self.quick, load)
        watch = asyncio.create_task(self._watch(course))
        load.start()
        try:
            await asyncio.sleep(WARM_SECONDS)
            yield course
            course.healed()
            self._crowding = Crowding(self.world.instances)
            joined = await self._joined()
            await asyncio.sleep(QUICK_AFTER_SECONDS if self.quick else AFTER_SECONDS)
            await load.finish()
            course.seen["calls"] = dict(load.first_fates)
            course.seen["unsure"] = Counter(str(call) for call in load.unsure)
            problems = await self._settle(course)
            problems += self._limits(course, joined)
            course.seen["problems"] = shown(problems).splitlines()
        except BaseException as error:
            course.seen["error"] = type(error).__name__
            raise
        finally:
            watch.cancel()
            load.abandon()
            course.seen["own_cpu_s"] = round(time.process_time() - cpu, 1)
            course.seen["seconds"] = round(time.monotonic() - course.began, 1)
            self._report.add(course)
        assert not problems, f"{shown(problems)}\nlogs: {kept_logs(self.world)}"

    async def _settle(self, course):
        """Collect until everything is done, or time is up."""
        healed = course.healed_at
        while True:
            evidence = await self.archive.evidence(self.recorder, course.planted, self.swapped)
            wrong, open_ends = broken(evidence), unfinished(evidence)
            took = (datetime.now(UTC) - healed).total_seconds()
            if wrong or not open_ends or took > SETTLED_SECONDS * self._crowding.factor:
                break
            await asyncio.sleep(1)
        course.seen["crowding"] = round(self._crowding.factor, 1)
        course.seen["done_s"] = round(took, 1)
        course.seen["complaints"] = len(evidence.stored)
        course.seen["counts"] = {name: len(facts) for name, facts in self.archive.histories.items()}
        open_calls = [call for call in course.load.calls if call.fate not in {"ok", "refused"}]
        wrong += [f"calls: {call.service}{call.path} has no answer: {call.status}" for call in open_calls]
        return wrong + open_ends

    def _limits(self, course, joined):
        """What must not be exceeded: recovery, memory, connections; and nobody may have died by themselves."""
        instances = self.world.instances
        problems = [f"process: {each.service} died: {each.process.log_tail()}" for each in instances if not each.alive]
        problems += self._too_late(course, joined)
        problems += self._too_large(course)
        return [*problems, *self._too_many(course)]

    def _too_late(self, course, joined):
        recovered = self.recovered(course.healed_at)
        for service, at in recovered.items():
            course.seen.setdefault("recovery_s", {})[service] = _seconds(at - course.healed_at)
            course.seen.setdefault("joined_s", {})[service] = _seconds(joined[service] - course.healed_at)
            late = _seconds(at - max(course.healed_at, joined[service]))
            if late > RECOVERY_SECONDS * course.seen["crowding"]:
                yield f"recovery: {service} applied the first new event {late} s after it could"
        yield from (f"recovery: {service} applied nothing new" for service in WATCHED if service not in recovered)

    def _too_large(self, course):
        course.seen["memory"] = {}
        for instance in self.world.instances:
            if instance.alive:
                factor = course.seen["memory"][instance.service] = round(instance.memory / instance.memory_at_start, 2)
                if factor > MEMORY_FACTOR:
                    yield f"memory: {instance.service} takes {factor} times its memory"

    def _too_many(self, course):
        for name, count in course.seen.get("connections", {}).items():
            service, role = name.split()[1], name.split()[2:]
            most = course.most_instances[service] * (LEADERS[service] if role else POOL_SIZE)
            if count > most:
                yield f"connections: {count} of {name}, at most {most}"

    def recovered(self, healed):
        """When each service wrote the first thing because of what another one said after the heal."""
        told = {
            fact.id: fact.source
            for facts in self.archive.histories.values()
            for fact in facts
            if fact.written_at >= healed
        }
        recovered = {}
        for service in WATCHED:
            effects = (f for f in self.archive.histories[service] if told.get(f.cause, service) != service)
            first = next(effects, None)
            if first is not None:
                recovered[service] = first.written_at
        return recovered

    async def _joined(self):
        """When the consumers had their partitions again, by service."""
        async with self.world.http() as http:
            found = await asyncio.gather(*(self._first_joined(http, service) for service in SERVICES))
        return dict(zip(SERVICES, found, strict=True))

    async def _first_joined(self, http, service):
        deadline = time.monotonic() + SETTLED_SECONDS
        while time.monotonic() < deadline:
            for instance in self.world.of(service):
                with suppress(httpx.TransportError):
                    lag = await instance.lag(http)
                    if lag and lag["consumer_joined"]:
                        return datetime.now(UTC)
            await asyncio.sleep(0.1)
        return datetime.now(UTC)

    async def _watch(self, course):
        """Count the services' connections once a second; the most of each is kept."""
        query = (
            "select application_name, count(*) as count from pg_stat_activity"
            " where usename like $1 and application_name like 'plaint %' group by 1"
        )
        most = Counter()
        while True:
            course.most_instances |= Counter(each.service for each in self.world.instances)
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                connection = await asyncpg.connect(self.world.postgres.admin_url, timeout=2)
                try:
                    rows = await connection.fetch(query, f"{self.world.prefix}%", timeout=2)
                finally:
                    connection.terminate()
                most |= Counter({row["application_name"]: row["count"] for row in rows})
                course.seen["connections"] = dict(most)
            await asyncio.sleep(1)


def _seconds(duration):
    return round(duration.total_seconds(), 1)
