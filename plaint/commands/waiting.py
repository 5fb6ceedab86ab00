"""``plaint waiting``: the events that cannot be applied, why, and what to do with them."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from plaint.client import Client
from plaint.commands.lag import service_cell
from plaint.complaints import complaint_id
from plaint.running import SERVICES
from plaint.screen import Columns, Item
from plaint.sentences import local_time
from plaint.session import Session, chosen, session_of
from plaint.trouble import FAILED, USAGE, Trouble
from plaint.words import Words

waiting = typer.Typer(no_args_is_help=True)

Complaint = Annotated[str, typer.Argument(help="waiting.complaint", metavar="COMPLAINT")]
Service = Annotated[list[str] | None, typer.Option(help="any.service")]
Source = Annotated[str | None, typer.Option(help="waiting.source")]


@waiting.command("ls")
def list_waiting(context: typer.Context, service: Service = None) -> None:
    """List what waits in all services."""
    session = session_of(context)
    with session.client() as client:
        found = [
            {"service": name, **event}
            for name in chosen(client, service)
            for event in client.pages(name, "/v1/admin/waiting")
        ]
    session.screen.show(found, _columns(session.words), session.words("waiting.none"))


@waiting.command("show")
def show_waiting(context: typer.Context, complaint: Complaint, service: Service = None, source: Source = None) -> None:
    """Show what waits on one complaint."""
    session = session_of(context)
    with session.client() as client:
        found = list(waiting_on(client, str(complaint_id(client, complaint)), chosen(client, service), source))
    session.screen.show(found, _columns(session.words), session.words("waiting.none"))
    for event in found:
        session.screen.say(f"{event['source']}#{event['sequence']} {json.dumps(event['data'], ensure_ascii=False)}")


@waiting.command("retry")
def retry(
    context: typer.Context,
    complaint: Annotated[str | None, typer.Argument(help="waiting.complaint", metavar="COMPLAINT")] = None,
    service: Service = None,
    source: Source = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="waiting.all")] = False,
) -> None:
    """Try again what waits on one complaint, or on all."""
    if (complaint is None) is not everything:
        raise Trouble("waiting.which", code=USAGE)
    if complaint is None:
        _retry_all(session_of(context), service, source)
    else:
        _repair(session_of(context), complaint, service, source, "retry")


@waiting.command("discard")
def discard(
    context: typer.Context,
    complaint: Complaint,
    service: Service = None,
    source: Source = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="waiting.yes")] = False,
) -> None:
    """Skip, for ever, what is next on one complaint."""
    session = session_of(context)
    if not yes:
        raise Trouble("waiting.sure", code=USAGE)
    _repair(session, complaint, service, source, "discard")


def _repair(session: Session, complaint: str, service: list[str] | None, source: str | None, action: str) -> None:
    with session.client() as client:
        subject = str(complaint_id(client, complaint))
        found = waiting_on(client, subject, chosen(client, service), source)
        tracks = dict.fromkeys((event["service"], event["source"]) for event in found)
        if not tracks:
            raise Trouble("waiting.nothing", complaint=complaint)
        outcomes = [_one(client, session, track, subject, action) for track in tracks]
    if any(outcome != "applied" for outcome in outcomes):
        raise typer.Exit(FAILED)


def _retry_all(session: Session, service: list[str] | None, source: str | None) -> None:
    """Try what failed; what waits behind it follows by itself."""
    with session.client() as client:
        tracks = [
            ((name, event["source"]), event["subject"])
            for name in chosen(client, service)
            for event in list(client.pages(name, "/v1/admin/waiting"))
            if event["reason"] == "error" and source in (None, event["source"])
        ]
        outcomes = [_one(client, session, track, subject, "retry") for track, subject in tracks]
    session.screen.say(session.words("waiting.retried", count=outcomes.count("applied"), tried=len(outcomes)))
    if any(outcome != "applied" for outcome in outcomes):
        raise typer.Exit(FAILED)


def _one(client: Client, session: Session, track: tuple[str, str], subject: str, action: str) -> str:
    service, source = track
    answer = client.request("POST", service, f"/v1/admin/waiting/{source}/{subject}/{action}")
    outcome = str(answer["outcome"])
    if session.screen.as_json:
        session.screen.item({"service": service, "source": source, "subject": subject, **answer})
    error = f" ({answer['error']})" if answer.get("error") else ""
    session.screen.say(session.words(f"waiting.{action}.{outcome}", service=service, source=source) + error)
    return outcome


def waiting_on(
    client: Client, subject: str, services: tuple[str, ...], source: str | None = None
) -> Iterator[dict[str, Any]]:
    """Find what waits on one complaint in each of *services*, from *source* alone or from all."""
    for service in services:
        for said_by in (source,) if source else SERVICES:
            for event in client.get(service, f"/v1/admin/waiting/{said_by}/{subject}"):
                yield {"service": service, **event}


def _columns(words: Words) -> Columns:
    return {
        words("waiting.column.service"): service_cell,
        words("waiting.column.subject"): lambda row: row["subject"],
        words("waiting.column.event"): lambda row: f"{row['source']}#{row['sequence']} {row['type']}",
        words("waiting.column.reason"): lambda row: _reason(row, words),
        words("waiting.column.attempts"): lambda row: row["attempts"],
        words("waiting.column.since"): lambda row: local_time(row["first_at"]),
    }


def _reason(row: Item, words: Words) -> str:
    reason = words(f"waiting.reason.{row['reason']}")
    return f"{reason} ({row['error']})" if row.get("error") else reason
