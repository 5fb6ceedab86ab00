"""The disk that PostgreSQL keeps its tables on is full, and has room again."""

import asyncio
import os
import subprocess
from contextlib import contextmanager, suppress
from http import HTTPStatus

import asyncpg
import pytest
import pytest_asyncio

from plaint.local.postgres import LocalPostgres
from plaint.local.scratch import scratch_folder
from tests.faults.conftest import opened
from tests.faults.evidence import Archive
from tests.faults.scene import Scene
from tests.faults.world import World

DISK_MIB = 96
"""Four databases of 8 MiB and what they grow by."""
NOTICED_SECONDS = 60
"""Tables have some room of their own, and a command waits 10 s for its turn before it fails."""


@contextmanager
def small_disk(folder, owner):
    """A file system of its own in *folder*, as small as a test can fill; only root may make one."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "plaint-faults", folder], check=False)
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        os.chown(folder, owner.st_uid, owner.st_gid)
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def disk_and_postgres():
    """A server whose databases to come are on a small disk; its log of transactions has room elsewhere."""
    with (
        scratch_folder() as folder,
        LocalPostgres(folder / "postgres", fast=True) as server,
        small_disk(folder / "disk", server.data.stat()) as disk,
    ):
        yield disk, server
        server.stop("immediate")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_scene(disk_and_postgres, broker, report):
    disk, postgres = disk_and_postgres
    connection = await asyncpg.connect(postgres.admin_url)
    await connection.execute(f"create tablespace small location '{disk}'")
    await connection.execute("alter database template1 set tablespace small")
    await connection.close()
    with scratch_folder() as folder:
        world = World(folder, postgres, broker)
        async with opened(world) as recorder:
            yield Scene(world, recorder, Archive(world), None, report)


async def test_a_full_disk_is_said_and_outlasted(scene, disk_and_postgres):
    disk, _ = disk_and_postgres
    how = "tables on a tmpfs, filled to the last block until a command fails, and 20 s more"
    async with scene.fault("disk full", how) as course:
        ballast = disk / "ballast"
        async with asyncio.timeout(NOTICED_SECONDS):
            while not course.load.unsure:
                fill(ballast)
                await asyncio.sleep(1)
        await asyncio.sleep(20)
        ballast.unlink()
    failed = {(call.first_status, call.first_kind) for call in course.load.unsure}
    assert failed == {(HTTPStatus.SERVICE_UNAVAILABLE, "application/problem+json")}


def fill(ballast):
    """Take every block that is left."""
    with ballast.open("ab") as file, suppress(OSError):  # somebody else may have been quicker
        while (room := os.statvfs(file.fileno())).f_bavail:
            os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, room.f_bavail * room.f_frsize)
