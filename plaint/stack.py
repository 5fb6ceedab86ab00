"""A whole installation on this machine: PostgreSQL, a Kafka broker and the four services, started and kept running."""

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import httpx

from plaint.credentials import Credentials
from plaint.environment import stack_environment
from plaint.local.databases import ensure_database
from plaint.local.kafka import Kafka
from plaint.local.ports import free_port
from plaint.local.postgres import LocalPostgres
from plaint.local.processes import ServiceProcess, Tell, silent
from plaint.local.scratch import scratch_folder
from plaint.local.tansu import Tansu
from plaint.running import SERVICES, Installation, make_data_folder
from plaint.supervisor import Supervisor

BrokerKind = Literal["tansu", "kafka"]

# Twelve times what a start takes on two busy cores; whoever needs longer hangs.
_READY_SECONDS = 90.0
# What is in flight may take its grace of 10 s (shared.process), and the process a little to leave.
_STOP_SECONDS = 15.0


class Stack:
    """
    Everything a complaint needs, on the loopback address; as a context manager it runs for the length of the block.

    Whatever dies is started again. What is kept in *data* (the databases, Apache Kafka's records, keys, logs) is there
    at the next start; Tansu's records are not, and the services publish them again from their histories.

    Args:
        data: the folder to keep everything in; without one, a temporary folder that goes with the stack.
        broker: ``tansu`` (in memory, at once there) or ``kafka`` (Apache Kafka, needs Java and, once, Maven).
        services: which of the four to start.
        ports: on which port each service, and ``kafka``, the broker, listens; free ones for those not named.
        prefix: stands before every topic.
        environment: settings for all services, such as ``PLAINT_CALLBACK_DELAY``; only here a demo's clock may be set.
        tell: hears progress from several threads, as keys: ``postgres.start``, ``intake.start``, ``intake.ready``,
            ``tansu.again`` …
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        broker: BrokerKind = "tansu",
        services: Sequence[str] = SERVICES,
        ports: Mapping[str, int] | None = None,
        prefix: str = "",
        environment: Mapping[str, str] | None = None,
        tell: Tell = silent,
    ) -> None:
        self._wanted = data
        self._kind = broker
        self._broker_port = (ports or {}).get("kafka")
        self._prefix = prefix
        self._extras = dict(environment or {})
        self._tell = tell
        self._ports = {name: (ports or {}).get(name) or free_port() for name in services}
        self._undo = ExitStack()
        self._ending = threading.Event()
        self.processes: dict[str, ServiceProcess] = {}

    def start(self) -> Installation:
        """
        Start everything at the same time and wait until every service is ready and reads its topics.

        Raises:
            LocalFailure: something is not installed, died, or was not ready in time; then nothing is left running.
        """
        self._ending.clear()
        try:
            self._prepare()
            self._undo.callback(self._stop_processes)
            self._start_together()
            self._undo.callback(self._supervisor().stop)
        except BaseException:
            self.stop()
            raise
        return self.installation

    def _prepare(self) -> None:
        self.data = self._folder()
        self._credentials = Credentials(self.data)
        key = self._credentials.operator_key()
        self._passwords = self._credentials.passwords(tuple(self._ports))
        self.postgres = LocalPostgres(self.data / "postgres", fast=True)
        self.broker = self._new_broker()
        self.installation = Installation(
            urls={name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()},
            bootstrap=self.broker.bootstrap,
            prefix=self._prefix,
            key=key,
            key_file=self._credentials.key_file,
            keys_file=self._credentials.keys_file,
            broker=self.broker.label,
            data=self.data,
            pid=os.getpid(),
        )

    def _folder(self) -> Path:
        if self._wanted is None:
            return self._undo.enter_context(scratch_folder())
        make_data_folder(self._wanted)
        return self._wanted.resolve()

    def _new_broker(self) -> Tansu | Kafka:
        return Tansu(self._broker_port) if self._kind == "tansu" else Kafka(self.data / "kafka", self._broker_port)

    def _start_together(self) -> None:
        with ThreadPoolExecutor(len(self._ports) + 2) as threads:
            starting = [threads.submit(self._start_databases), threads.submit(self.broker.start, self._tell)]
            starting += [threads.submit(self._start_service, name) for name in self._ports]
            try:
                for done in as_completed(starting):
                    done.result()
            except BaseException:
                # The others wait for what will not come; without their processes they give up.
                self._ending.set()
                self._stop_processes()
                raise

    def _start_databases(self) -> None:
        self.postgres.start(self._tell)
        for name, password in self._passwords.items():
            ensure_database(self.postgres.admin_url, _role(name), _role(name), password)

    def _start_service(self, name: str) -> None:
        process = self.processes[name] = self._process(name)
        process.start(self._tell)
        url = self.installation.urls[name]
        process.wait_ready(f"{url}/readyz", _READY_SECONDS)
        with httpx.Client(headers={"Authorization": f"Bearer {self.installation.key}"}, trust_env=False) as client:
            process.wait_until(lambda: _reads_its_topics(client, url), _READY_SECONDS)
        self._tell(f"{name}.ready")

    def _process(self, name: str) -> ServiceProcess:
        shared = stack_environment(
            os.environ,
            bootstrap=self.broker.bootstrap,
            prefix=self._prefix,
            keys_file=self._credentials.keys_file,
            extras=self._broker_settings() | self._extras,
        )
        own = {
            "PLAINT_DATABASE_URL": self.postgres.url(_role(name), _role(name), self._passwords[name]),
            "PLAINT_HOST": "127.0.0.1",
            "PLAINT_PORT": str(self._ports[name]),
        }
        # -P: a folder called `services` in the user's working folder is none of ours.
        command = [sys.executable, "-P", "-m", "plaint.launch", name]
        return ServiceProcess(name, command, shared | own, self.data / "logs" / f"{name}.log")

    def _broker_settings(self) -> dict[str, str]:
        # Tansu holds an empty fetch for half its time even when a record comes (measured: 25 ms costs 5 to 15).
        return {"PLAINT_KAFKA__FETCH_WAIT_MS": "25"} if self._kind == "tansu" else {}

    def _supervisor(self) -> Supervisor:
        supervisor = Supervisor({"postgres": self.postgres, self._kind: self.broker, **self.processes}, self._tell)
        supervisor.start()
        return supervisor

    def stop(self) -> None:
        """Stop everything, what was started last first; do nothing when nothing runs."""
        self._ending.set()
        self._undo.close()

    def _stop_processes(self) -> None:
        with ThreadPoolExecutor(len(self._ports) + 2) as threads:
            # The services together, while what they need is still there.
            list(threads.map(lambda process: process.stop(_STOP_SECONDS), list(self.processes.values())))
            list(threads.map(lambda part: part.stop(), (self.broker, self.postgres)))

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


def _role(service: str) -> str:
    """The name of the service's database and of the role that owns it."""
    return f"plaint_{service}"


def _reads_its_topics(client: httpx.Client, url: str) -> bool:
    try:
        answer = client.get(f"{url}/v1/admin/lag")
        return answer.is_success and bool(answer.json()["consumer_joined"])
    except httpx.TransportError:
        return False
