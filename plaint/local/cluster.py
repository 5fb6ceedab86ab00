"""Which Kafka cluster answers at an address, and whether it is ready."""

import base64
import uuid

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from plaint.local.asking import ask
from plaint.local.ports import is_listening


def new_cluster_id() -> str:
    """Return an id as Kafka makes them: 16 random bytes in URL-safe base 64, never read as an option."""
    made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return new_cluster_id() if made.startswith("-") else made


def takes_records(port: int, cluster_id: str) -> bool:
    """
    Tell whether the cluster *cluster_id*, and no other, listens on this loopback port and can be written to.

    Until the controller has let the broker in, metadata names no broker and nothing can be written.
    """
    # The port first: aiokafka logs an error for each connection that is refused.
    return is_listening(port) and ask(_takes_records(f"127.0.0.1:{port}", cluster_id))


async def _takes_records(bootstrap: str, cluster_id: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        return bool(cluster["brokers"]) and cluster["cluster_id"] == cluster_id
    except KafkaError:
        return False
    finally:
        await admin.close()
