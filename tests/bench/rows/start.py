"""``ready_s``: how long each service takes from the start of its process to the first 200 of ``/readyz``."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from plaint.credentials import Credentials
from plaint.environment import stack_environment
from plaint.local.ports import free_port
from tests.bench.harness import Bar, Bench, Round, Row
from tests.bench.installation import Unequal

NAMES = ("ready_s",)

SERVICES: Final = ("intake", "routing", "resolution", "followup")
FLOOR, TARGET = 1.5, 0.8
ENCODER_SECONDS: Final = 1.5
"""What routing may take beside the others to load its sentence encoder."""
LONGEST_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.005
STOP_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Alone:
    """One service that is to be run by itself: its name, its settings, and a key that opens it."""

    name: str
    environment: Mapping[str, str]
    url: str
    prefix: str
    key: str
    log: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.environment["PLAINT_PORT"])


async def measure(bench: Bench) -> list[Row]:
    """One service after the other, alone, on a database that is up to date; the first start is not counted."""
    return [await _starts_of(bench, service) for service in SERVICES]


async def _starts_of(bench: Bench, name: str) -> Row:
    more = ENCODER_SECONDS if name == "routing" else 0
    bar = Bar(f"ready_s:{name}", "s", FLOOR + more, TARGET + more, "lower")
    rounds: list[Round] = []
    async with alone(bench, name) as service:

        async def start() -> list[tuple[float]]:
            with started(service) as (_, seconds):
                return [(seconds,)]

        await start()
        for number in range(bench.rounds):
            rounds += await bench.take(start)
            bench.say(f"  {bar.name} round {number + 1} of {bench.rounds}: {rounds[-1].product:.2f} s")
    return Row(bar, tuple(rounds))


@asynccontextmanager
async def alone(bench: Bench, name: str) -> AsyncIterator[Alone]:
    """Prepare a service of its own database and topics; the database is dropped at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="plaint-bench-") as folder:
        credentials = Credentials(Path(folder))
        key, prefix, url = credentials.operator_key(), f"b{secrets.token_hex(4)}.", await bench.database(name)
        shared = stack_environment(
            os.environ,
            bootstrap=bench.broker.bootstrap,
            prefix=prefix,
            keys_file=credentials.keys_file,
            extras={"PLAINT_KAFKA__FETCH_WAIT_MS": str(bench.broker.fetch_wait_ms)},
        )
        environment = shared | {"PLAINT_DATABASE_URL": url, "PLAINT_PORT": str(free_port())}
        try:
            yield Alone(name, environment, url, prefix, key, Path(folder) / f"{name}.log")
        finally:
            await bench.drop(url)


@contextmanager
def started(service: Alone) -> Iterator[tuple[int, float]]:
    """
    Run a service until the end of the block; provides its process id, and after how many seconds it was ready.

    Raises:
        Unequal: it ended, or is not ready within a minute.
    """
    command = [sys.executable, "-m", f"services.{service.name}", "serve"]
    with service.log.open("ab") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=dict(service.environment), stdout=output, stderr=output)
        try:
            while not _is_ready(service.port):
                if process.poll() is not None or time.perf_counter() - began > LONGEST_SECONDS:
                    raise Unequal(f"{service.name} did not start: {service.log.read_text()[-2000:]}")
                time.sleep(LOOK_SECONDS)
            yield process.pid, time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


def _is_ready(port: int) -> bool:
    """A socket of its own asks, so that the asking takes next to nothing."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: service\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
