"""``python -m services.followup serve|migrate``: the only place where followup's settings are built."""

import asyncio

import typer
import uvloop

import shared.startup  # noqa: F401 - before what is heavy
from services.followup.app import MIGRATIONS, app_of, engine_of
from services.followup.settings import FollowupSettings
from services.followup.storage import metadata
from shared.process import bring_up_to_date, serve_until_stopped

main = typer.Typer(help="回访服务 · The followup service", no_args_is_help=True)


@main.command()
def serve() -> None:
    """Serve until stopped. 启动服务。"""
    settings = FollowupSettings()
    engine = engine_of(settings)
    uvloop.run(serve_until_stopped(engine, app_of(engine, settings), settings, {}))


@main.command()
def migrate() -> None:
    """Bring the database up to date. 升级数据库。"""
    asyncio.run(bring_up_to_date(FollowupSettings(), MIGRATIONS, metadata))


if __name__ == "__main__":
    main()
