"""Topics that somebody copies, and not always well: some records are left out, some come after their successor."""

from collections import Counter

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.contracts.registry import PARTITIONS, topic_of

OWNED = "resolution"
"""The service that lives on the copy: it hears the others there, and is heard by them as it was there."""


class Mirror:
    """
    Copies what others say under *prefix* to ``mirrored``, and what ``OWNED`` says there back.

    On the way there ``drop`` and ``swap`` are shares of the records, by chance: left out, or held back until the
    stream's next one has passed.
    """

    def __init__(self, bootstrap, prefix, chance):
        self.mirrored = f"{prefix}mirrored."
        self.drop = self.swap = 0.0
        self.did = Counter()
        self._bootstrap, self._chance = bootstrap, chance
        self._held = {}
        self._ways = {
            topic_of(source, prefix): topic_of(source, self.mirrored) for source in ("intake", "routing", "followup")
        }
        self._back = topic_of(OWNED, self.mirrored)
        self._ways[self._back] = topic_of(OWNED, prefix)

    async def run(self):
        """Copy until cancelled."""
        options = {"bootstrap_servers": self._bootstrap, "metadata_max_age_ms": 1_000}
        async with (
            AIOKafkaConsumer(**options, enable_auto_commit=False, fetch_max_wait_ms=50) as consumer,
            AIOKafkaProducer(**options, acks="all") as producer,
        ):
            consumer.assign([TopicPartition(topic, number) for topic in self._ways for number in range(PARTITIONS)])
            await consumer.seek_to_beginning()
            while True:
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    for record in records:
                        await self._copy(producer, record)

    async def _copy(self, producer, record):
        passed = [record] if record.topic == self._back else self._treated(record)
        for each in passed:
            await producer.send_and_wait(
                self._ways[each.topic],
                key=each.key,
                value=each.value,
                headers=list(each.headers),
                partition=each.partition,
                timestamp_ms=each.timestamp,
            )

    def _treated(self, record):
        stream = (record.topic, record.key)
        if stream in self._held:
            self.did["swapped"] += 1
            return [record, self._held.pop(stream)]
        fate = self._chance.random()
        if fate < self.drop:
            self.did["dropped"] += 1
            return []
        if fate < self.drop + self.swap:
            self._held[stream] = record
            return []
        return [record]
