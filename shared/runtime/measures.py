"""What only the database and the parts themselves can tell, put into the metrics every few seconds."""

from shared.contracts.registry import EVENTS, owner_of
from shared.runtime import reads
from shared.runtime.consumer import Consumer
from shared.runtime.database import Database
from shared.runtime.relay import Relay
from shared.runtime.tail import HistoryBehindTopic
from shared.telemetry import metrics


class Measures:
    """
    The slow gauges of one service.

    They are read from the database and not kept by the loops they are about: a relay that cannot reach Kafka cannot
    tell how old its oldest event is. Every replica shows the same numbers.
    """

    def __init__(self, service: str, database: Database) -> None:
        self._service = service
        self._database = database
        self._counted: int | None = None
        for event_type in EVENTS:
            if owner_of(event_type) == service:
                # From nothing on: of a count that begins with its first event no rate shows that one.
                metrics.EVENTS_SAID.labels(service, event_type)
        metrics.POOL_SIZE.labels(service).set(database.pool_size)
        metrics.POOL_IN_USE.labels(service).set_function(database.connections_lent)

    async def take(self, consumer: Consumer, relay: Relay) -> None:
        """Bring all of them up to date."""
        behind = relay.trouble == HistoryBehindTopic.__name__
        metrics.STOPPED.labels(self._service, "consumer").set(consumer.halted)
        metrics.STOPPED.labels(self._service, "relay").set(behind)
        counts = await reads.waiting_counts(self._database)
        for reason in ("gap", "behind", "error"):
            metrics.WAITING.labels(self._service, reason).set(counts.get(reason, 0))
        await self._relay()
        await self._events()
        metrics.LOOP_LAST_SUCCESS.labels(self._service, "housekeeping").set_to_current_time()

    async def _relay(self) -> None:
        query = (
            "select count(*) as unsent, extract(epoch from clock_timestamp() - min(written_at)) as age from"
            " (select written_at from history where id > coalesce((select last_id from relay where id = 1), 0)"
            " limit 100000) h"
        )
        async with self._database.connection() as connection:
            row = await connection.fetchrow(query)
        if row is not None:
            metrics.RELAY_UNSENT.labels(self._service).set(row["unsent"])
            metrics.RELAY_AGE_SECONDS.labels(self._service).set(row["age"] or 0)

    async def _events(self) -> None:
        """Count what was said since the last look; ids become visible in order, so none is missed."""
        async with self._database.connection() as connection:
            if self._counted is None:
                self._counted = await connection.fetchval("select coalesce(max(id), 0) from history")
            query = "select type, count(*) as count, max(id) as last from history where id > $1 group by type"
            rows = await connection.fetch(query, self._counted)
        for row in rows:
            metrics.EVENTS_SAID.labels(self._service, row["type"]).inc(row["count"])
            self._counted = max(self._counted, row["last"])
