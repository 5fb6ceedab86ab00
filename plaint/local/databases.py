"""Databases with an owner each, on any PostgreSQL server one may administer."""

import base64
import hashlib
import hmac
import secrets

import asyncpg

from plaint.local.asking import ask

# RFC 7677 asks for at least 4096; PostgreSQL's own default.
_SCRAM_ITERATIONS = 4096
# Any constant does, as long as all who create databases and roles on one server take the same.
_CREATION_LOCK = 0x706C61696E74


def ensure_database(admin_url: str, name: str, role: str, password: str) -> None:
    """
    Make sure the database *name* exists and that only *role*, its owner, and administrators may connect to it.

    What exists is kept; the role's password becomes *password*. Neither the statements nor the server's log contain
    it. The role can log in and own its database, and nothing else.

    Args:
        admin_url: A superuser's URL of the server, to any database but *name*.
        name: The database; any text, it is quoted.
        role: The owner; any text, it is quoted.
        password: ASCII, so that its SCRAM form needs no normalisation.

    Raises:
        UnicodeEncodeError: The password is not ASCII.
        asyncpg.PostgresError: The server refused.
        OSError: The server cannot be reached.
    """
    ask(_ensure(admin_url, name, role, scram_verifier(password)))


async def _ensure(admin_url: str, name: str, role: str, verifier: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("select pg_advisory_lock($1)", _CREATION_LOCK)
        await _ensure_role(connection, _quoted(role), role, verifier)
        await _ensure_owned(connection, name, role)
    finally:
        await connection.close()


async def _ensure_role(connection: "asyncpg.Connection[asyncpg.Record]", quoted: str, role: str, verifier: str) -> None:
    if not await connection.fetchval("select true from pg_roles where rolname = $1", role):
        await connection.execute(f"create role {quoted}")
    await connection.execute(
        f"alter role {quoted} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password '{verifier}'"
    )


async def _ensure_owned(connection: "asyncpg.Connection[asyncpg.Record]", name: str, role: str) -> None:
    database, owner = _quoted(name), _quoted(role)
    if not await connection.fetchval("select true from pg_database where datname = $1", name):
        await connection.execute(f"create database {database} owner {owner}")
    await connection.execute(f"alter database {database} owner to {owner}")
    await connection.execute(f"revoke connect, temporary on database {database} from public")


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def scram_verifier(password: str) -> str:
    """Return what PostgreSQL stores for *password* (RFC 5802, SCRAM-SHA-256), with a new salt."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return "SCRAM-SHA-256${}:{}${}:{}".format(_SCRAM_ITERATIONS, *parts)
