"""``python -m services.intake serve|migrate``: the only place where intake's settings are built."""

import asyncio

import typer
import uvloop

import shared.startup  # noqa: F401 - before what is heavy
from services.intake.app import MIGRATIONS, app_of, engine_of, workers_of
from services.intake.settings import IntakeSettings
from services.intake.storage import metadata
from shared.process import bring_up_to_date, serve_until_stopped

main = typer.Typer(help="受理服务 · The intake service", no_args_is_help=True)


@main.command()
def serve() -> None:
    """Serve until stopped. 启动服务。"""
    settings = IntakeSettings()
    engine = engine_of(settings)
    uvloop.run(serve_until_stopped(engine, app_of(engine, settings), settings, workers_of(engine, settings)))


@main.command()
def migrate() -> None:
    """Bring the database up to date. 升级数据库。"""
    asyncio.run(bring_up_to_date(IntakeSettings(), MIGRATIONS, metadata))


if __name__ == "__main__":
    main()
