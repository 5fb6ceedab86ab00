"""``python -m services.resolution serve|migrate|diagram``: the only place where resolution's settings are built."""

import asyncio

import typer
import uvloop

import shared.startup  # noqa: F401 - before what is heavy
from services.resolution.app import MIGRATIONS, app_of, engine_of
from services.resolution.domain.diagram import state_diagram
from services.resolution.settings import ResolutionSettings
from services.resolution.storage import metadata
from shared.process import bring_up_to_date, serve_until_stopped

main = typer.Typer(help="处理服务 · The resolution service", no_args_is_help=True)


@main.command()
def serve() -> None:
    """Serve until stopped. 启动服务。"""
    settings = ResolutionSettings()
    engine = engine_of(settings)
    uvloop.run(serve_until_stopped(engine, app_of(engine, settings), settings, {}))


@main.command()
def migrate() -> None:
    """Bring the database up to date. 升级数据库。"""
    asyncio.run(bring_up_to_date(ResolutionSettings(), MIGRATIONS, metadata))


@main.command()
def diagram() -> None:
    """Print the states of a case as a Mermaid diagram. 输出案件状态图（Mermaid）。"""
    typer.echo(state_diagram())


if __name__ == "__main__":
    main()
