"""Follow what the four services say (needs aiokafka): python subscriber.py --group my-system."""

import argparse
import asyncio
import signal
import sys

from aiokafka import AIOKafkaConsumer, ConsumerRecord

seen: dict[tuple[str, str], int] = {}  # keep it in your database, written together with what you make of an event


def handle(record: ConsumerRecord) -> None:
    """Print an event once, and say so when earlier ones of its stream are missing."""
    envelope = {name: value.decode() for name, value in record.headers if name.startswith("ce_")}
    stream, sequence = (envelope["ce_source"], envelope["ce_subject"]), int(envelope["ce_sequence"])
    last = seen.get(stream, sequence - 1)
    if sequence > last:  # anything else is a duplicate
        gap = "" if sequence == last + 1 else f" gap after #{last}"
        print(envelope["ce_time"], envelope["ce_type"], *stream, f"#{sequence}{gap}", record.value.decode(), flush=True)
        seen[stream] = sequence


async def follow(options: argparse.Namespace) -> None:
    """Handle every record from where the group left off, and commit after handling."""
    topics = [f"{options.prefix}complaints.{owner}" for owner in ("intake", "routing", "resolution", "followup")]
    settings = {"bootstrap_servers": options.bootstrap, "group_id": options.group, "enable_auto_commit": False}
    async with AIOKafkaConsumer(*topics, **settings, auto_offset_reset="earliest") as consumer:
        for _ in range(options.limit):
            handle(await consumer.getone())
            await consumer.commit()


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--bootstrap", default="127.0.0.1:9092")
parser.add_argument("--prefix", default="", help="what stands before each topic")
parser.add_argument("--group", default="my-group")
parser.add_argument("--limit", type=int, default=sys.maxsize, help="stop after so many records")
signal.signal(signal.SIGINT, signal.SIG_DFL)  # stop at once: an event that was not committed comes again
asyncio.run(follow(parser.parse_args()))
