"""``python -m services.routing serve|migrate|classify``: the only place where routing's settings are built."""

import asyncio
import sys
from typing import Annotated

import typer
import uvloop
from pydantic_core import to_json

import shared.startup  # noqa: F401 - before what is heavy
from services.routing.app import MIGRATIONS, app_of, engine_of, workers_of
from services.routing.classifier import load
from services.routing.settings import RoutingSettings
from services.routing.storage import metadata
from services.routing.worker import LONGEST_TEXT, facts_of
from shared.process import bring_up_to_date, serve_until_stopped

main = typer.Typer(help="分派服务 · The routing service", no_args_is_help=True)


@main.command()
def serve() -> None:
    """Serve until stopped. 启动服务。"""
    settings = RoutingSettings()
    engine = engine_of(settings)
    app, workers = app_of(engine, settings), workers_of(engine, settings)
    uvloop.run(serve_until_stopped(engine, app, settings, workers))


@main.command()
def migrate() -> None:
    """Bring the database up to date. 升级数据库。"""
    asyncio.run(bring_up_to_date(RoutingSettings(), MIGRATIONS, metadata))


@main.command()
def classify(
    text: Annotated[str, typer.Argument(help="投诉正文；- 表示从标准输入读取 · The complaint; - reads standard input")],
) -> None:
    """Classify a text and print what was found as JSON. 判断一段文字的投诉原因，以 JSON 输出。"""
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", errors="replace")
    sys.stdout.buffer.write(to_json(facts_of(load().classify(text[:LONGEST_TEXT])), indent=2) + b"\n")


if __name__ == "__main__":
    main()
