"""Look at everything an installation needs, and say what is wrong with it."""

import asyncio
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from plaint.client import Client
from plaint.kafka import broker_of
from plaint.running import SERVICES, Installation
from plaint.trouble import Trouble
from shared.contracts.registry import PARTITIONS
from shared.runtime.broker import Broker
from shared.working_days import OverridesError, load_calendar

State = Literal["ok", "warn", "fail"]

# Events are told in the order of their times; people notice when these differ by more.
_SKEW_SECONDS: Final = 2.0
_KAFKA_SECONDS: Final = 10.0
_FORBIDDEN: Final = {401, 403}


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What one check found.

    Attributes:
        subject: what was looked at, such as ``service.intake`` or ``kafka``.
        state: whether it is well, worth knowing, or has to be put right.
        key: the sentence that says so, and what to do.
        values: what the sentence's blanks are filled with.
    """

    subject: str
    state: State
    key: str
    values: Mapping[str, object] = field(default_factory=dict)


def check_services(client: Client) -> Iterator[Finding]:
    """Look at each service: is it known, does it answer, is it ready with its database, does it accept the key."""
    for service in SERVICES:
        if service not in client.services:
            yield _found(f"service.{service}", "fail", "service_unknown", variable=f"PLAINT_{service.upper()}_URL")
            continue
        url = client.installation.urls[service]
        try:
            answer = client.ask("GET", service, "/readyz?verbose")
            yield from _readiness(service, url, answer.json())
        except (Trouble, ValueError):
            yield _found(f"service.{service}", "fail", "service_away", url=url)
            continue
        yield _key(client, service)


def _readiness(service: str, url: str, answer: Mapping[str, Any]) -> Iterator[Finding]:
    if answer.get("status") == "ready":
        yield _found(f"service.{service}", "ok", "service_ready", url=url)
        return
    for check in answer.get("checks", ()):
        if not check["ok"]:
            known = check["name"] if check["name"] in {"database", "migrations", "consumer"} else "other"
            known = "history" if check["error"] == "HistoryBehindTopic" else known
            yield _found(
                f"service.{service}",
                "fail",
                f"not_ready.{known}",
                check=check["name"],
                error=check["error"],
                name=service,
            )


def _key(client: Client, service: str) -> Finding:
    try:
        state = client.get(service, "/v1/admin/lag")
    except Trouble as trouble:
        key = "key_refused" if trouble.status in _FORBIDDEN else "lag_unknown"
        return _found(f"service.{service}", "fail", key)
    waiting = sum(state["waiting"].values())
    if waiting:
        return _found(f"service.{service}", "warn", "waiting", count=waiting)
    if not state["consumer_joined"]:
        return _found(f"service.{service}", "warn", "not_joined")
    return _found(f"service.{service}", "ok", "applies")


def check_clocks(client: Client) -> Iterator[Finding]:
    """Compare the services' clocks with this machine's, and with each other."""
    offsets: dict[str, float] = {}
    for service in client.services:
        try:
            before = datetime.now(UTC)
            clock = client.get(service, "/v1/admin/clock")
            middle = before + (datetime.now(UTC) - before) / 2
        except Trouble:
            continue
        real = (datetime.fromisoformat(clock["real"]) - middle).total_seconds()
        if abs(real) > _SKEW_SECONDS:
            yield _found("clock", "warn", "clock_skewed", name=service, seconds=f"{real:+.1f}")
        told = (datetime.fromisoformat(clock["now"]) - middle).total_seconds()
        offsets[service] = told / max(1.0, float(clock["speed"]))
        if clock["speed"] != 1:
            yield _found("clock", "warn", "clock_demo", name=service, speed=f"{clock['speed']:g}")
    if offsets and max(offsets.values()) - min(offsets.values()) <= _SKEW_SECONDS:
        yield _found("clock", "ok", "clock_agrees", count=len(offsets))
    elif offsets:
        yield _found("clock", "fail", "clock_apart", seconds=f"{max(offsets.values()) - min(offsets.values()):.1f}")


def check_kafka(installation: Installation) -> Iterator[Finding]:
    """Look at the cluster: whether it answers, has the four topics, and each with the right number of partitions."""
    try:
        broker = broker_of(installation)
        known = asyncio.run(asyncio.wait_for(_partitions(broker), _KAFKA_SECONDS))
    except Trouble:
        yield _found("kafka", "fail", "kafka_unknown")
        return
    except (KafkaError, OSError, TimeoutError):
        yield _found("kafka", "fail", "kafka_away", bootstrap=installation.bootstrap)
        return
    yield _found(
        "kafka", "ok", "kafka_answers", bootstrap=installation.bootstrap, broker=installation.broker or "Kafka"
    )
    for topic in broker.topics():
        yield _topic(topic, known.get(topic))


def _topic(topic: str, partitions: int | None) -> Finding:
    if partitions is None:
        return _found("kafka", "fail", "topic_missing", topic=topic, wanted=PARTITIONS)
    if partitions != PARTITIONS:
        return _found("kafka", "fail", "topic_partitions", topic=topic, count=partitions, wanted=PARTITIONS)
    return _found("kafka", "ok", "topic_well", topic=topic, count=partitions)


async def _partitions(broker: Broker) -> dict[str, int]:
    admin = AIOKafkaAdminClient(**broker.client)
    try:
        await admin.start()
        described = await admin.describe_topics()
    finally:
        await admin.close()
    return {topic["topic"]: len(topic["partitions"]) for topic in described if topic["error_code"] == 0}


def check_calendar(environment: Mapping[str, str], today: datetime) -> Finding:
    """Tell how far ahead the public holidays are known, by which service deadlines are counted."""
    country = environment.get("PLAINT_CALENDAR_COUNTRY") or "CN"
    overrides = environment.get("PLAINT_CALENDAR_OVERRIDES")
    try:
        calendar = load_calendar(
            country=country,
            years=range(today.year, today.year + 2),
            overrides=Path(overrides) if overrides else None,
        )
    except (OverridesError, ValueError) as error:
        return _found("calendar", "fail", "calendar_broken", error=error)
    known = calendar.known_until.year
    if known < today.year:
        return _found("calendar", "fail", "calendar_old", country=country, year=today.year)
    if known == today.year:
        return _found("calendar", "warn", "calendar_ends", country=country, year=today.year + 1)
    return _found("calendar", "ok", "calendar_known", country=country, until=calendar.known_until)


def check_stand_ins() -> Iterator[Finding]:
    """Tell whether ``plaint up --broker kafka`` finds its programs."""
    home = os.environ.get("JAVA_HOME")
    java = (shutil.which("java", path=f"{home}/bin") if home else None) or shutil.which("java")
    for name, program in (("java", java), ("maven", shutil.which("mvn"))):
        yield _found("local", "ok" if program else "warn", f"{name}_{'there' if program else 'missing'}", path=program)


def _found(subject: str, state: State, key: str, **values: object) -> Finding:
    return Finding(subject, state, key, values)
