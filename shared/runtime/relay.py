"""
The relay: reads the history in the order of its ids and publishes it, one leader per service.

It awaits the broker's word before it notes its place, so a crash repeats events and never loses one; consumers drop
repetitions by sequence. When the cluster is another one, has lost its topics or its offsets went back, the last
seven days are sent again: losing all of Kafka loses nothing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from pydantic_core import to_json

from shared.contracts.registry import topic_of
from shared.runtime import failpoints
from shared.runtime.broker import Broker, started
from shared.runtime.database import Database
from shared.runtime.leader import lead
from shared.runtime.sending import Span, send_rows
from shared.runtime.tail import BrokerWentBack, check_tail
from shared.runtime.wake import Wake
from shared.telemetry import metrics

log = structlog.get_logger()

BATCH: Final = 500
POLL_SECONDS: Final = 0.25
BROKER_CHECK_SECONDS: Final = 2.0
STORE_SECONDS: Final = 0.5
"""Between two notes of the place while events flow, each a commit; a crash sends again no more than this."""
HORIZON: Final = timedelta(days=7)
"""How far back events are sent again to a cluster that may have lost them; consumers further behind need a replay."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far the relay is: the last id that was acknowledged, by which cluster, at which offset of each partition."""

    last_id: int = 0
    cluster_id: str | None = None
    offsets: tuple[tuple[int, int], ...] = ()


class Relay:
    """Publishes one service's history on its topic."""

    def __init__(self, service: str, database: Database, broker: Broker) -> None:
        self.service = service
        self.wake = Wake(POLL_SECONDS)
        self.trouble: str | None = None
        self._database = database
        self._broker = broker
        self._topic = topic_of(service, broker.prefix)

    async def run(self) -> None:
        """Publish whenever this process leads, until cancelled."""
        await lead(self._database, f"{self.service}.relay", self._publish_while_leading)

    async def _publish_while_leading(self) -> None:
        try:
            await self._publish()
        except BrokerWentBack:
            log.warning("broker went back: sending again", topic=self._topic)
            await self._store_place(await self._gone_back(await self._read_place()))
            raise
        except Exception as error:
            self.trouble = type(error).__name__
            raise

    async def _publish(self) -> None:
        place = await self._meet(await self._read_place())
        producer = AIOKafkaProducer(
            acks="all",
            linger_ms=0,
            max_batch_size=131_072,
            **self._broker.client,
        )
        async with started(producer):
            await self._drain(producer, place)

    async def _drain(self, producer: AIOKafkaProducer, place: Place) -> None:
        checked = stored_at = time.monotonic()
        stored = place
        while True:
            self.wake.clear()
            if time.monotonic() - checked > BROKER_CHECK_SECONDS:
                place = await self._recheck(place)
                checked = time.monotonic()
            rows = await self._after(place.last_id)
            if rows:
                place = await self._send(producer, place, rows)
            if place != stored and (not rows or time.monotonic() - stored_at > STORE_SECONDS):
                stored, stored_at = await self._store_place(place), time.monotonic()
            self.trouble = None
            metrics.LOOP_LAST_SUCCESS.labels(self.service, "relay").set_to_current_time()
            if len(rows) < BATCH:
                await self.wake.wait()

    async def _send(self, producer: AIOKafkaProducer, place: Place, rows: Sequence[asyncpg.Record]) -> Place:
        await failpoints.reach("relay.before_send")
        spans = await send_rows(producer, self._topic, rows)
        await failpoints.reach("relay.after_send")
        return _advanced(place, rows[-1]["id"], spans)

    async def _recheck(self, place: Place) -> Place:
        if await self._broker.cluster_id() != place.cluster_id:
            place = await self._meet(place)
        return await self._take_replay(place)

    async def _meet(self, place: Place) -> Place:
        """Make sure of topics and cluster; on another cluster, go back by the horizon."""
        cluster_id = await self._broker.cluster_id()
        await self._broker.ensure_topics(owned=self._topic)
        known = dict(place.offsets) if place.cluster_id == cluster_id else {}
        await check_tail(self._database, self._broker, self._topic, known)
        if place.cluster_id == cluster_id:
            return place
        if place.cluster_id is not None:
            log.warning("another cluster: sending again", cluster=cluster_id)
            place = await self._gone_back(place)
        return await self._store_place(replace(place, cluster_id=cluster_id, offsets=()))

    async def _gone_back(self, place: Place) -> Place:
        since = datetime.now(UTC) - HORIZON
        first = "select coalesce(min(id), $2::bigint + 1) from history where written_at >= $1 and id <= $2"
        async with self._database.connection() as connection:
            first_id = await connection.fetchval(first, since, place.last_id)
        return replace(place, last_id=first_id - 1, offsets=())

    async def _after(self, last_id: int) -> Sequence[asyncpg.Record]:
        query = "select id, subject, written_at, headers, body from history where id > $1 order by id limit $2"
        async with self._database.connection() as connection:
            return await connection.fetch(query, last_id, BATCH)

    async def _read_place(self) -> Place:
        async with self._database.connection() as connection:
            row = await connection.fetchrow("select last_id, cluster_id, offsets from relay where id = 1")
        if row is None:
            return Place()
        offsets = {int(partition): offset for partition, offset in row["offsets"].items()}
        return Place(row["last_id"], row["cluster_id"], tuple(sorted(offsets.items())))

    async def _take_replay(self, place: Place) -> Place:
        """Go back to where an operator wants everything sent again from, if one does; asked for once."""
        query = (
            "update relay set last_id = least(last_id, replay_from - 1), replay_from = null"
            " where id = 1 and replay_from is not null returning last_id"
        )
        async with self._database.connection() as connection:
            last_id = await connection.fetchval(query)
        return place if last_id is None else replace(place, last_id=last_id)

    async def _store_place(self, place: Place) -> Place:
        query = (
            "insert into relay (id, last_id, cluster_id, offsets) values (1, $1, $2, $3) on conflict (id) do update"
            " set last_id = excluded.last_id, cluster_id = excluded.cluster_id, offsets = excluded.offsets"
        )
        async with self._database.connection() as connection:
            offsets = to_json(dict(place.offsets)).decode()
            await connection.execute(query, place.last_id, place.cluster_id, offsets)
        return place


def _advanced(place: Place, last_id: int, spans: Sequence[Span]) -> Place:
    """
    The place after these acknowledgements.

    Raises:
        BrokerWentBack: an offset is not beyond the last one of its partition.
    """
    offsets = dict(place.offsets)
    for span in spans:
        if span.first <= offsets.get(span.partition, -1):
            raise BrokerWentBack(f"partition {span.partition}: {span.first} after {offsets[span.partition]}")
        offsets[span.partition] = span.last
    return replace(place, last_id=last_id, offsets=tuple(sorted(offsets.items())))
