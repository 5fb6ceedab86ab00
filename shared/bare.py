"""Importing one module of a library without everything else that its package imports for convenience."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType


@contextmanager
def bare(package: str) -> Iterator[None]:
    """
    Import modules of *package* within the block without running the package's own ``__init__``.

    Whoever imports the package itself later gets it whole, with the modules that are there already.
    """
    if package in sys.modules:
        yield
        return
    parent, _, name = package.rpartition(".")
    spec = find_spec(parent)
    if spec is None:
        raise ModuleNotFoundError(parent)
    empty = ModuleType(package)
    empty.__path__ = [f"{folder}/{name}" for folder in spec.submodule_search_locations or ()]
    sys.modules[package] = empty
    try:
        yield
    finally:
        del sys.modules[package]
