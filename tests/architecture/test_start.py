"""A service starts with what serving needs: whatever else it imports costs time at every start, and memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

NOT_FOR_SERVING = [
    "alembic",
    "mako",
    "rich",
    "attr",
    "sqlalchemy.orm",
    "opentelemetry.sdk",
    "httpx",
    "holidays.countries.afghanistan",
    "fastapi.testclient",
    "shared.contracts.documents",
    "shared.contracts.asyncapi",
    "shared.runtime.migrate",
    "shared.runtime.memory",
    "shared.testing",
    "plaint",
]
COMPOSED = """
import sys
import services.{name}.__main__ as command
from services.{name}.settings import {class_name}
settings = {class_name}(database_url="postgresql://nobody:nothing@127.0.0.1/none")
command.app_of(command.engine_of(settings), settings)
print(*sys.modules)
"""


@pytest.fixture(scope="module", params=["intake", "routing", "resolution", "followup"])
def imported(request):
    """What a service has imported once it is put together, in a process of its own."""
    program = COMPOSED.format(name=request.param, class_name=f"{request.param.title()}Settings")
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=os.environ, capture_output=True, check=True)
    return set(run.stdout.decode().split())


def test_a_service_imports_nothing_that_serving_does_not_need(imported):
    assert "fastapi" in imported
    assert imported.isdisjoint(NOT_FOR_SERVING), sorted(imported.intersection(NOT_FOR_SERVING))


def test_a_services_modules_stay_as_they_are_for_whoever_imports_more(imported):
    assert "structlog" in imported
    assert "holidays.countries" not in imported
