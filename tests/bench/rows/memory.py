"""``rss_mb``: what each service keeps in memory after 100,000 messages, and how much more after as many again."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Final

from aiokafka import AIOKafkaProducer

from shared.contracts.event import Event
from shared.contracts.intake import ComplaintReceived
from shared.contracts.registry import topic_of
from shared.contracts.resolution import CaseResolved
from shared.contracts.routing import ComplaintClassified, ComplaintRouted
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.testing.events import Speakers, sample
from tests.bench.harness import Bar, Bench, Round, Row
from tests.bench.installation import Installation
from tests.bench.machine import resident_mb
from tests.bench.rows.start import SERVICES, Alone, alone, started

NAMES = ("rss_mb",)

MESSAGES: Final = 100_000
QUICK_MESSAGES: Final = 1_500
PORTION: Final = 5_000
"""What is on its way at most: a service that falls behind does not have the rest in memory."""

ENCODER_MB: Final = 150
"""What routing may take beside the others for its sentence encoder."""

HEARD: Final[dict[str, Sequence[type[Event]]]] = {
    "routing": (ComplaintReceived,),
    "resolution": (ComplaintReceived, ComplaintClassified, ComplaintRouted),
    "followup": (ComplaintReceived, CaseResolved),
}
"""What is told about each complaint; intake is told by HTTP."""
APPLIED: Final = "select coalesce(sum(last), 0)::bigint from positions"

Feed = Callable[[int], Awaitable[None]]


async def measure(bench: Bench) -> list[Row]:
    """Each service alone, fed as fast as it takes it; one round, as it is a matter of what stays and not of time."""
    rows: list[Row] = []
    for name in SERVICES:
        rows += await _memory_of(bench, name)
    return rows


async def _memory_of(bench: Bench, name: str) -> list[Row]:
    messages = QUICK_MESSAGES if bench.quick else MESSAGES
    more = ENCODER_MB if name == "routing" else 0
    bars = (
        Bar(f"rss_mb:{name}", "MB", 130 + more, 100 + more, "lower"),
        Bar(f"rss_mb:{name}:growth", "%", 2, 1, "lower"),
    )
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(alone(bench, name))
        pid, _ = stack.enter_context(started(service))
        idle = resident_mb(pid)
        feed = _requests(service) if name == "intake" else await _events(bench, service, stack)
        taken = []
        for _ in range(2):
            for _ in range(0, messages, PORTION):
                await feed(min(PORTION, messages))
            taken.append(resident_mb(pid))
    first, second = taken
    bench.say(f"  {name}: idle {idle:.1f} MB, after {messages:,} {first:.1f} MB, after as many again {second:.1f} MB")
    figures = (first, (second / first - 1) * 100)
    return [Row(bar, (Round(figure),)) for bar, figure in zip(bars, figures, strict=True)]


def _requests(service: Alone) -> Feed:
    installation = Installation({service.name: service.url}, {service.name: service.port}, service.key)
    seed = 0

    async def feed(count: int) -> None:
        nonlocal seed
        seed += 1
        await installation.load(count, seed)

    return feed


async def _events(bench: Bench, service: Alone, stack: AsyncExitStack) -> Feed:
    installation = Installation({service.name: service.url}, {service.name: service.port}, service.key)
    producer = await stack.enter_async_context(AIOKafkaProducer(linger_ms=5, **bench.broker.client))
    say = Speakers(Clock()).say
    told = 0

    async def feed(count: int) -> None:
        nonlocal told
        kinds = HEARD[service.name]
        sent = []
        for _ in range(0, count, len(kinds)):
            complaint = new_id()
            for kind in kinds:
                record = say(sample(kind, complaint_id=complaint))
                topic = topic_of(record.envelope.source, service.prefix)
                key, headers = str(complaint).encode(), list(record.envelope.headers())
                sent.append(await producer.send(topic, key=key, value=record.body, headers=headers))
        for acknowledged in sent:
            await acknowledged
        told += len(sent)
        await installation.until(service.name, APPLIED, told)

    return feed
