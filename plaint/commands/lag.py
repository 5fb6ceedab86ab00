"""``plaint lag`` and ``plaint replay``: how far the services are, and sending history again."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.text import Text

from plaint.client import Client
from plaint.screen import COLOURS, Columns, Item
from plaint.session import chosen, session_of
from plaint.since import moment
from plaint.trouble import FAILED, USAGE, Trouble
from plaint.words import Words


def lag(context: typer.Context) -> None:
    """Show how far each service is; fail where one does not say."""
    session = session_of(context)
    with session.client() as client:
        rows = [_row(client, service) for service in client.services]
    session.screen.show(rows, _columns(session.words), "")
    if any("error" in row for row in rows):
        raise typer.Exit(FAILED)


def _row(client: Client, service: str) -> dict[str, Any]:
    try:
        return {"service": service, **client.get(service, "/v1/admin/lag")}
    except Trouble as trouble:
        return {"service": service, "error": trouble.key, "status": trouble.status}


def _columns(words: Words) -> Columns:
    return {
        words("lag.service"): service_cell,
        words("lag.unsent"): _number(lambda row: int(row["unsent"])),
        words("lag.behind"): _number(lambda row: sum(row["lag"].values())),
        words("lag.waiting"): _number(lambda row: sum(row["waiting"].values())),
        words("lag.state"): lambda row: _state(row, words),
    }


def service_cell(row: Item) -> Text:
    """Return the service's name in its colour."""
    name = str(row["service"])
    return Text(name, COLOURS.get(name, ""))


def _number(read: Callable[[Item], int]) -> Callable[[Item], Text]:
    def cell(row: Item) -> Text:
        count = 0 if "error" in row else read(row)
        return Text("–" if "error" in row else str(count), "yellow" if count else "")

    return cell


def _state(row: Item, words: Words) -> Text:
    if "error" in row:
        return Text(words("lag.unreachable" if row["status"] is None else "lag.refused", status=row["status"]), "red")
    if row["consumer_halted"]:
        return Text(words("lag.halted"), "red")
    if row["relay_trouble"]:
        return Text(words("lag.relay", trouble=row["relay_trouble"]), "red")
    if not row["consumer_joined"]:
        return Text(words("lag.joining"), "yellow")
    return Text(words("lag.well"), "green")


def replay(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="replay.since")],
    service: Annotated[list[str] | None, typer.Option(help="any.service")] = None,
) -> None:
    """Have services publish again what they said since a moment."""
    session = session_of(context)
    start = moment(since)
    if start is None:
        raise Trouble("usage.since", code=USAGE, since=since)
    with session.client() as client:
        for name in chosen(client, service):
            answer = client.request("POST", name, "/v1/admin/replay", json={"since": start.isoformat()})
            if session.screen.as_json:
                session.screen.item({"service": name, **answer})
            session.screen.say(session.words("replay.done", service=name, count=answer["events"]))
