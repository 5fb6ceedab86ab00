"""``plaint key``: who may call the services."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from plaint.running import stack_in
from plaint.session import Session, session_of
from plaint.trouble import USAGE, Trouble

key = typer.Typer(no_args_is_help=True)


@key.command("issue")
def issue(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="key.id", metavar="ID")],
    scope: Annotated[list[str], typer.Option(help="key.scope")],
    days: Annotated[int | None, typer.Option(help="key.days", min=1)] = None,
    file: Annotated[Path | None, typer.Option(help="key.file")] = None,
    *,
    replace: Annotated[bool, typer.Option("--replace", help="key.replace")] = False,
) -> None:
    """Make a new key, add its hash to the file, and show it this once."""
    # The services' key module brings their web framework along.
    from plaint.credentials import SCOPES, write_private  # noqa: PLC0415
    from shared.api.keys import issue_key  # noqa: PLC0415

    session = session_of(context)
    if unknown := [each for each in scope if each not in SCOPES]:
        raise Trouble("key.unknown_scope", code=USAGE, scope=unknown[0], known=" ".join(SCOPES))
    path = file or _keys_file(session)
    known = _known(path)
    if name in known and not replace:
        raise Trouble("key.exists", name=name, file=path)
    try:
        text, record = issue_key(name, scope, datetime.now(UTC) + timedelta(days=days) if days else None)
    except ValueError as error:
        raise Trouble("key.bad_id", code=USAGE, name=name) from error
    entry = {name: kept.model_dump(mode="json", exclude_none=True) for name, kept in record.items()}
    write_private(path, json.dumps(known | entry, indent=2) + "\n")
    _hand_over(session, name, text, path)


@key.command("revoke")
def revoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="key.id", metavar="ID")],
    file: Annotated[Path | None, typer.Option(help="key.file")] = None,
) -> None:
    """Take a key out of the file, so that it opens nothing any more."""
    from plaint.credentials import write_private  # noqa: PLC0415 - brings the services' web framework along

    session = session_of(context)
    path = file or _keys_file(session)
    known = _known(path)
    if name not in known:
        raise Trouble("key.unknown", name=name, file=path)
    left = {other: record for other, record in known.items() if other != name}
    write_private(path, json.dumps(left, indent=2) + "\n")
    session.screen.progress(session.words("key.revoked", name=name, file=path))


def _keys_file(session: Session) -> Path:
    if named := os.environ.get("PLAINT_KEYS_FILE"):
        return Path(named)
    found = stack_in(session.data)
    if found is None or found.keys_file is None:
        raise Trouble("key.no_file", code=USAGE)
    return found.keys_file


def _known(path: Path) -> dict[str, object]:
    try:
        known = json.loads(path.read_text()) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise Trouble("key.unreadable", file=path) from error
    if not isinstance(known, dict):
        raise Trouble("key.unreadable", file=path)
    return known


def _hand_over(session: Session, name: str, text: str, path: Path) -> None:
    if session.screen.as_json:
        session.screen.item({"id": name, "key": text, "file": path})
        return
    session.screen.result(text)
    session.screen.progress(session.words("key.issued", name=name, file=path))
