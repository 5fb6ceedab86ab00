"""The real things that tests stand on: one PostgreSQL and one Kafka broker for the whole run."""

import secrets
from collections.abc import Iterator

import pytest
import structlog

from plaint.local.broker import Broker
from plaint.local.databases import ensure_database
from plaint.local.kafka import Kafka
from plaint.local.postgres import LocalPostgres
from plaint.local.scratch import scratch_folder
from plaint.local.tansu import Tansu


def pytest_addoption(parser):
    parser.addoption(
        "--broker",
        choices=["tansu", "kafka"],
        default="tansu",
        help="what the tests publish to: Tansu, in memory, or Apache Kafka, which also runs the tests marked kafka",
    )


def pytest_collection_modifyitems(config, items):
    if config.getoption("--broker") == "kafka":
        return
    left_out = [item for item in items if item.get_closest_marker("kafka")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def _plain_logs():
    """Without structlog's framed tracebacks, which show every local variable and take a third of a second each."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPostgres]:
    with scratch_folder() as folder, LocalPostgres(folder / "postgres", fast=True) as server:
        yield server
        server.stop("immediate")  # nothing is to be kept


@pytest.fixture(scope="session")
def broker(request) -> Iterator[Broker]:
    if request.config.getoption("--broker") == "tansu":
        with Tansu() as server:
            yield server
    else:
        with scratch_folder() as folder, Kafka(folder / "kafka") as server:
            yield server


def new_database(postgres: LocalPostgres) -> str:
    name, password = f"test_{secrets.token_hex(6)}", secrets.token_urlsafe(16)
    ensure_database(postgres.admin_url, name, name, password)
    return postgres.url(name, name, password)


@pytest.fixture
def database_url(postgres) -> str:
    return new_database(postgres)


@pytest.fixture
def other_database_url(postgres) -> str:
    """Another service's database."""
    return new_database(postgres)


@pytest.fixture(scope="module")
def module_database_url(postgres) -> str:
    return new_database(postgres)


@pytest.fixture
def topic_prefix() -> str:
    return f"t{secrets.token_hex(4)}."
