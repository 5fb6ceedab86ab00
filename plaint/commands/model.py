"""``plaint model``: learn the classifier's model anew from the committed texts, or measure it."""

from importlib import import_module

import typer

from plaint.trouble import Trouble

model = typer.Typer(no_args_is_help=True)


@model.command()
def train() -> None:
    """Learn the model from the texts, and write it beside them."""
    _run("train")


@model.command()
def evaluate() -> None:
    """Measure the model on the texts by writers it never saw."""
    _run("evaluate")


def _run(command: str) -> None:
    # Learning needs a library that nobody who only runs plaint has to have.
    try:
        import_module("services.routing.classifier.__main__").main([command])
    except ModuleNotFoundError as error:
        raise Trouble("model.needs", library=error.name) from error
