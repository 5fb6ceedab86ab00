"""
Write what is generated from the published language, or check that it is up to date.

``python -m shared.contracts write`` refuses a change that would break records or subscribers;
``python -m shared.contracts check`` names every file that is out of date and exits with 1.
"""

import argparse
import sys
from pathlib import Path

from shared.contracts import asyncapi, documents
from shared.contracts.registry import EVENTS

_DOCS = documents.CONTRACTS.parents[1] / "docs"
_ADVICE = "Give it a new type, .v2. Only a type that nobody was told of may change: delete its schema file first.\n"


def main(arguments: list[str] | None = None) -> int:
    """Do what *arguments* ask; answer the exit status."""
    parser = argparse.ArgumentParser(prog="python -m shared.contracts", description=__doc__)
    parser.add_argument("action", choices=("write", "check"))
    return {"write": write, "check": check}[parser.parse_args(arguments).action]()


def write() -> int:
    """Bring every generated file up to date, unless a type changed incompatibly."""
    if broken := breaking_changes():
        sys.stderr.write("\n".join(broken) + "\n" + _ADVICE)
        return 1
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return 0


def check() -> int:
    """Name the generated files that are missing or differ from what would be written."""
    stale = [path for path, text in generated().items() if not path.exists() or path.read_text("utf-8") != text]
    sys.stderr.writelines(f"out of date: {path}\n" for path in stale)
    return 1 if stale else 0


def breaking_changes() -> list[str]:
    """Name every incompatible change since the committed schemas, a type that is gone among them."""
    return [
        f"{event_type} {change}"
        for event_type, stored in documents.stored_schemas().items()
        for change in _changes_of(event_type, stored)
    ]


def _changes_of(event_type: str, stored: documents.Json) -> list[str]:
    if event_type not in EVENTS:
        return ["is no longer published"]
    return documents.incompatibilities(stored, documents.schema_of(event_type))


def generated() -> dict[Path, str]:
    """Every generated file with the text that belongs in it today."""
    page = _DOCS / "events.md"
    schemas = {
        documents.SCHEMAS / f"{event_type}.json": documents.as_text(documents.schema_of(event_type))
        for event_type in EVENTS
    }
    return {
        **schemas,
        _DOCS / "asyncapi.json": documents.as_text(asyncapi.asyncapi_document()),
        page: documents.reference_page(page.read_text("utf-8")),
    }


if __name__ == "__main__":
    sys.exit(main())
