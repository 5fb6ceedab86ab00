"""Apache Kafka itself, one node that is broker and controller (KRaft), run by the machine's Java."""

import os
import signal
import subprocess
from pathlib import Path

from plaint.local.cluster import new_cluster_id, takes_records
from plaint.local.failure import LocalFailure
from plaint.local.kafka_jars import KAFKA_VERSION, java, kafka_jars
from plaint.local.locks import locked, wait_unlocked
from plaint.local.ports import free_port
from plaint.local.processes import ServiceProcess, Tell, silent
from plaint.local.stand_in import StandIn

_LOGGING = Path(__file__).with_name("log4j2.properties")
# Small, and quick to start rather than quick in the long run: 350 MB resident, writable after 3 s.
_JVM = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.awt.headless=true"]
_START_SECONDS = 60.0
_NON_ASCII = 0x80
# A broker whose starter was killed stops by itself; the next start on its data waits for that.
_PREDECESSOR_SECONDS = 10.0

_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    # A topic with a wrong number of partitions is worse than none.
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    # A crashed broker's registration must lapse before it may come back: 4 s instead of 9.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "4000",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}


class Kafka(StandIn):
    """
    A broker that keeps its records in *data* over restarts, its cluster id with them.

    Args:
        data: The folder for its log segments, settings and log file.
        port: The loopback port for clients; a free one when none is given.
    """

    label = f"Apache Kafka {KAFKA_VERSION}"
    durable = True

    def __init__(self, data: Path, port: int | None = None) -> None:
        self.data = data.resolve()
        self.port = port or free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.cluster_id = ""
        self.log = self.data / "kafka.log"
        self._segments = self.data / "segments"
        self._settings = self.data / "server.properties"

    def start(self, tell: Tell = silent) -> None:
        """
        Start the broker, after fetching and formatting where that is still to do, and wait until it takes records.

        Does nothing while it runs. After ``kill`` it takes about 6 s: the old registration must lapse first.

        Raises:
            LocalFailure: Java or Maven is missing, the fetch failed, *data* is in use, or the broker died or was not
                ready in 60 s.
        """
        if self.alive:
            return
        program = [java(), *_JVM, f"-Dlog4j2.configurationFile={_LOGGING}", "-cp", f"{kafka_jars(tell)}/*"]
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o700)
        with locked(self.data / "lock"):
            self._prepare(program, tell)
            self._process = self._broker(program)
            self._process.start(tell)
            self._process.wait_until(lambda: takes_records(self.port, self.cluster_id), _START_SECONDS)

    def _prepare(self, program: list[str], tell: Tell) -> None:
        if not wait_unlocked(self._segments / ".lock", _PREDECESSOR_SECONDS):
            raise LocalFailure("kafka.in_use", f"another Kafka already uses {self.data}")
        # The controller's port is of nobody's interest, so each start takes one that is free now.
        self._settings.write_text(_properties(self.port, free_port(), self._segments))
        if not self._meta.exists():
            tell("kafka.format")
            _format(program, self._settings)
        self.cluster_id = _cluster_id(self._meta)

    @property
    def _meta(self) -> Path:
        # Formatting writes this file last.
        return self._segments / "meta.properties"

    def _broker(self, program: list[str]) -> ServiceProcess:
        command = [*program, "kafka.Kafka", str(self._settings)]
        # An orphan gets SIGTERM, not SIGKILL: after a crash the next start takes 6 s instead of 2.
        return ServiceProcess("kafka", command, _environment(), self.log, orphan_signal=signal.SIGTERM)


def _properties(port: int, controller_port: int, segments: Path) -> str:
    listener = f"PLAINTEXT://127.0.0.1:{port}"
    settings = _SETTINGS | {
        "listeners": f"{listener},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": listener,
        # A fixed voter, since a `--standalone` one keeps the controller's first port in its data for ever.
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": str(segments),
    }
    return "".join(f"{name}={_escaped(value)}\n" for name, value in settings.items())


def _escaped(value: str) -> str:
    # Java reads property files as Latin 1; everything else is written as UTF-16 units.
    units = memoryview(value.encode("utf-16-le", "surrogatepass")).cast("H")
    return "".join(chr(unit) if unit < _NON_ASCII else f"\\u{unit:04x}" for unit in units)


def _environment() -> dict[str, str]:
    # Without a UTF-8 locale Java cannot open a path with, say, Chinese characters.
    return os.environ | {"LC_ALL": "C.UTF-8"}


def _format(program: list[str], settings: Path) -> None:
    command = [*program, "kafka.tools.StorageTool", "format", "-t", new_cluster_id(), "-c", str(settings)]
    done = subprocess.run(  # noqa: S603 - our own arguments
        command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=_environment(), umask=0o077
    )
    if done.returncode:
        raise LocalFailure("kafka.format_failed", "Kafka could not format its data folder", done.stderr[-2000:])


def _cluster_id(meta: Path) -> str:
    lines = meta.read_text().splitlines()
    return next(line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id="))
