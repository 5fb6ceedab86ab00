"""What is generated from the published language is up to date, complete in both languages, and valid."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from shared.contracts.asyncapi import HEADERS, OPTIONAL_HEADERS, asyncapi_document
from shared.contracts.documents import Meanings, schema_of
from shared.contracts.envelope import Envelope
from shared.contracts.registry import EVENTS, OWNERS, dead_topic_of, topic_of

ROOT = Path(__file__).parents[2]
OFFICIAL = Path(__file__).parent / "asyncapi" / "asyncapi-3.1.0.json"


def contracts(action: str, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shared.contracts", action]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.fixture
def copy(tmp_path):
    """A copy of the contracts that a test may spoil."""
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "shared" / "contracts", tmp_path / "shared" / "contracts", ignore=unwanted)
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=unwanted)
    (tmp_path / "shared" / "__init__.py").touch()
    return tmp_path


def test_the_generated_files_are_up_to_date():
    result = contracts("check")

    assert result.returncode == 0, f"{result.stderr}\nrun: python -m shared.contracts write"


def test_check_names_what_is_out_of_date_and_write_mends_it(copy):
    schema = copy / "shared" / "contracts" / "schemas" / "intake.complaint.linked.v1.json"
    page = copy / "docs" / "events.md"
    kept = page.read_text("utf-8")
    schema.unlink()
    page.write_text(kept.replace("### intake.complaint.linked.v1", ""), encoding="utf-8")

    stale = contracts("check", copy)
    written = contracts("write", copy)

    assert stale.returncode == 1
    assert stale.stderr.splitlines() == [f"out of date: {schema}", f"out of date: {page}"]
    assert written.returncode == 0
    assert page.read_text("utf-8") == kept
    assert contracts("check", copy).returncode == 0


def test_write_refuses_a_change_that_would_break_subscribers(copy):
    stored = copy / "shared" / "contracts" / "schemas" / "intake.complaint.linked.v1.json"
    schema = json.loads(stored.read_text("utf-8"))
    schema["properties"]["once_published"] = {"type": "string"}
    stored.write_text(json.dumps(schema), encoding="utf-8")
    (stored.parent / "intake.complaint.forgotten.v1.json").write_text("{}", encoding="utf-8")

    refused = contracts("write", copy)

    assert refused.returncode == 1
    assert "intake.complaint.linked.v1 once_published: removed" in refused.stderr
    assert "intake.complaint.forgotten.v1 is no longer published" in refused.stderr
    assert "once_published" in stored.read_text("utf-8")


def test_every_type_and_every_field_has_a_chinese_meaning():
    meanings = Meanings()
    for event_type in EVENTS:
        assert meanings.of_type(event_type).zh
        schema = schema_of(event_type)
        shapes = {event_type: schema} | schema.get("$defs", {})
        for owner, shape in shapes.items():
            for field in shape["properties"]:
                assert meanings.of_field(owner, field)


def test_no_chinese_meaning_outlived_its_type():
    assert set(Meanings().types) == set(EVENTS)


def test_the_asyncapi_document_is_valid():
    official = json.loads(OFFICIAL.read_text("utf-8"))

    Draft7Validator(official).validate(asyncapi_document())


def test_the_official_schema_notices_a_broken_document():
    broken = asyncapi_document()
    broken["operations"]["intake.subscribe"]["action"] = "overhear"

    assert not Draft7Validator(json.loads(OFFICIAL.read_text("utf-8"))).is_valid(broken)


def test_every_topic_and_every_type_stands_in_the_asyncapi_document():
    document = asyncapi_document()

    topics = {channel["address"] for channel in document["channels"].values()}
    types = {name for channel in document["channels"].values() for name in channel["messages"]} - {"unreadable"}

    assert topics == {topic_of(owner) for owner in OWNERS} | {dead_topic_of(owner) for owner in OWNERS}
    assert types == set(EVENTS)


def test_every_reference_in_the_asyncapi_document_leads_somewhere():
    document = asyncapi_document()
    references = [line.split('"')[3] for line in json.dumps(document, indent=0).splitlines() if '"$ref"' in line]

    for reference in references:
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]

    assert references


def test_the_documented_headers_are_those_of_the_envelope():
    some_id = UUID(int=7)
    envelope = Envelope(
        id=some_id,
        type="intake.complaint.erased.v1",
        source="intake",
        subject=some_id,
        time=datetime(2026, 3, 2, tzinfo=UTC),
        sequence=12,
        correlation_id=some_id,
        causation_id=some_id,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    page = (ROOT / "docs" / "events.md").read_text("utf-8")
    headers = {name: value.decode() for name, value in envelope.headers()}

    assert list(headers) == list(HEADERS)
    assert set(HEADERS) > OPTIONAL_HEADERS
    Draft202012Validator({"properties": HEADERS, "required": list(HEADERS)}).validate(headers)
    for name in HEADERS:
        assert page.count(f"\n| `{name}` |") == 2
