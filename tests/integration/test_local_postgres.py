"""The database of one's own: who gets in, who does not, and what a restart keeps."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from plaint.local.failure import LocalFailure
from plaint.local.installation import closed_folder
from plaint.local.postgres import LocalPostgres, ensure_database
from plaint.local.scratch import scratch_folder


@pytest.fixture(scope="module")
def server() -> Iterator[LocalPostgres]:
    with scratch_folder() as folder, LocalPostgres(folder / "postgres", fast=True) as server:
        yield server


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_wrong_password_is_refused(server):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(server.url(password="guess"), "select 1")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(server.url(password=""), "select 1")


async def test_no_rule_lets_anyone_in_without_a_password(server):
    methods = await ask(server.admin_url, "select array_agg(distinct auth_method) from pg_hba_file_rules")

    assert methods == ["scram-sha-256"]


async def test_commits_reach_the_disk_although_the_server_is_fast(server):
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await ask(server.admin_url, f"show {setting}") == "on"


async def test_it_listens_on_loopback_and_on_no_socket_file(server):
    assert await ask(server.admin_url, "show listen_addresses") == "127.0.0.1"
    assert await ask(server.admin_url, "show unix_socket_directories") == ""


def test_its_data_and_its_password_are_closed_to_others(server):
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    for name in ("password", "postgres.log"):
        assert stat.S_IMODE((server.data / name).stat().st_mode) == 0o600


async def test_errors_in_its_log_quote_no_rows(server):
    connection = await asyncpg.connect(server.admin_url)
    await connection.execute("create temporary table callers (phone text primary key)")
    await connection.execute("insert into callers values ($1)", "+86 139 0000 0000")
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("insert into callers values ($1)", "+86 139 0000 0000")
    await connection.close()

    log = server.log.read_text()
    assert "callers_pkey" in log
    assert "139 0000" not in log


async def test_ensuring_a_database_twice_keeps_it_and_renews_the_password(server):
    ensure_database(server.admin_url, "orders", "orders_owner", "first")
    await ask(server.url("orders", "orders_owner", "first"), "create table kept (id int)")

    ensure_database(server.admin_url, "orders", "orders_owner", "second")

    assert await ask(server.url("orders", "orders_owner", "second"), "select count(*) from kept") == 0
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(server.url("orders", "orders_owner", "first"), "select 1")
    assert not await ask(server.admin_url, "select rolsuper from pg_roles where rolname = 'orders_owner'")


async def test_a_role_cannot_connect_to_the_database_of_another(server):
    ensure_database(server.admin_url, "north", "north_owner", "n")
    ensure_database(server.admin_url, "south", "south_owner", "s")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(server.url("south", "north_owner", "n"), "select 1")


async def test_names_are_quoted(server):
    ensure_database(server.admin_url, 'odd "name"; 投诉', 'odd "role"', "p:/@%")

    assert await ask(server.url('odd "name"; 投诉', 'odd "role"', "p:/@%"), "select current_user") == 'odd "role"'


async def test_starting_twice_changes_nothing(server):
    before = await ask(server.admin_url, "select pg_postmaster_start_time()")

    server.start()

    assert await ask(server.admin_url, "select pg_postmaster_start_time()") == before


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_restart_keeps_the_data(server, end):
    await ask(server.admin_url, "drop table if exists kept")
    await ask(server.admin_url, "create table kept as select 7 as n")
    heard: list[str] = []

    getattr(server, end)()
    assert not server.alive
    server.start(heard.append)

    assert heard == ["postgres.start"]
    assert await ask(server.admin_url, "select n from kept") == 7


async def test_a_stale_process_id_that_now_belongs_to_another_program_does_not_hinder_the_start(server):
    server.stop()
    (server.data / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n/elsewhere\n0\n1\n\n127.0.0.1\n\nready\n")

    server.start()

    assert await ask(server.admin_url, "select 1") == 1


def test_a_server_on_data_in_use_says_so(server, monkeypatch):
    monkeypatch.setattr("plaint.local.postgres._PREDECESSOR_SECONDS", 0.1)

    with pytest.raises(LocalFailure, match="already serves") as caught:
        LocalPostgres(server.data).start()

    assert caught.value.key == "postgres.in_use"
    assert server.alive


def test_a_server_that_dies_at_start_tells_why(server):
    with scratch_folder() as folder, pytest.raises(LocalFailure, match="could not bind") as caught:
        LocalPostgres(folder / "postgres", port=server.port, fast=True).start()

    assert caught.value.key == "postgres.died"
    assert "could not bind" in caught.value.log_tail


def test_the_folder_that_keeps_an_account_out_is_named(tmp_path: Path):
    tmp_path.chmod(0o700)
    stranger = (os.geteuid() + 1, os.getegid() + 1)

    assert closed_folder(tmp_path / "data", stranger) in {tmp_path, *tmp_path.parents}
    with scratch_folder() as folder:
        assert closed_folder(folder / "data", stranger) is None
