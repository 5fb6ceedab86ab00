"""
Faults: break something under load, heal it, and see whether everything holds.

Always on Apache Kafka. A module is a world: its tests share four databases and four processes, and leave them whole.
"""

import gc
import logging
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from plaint.local.kafka import Kafka
from plaint.local.scratch import scratch_folder
from tests.faults.evidence import Archive
from tests.faults.nemesis import chance_of
from tests.faults.recorder import Recorder
from tests.faults.report import Report, kept_logs
from tests.faults.scene import Scene
from tests.faults.world import World

TEST_SECONDS = 600


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=20261118, help="chooses the moments of the faults")
    parser.addoption("--rate", type=float, default=10, help="complaints a second")
    parser.addoption("--quick", action="store_true", help="only the faults marked quick, and those shorter")


def pytest_configure(config):
    config.addinivalue_line("markers", "quick: a fault that belongs to the short run")
    # Connections are cut under the clients of the tests too, and some of those say so only when they are collected.
    config.addinivalue_line("filterwarnings", "ignore::ResourceWarning")
    config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    config.stash[REPORT] = Report(
        config.getoption("--seed"), config.getoption("--rate"), quick=config.getoption("--quick")
    )


REPORT = pytest.StashKey()


def pytest_report_header(config):
    return f"faults: --seed {config.getoption('--seed')}"


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if config.getoption("--quick") and not item.get_closest_marker("quick")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)
        item.add_marker(pytest.mark.timeout(TEST_SECONDS))


def pytest_terminal_summary(terminalreporter, config):
    report = config.stash[REPORT]
    if report.rows:
        terminalreporter.section(f"faults, seed {report.seed}")
        for line in report.lines():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def broker():
    with scratch_folder() as folder, Kafka(folder / "kafka") as server:
        yield server
        server.kill()  # nothing is to be kept


@pytest.fixture(scope="session")
def report(request):
    return request.config.stash[REPORT]


@asynccontextmanager
async def opened(world):
    """The world running, and its recorder."""
    recorder = Recorder(world.broker.bootstrap, world.prefix)
    try:
        await world.start()
        recorder.start()
        try:
            yield recorder
        finally:
            await recorder.stop()
    finally:
        await world.stop()
        kept_logs(world)
        gc.collect()  # while warnings about what was cut are still ignored


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_scene(postgres, broker, report):
    with scratch_folder() as folder:
        world = World(folder, postgres, broker)
        async with opened(world) as recorder:
            yield Scene(world, recorder, Archive(world), None, report)


@pytest.fixture
def scene(request, shared_scene):
    """The module's world, with this test's own chance."""
    shared_scene.chance = chance_of(request.config.getoption("--seed"), request.node.name)
    return shared_scene


@pytest.fixture
def world(scene):
    return scene.world
