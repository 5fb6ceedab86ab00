"""A scratch copy of the tree in which a mechanism can be taken away, and the tests run in it."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.mechanisms import Edit, Mutation

ROOT = Path(__file__).parents[2]
COPIED = ("services", "shared", "plaint", "tests", "docs", "deploy")
FILES = ("pyproject.toml", "README.md", "CONTRIBUTING.md", "Makefile", "docker-compose.yml")
SECONDS_FOR_ALL, SECONDS_FOR_ONE = 900, 300
"""Longest run of all tests, and of one mutation's."""

_FAILED = re.compile(r"^FAILED (\S+)(.*)", re.MULTILINE)


class DoesNotApply(Exception):
    """The text that a mutation replaces does not stand in its file exactly once."""


@dataclass(frozen=True)
class Run:
    """
    How the tests ended: pytest's exit status, what failed first, how long it took, and the output's end.

    What ran out of time has not failed: it may only have been slow.
    """

    status: int
    failed: str | None
    seconds: float
    output: str


class Tree:
    """The copy; nothing is ever changed in the original."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in FILES:
            shutil.copy(ROOT / name, folder / name)

    def check(self, mutation: Mutation) -> None:
        """
        Make sure that a mutation can be applied.

        Raises:
            DoesNotApply: the code has changed, and the mutation must be written anew.
        """
        for edit in mutation.edits:
            count = (self.folder / edit.file).read_text().count(edit.old) if (self.folder / edit.file).exists() else 0
            if count != 1:
                raise DoesNotApply(f"{mutation.name}: stands {count} times in {edit.file}, rewrite it: {edit.old!r}")

    def mutate(self, edits: Sequence[Edit]) -> None:
        for edit in edits:
            text = (self.folder / edit.file).read_text()
            self._write(edit.file, text.replace(edit.old, edit.new))

    def restore(self, edits: Sequence[Edit], before: dict[str, str]) -> None:
        for edit in edits:
            self._write(edit.file, before[edit.file])

    def texts(self, edits: Sequence[Edit]) -> dict[str, str]:
        return {edit.file: (self.folder / edit.file).read_text() for edit in edits}

    def _write(self, file: str, text: str) -> None:
        path = self.folder / file
        path.write_text(text)
        # Two texts of one length in one second would look the same to the import system.
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)

    def run(self, tests: Sequence[str], *, stop_early: bool) -> Run:
        """Run *tests* with the copy's code first on the path."""
        options = [
            "-q",
            "-rf",
            "-p",
            "no:cacheprovider",
            "--timeout=240",
            "--no-header",
            *(["-x"] if stop_early else []),
        ]
        environment = os.environ | {"PYTHONPATH": str(self.folder), "MODEL_QUICKLY": "yes"}
        limit = SECONDS_FOR_ONE if stop_early else SECONDS_FOR_ALL
        began = time.monotonic()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options, *tests],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Run(-1, None, time.monotonic() - began, f"not done in {limit} s")
        found = _FAILED.search(done.stdout)
        failed = found[1] if found and "pytest-timeout" not in found[2] else None
        return Run(done.returncode, failed, time.monotonic() - began, done.stdout[-3000:])
