"""What a command shows: tables and colour at a terminal, plain text elsewhere, or one JSON object per line."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

Item = Mapping[str, Any]
Columns = Mapping[str, Callable[[Item], object]]

COLOURS: Final = {"intake": "cyan", "routing": "magenta", "resolution": "yellow", "followup": "green"}
"""One colour for each service, everywhere."""

# Without a terminal nothing is cut or wrapped: whoever reads it has other tools for that.
_PIPE_WIDTH = 10_000
# Customers' words are shown, and a terminal obeys control characters; the bidirectional ones reorder a whole line.
_OBEYED = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028), " ")
del _OBEYED[ord("\n")]


def harmless(text: str) -> str:
    """Return *text* without characters that a terminal would obey instead of showing."""
    return text.translate(_OBEYED)


class Screen:
    """
    Standard output for results, standard error for progress and errors.

    Args:
        as_json: whether results are JSON objects, one a line, and nothing else is said on standard output.
        out: where results go; standard output by default.
        err: where everything else goes; standard error by default.
    """

    def __init__(self, *, as_json: bool = False, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.as_json = as_json
        self._out = _console(out or sys.stdout)
        self._err = _console(err or sys.stderr)

    @property
    def terminal(self) -> bool:
        """Whether somebody looks at the results as they come."""
        return self._out.is_terminal and not self.as_json

    def say(self, text: str | Text, style: str = "") -> None:
        """Show a sentence to people; say nothing where JSON is wanted."""
        if not self.as_json:
            self._out.print(_shown(text, style), soft_wrap=True)

    def result(self, text: str) -> None:
        """Show *text* as it is, to people and programs alike."""
        self._out.print(_shown(text, ""), soft_wrap=True)

    def item(self, item: Item) -> None:
        """Write one JSON object."""
        # Escaped, so that no reader's decoder and no terminal can be upset.
        self._out.file.write(json.dumps(item, ensure_ascii=not _takes_unicode(self._out.file), default=str) + "\n")
        self._out.file.flush()

    def show(self, items: Iterable[Item], columns: Columns, empty: str) -> None:
        """Show *items* as a table, or *empty* when there is none; as JSON they are shown whole."""
        found = list(items)
        if self.as_json:
            for item in found:
                self.item(item)
        elif found:
            self._out.print(self._table(found, columns))
        else:
            self.say(empty, "dim")

    def _table(self, items: Iterable[Item], columns: Columns) -> Table:
        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for item in items:
            table.add_row(*(_cell(read(item)) for read in columns.values()))
        return table

    def progress(self, text: str) -> None:
        """Tell on standard error what is being done."""
        self._err.print(_shown(text, "dim"), soft_wrap=True)

    def error(self, text: str, detail: str = "") -> None:
        """Tell on standard error what went wrong."""
        self._err.print(_shown(text, "bold red"), soft_wrap=True)
        if detail:
            self._err.print(_shown(detail, "dim"), soft_wrap=True)


def _console(file: TextIO) -> Console:
    width = None if file.isatty() else _PIPE_WIDTH
    # An unusual terminal in a test or a log must not decide about colours: whether it is one does.
    return Console(file=file, width=width, markup=False, highlight=False, emoji=False, no_color=not file.isatty())


def _shown(text: str | Text, style: str) -> Text:
    return text if isinstance(text, Text) else Text(harmless(text), style)


def _cell(value: object) -> Text:
    return value if isinstance(value, Text) else Text(harmless(str(value)))


def _takes_unicode(file: object) -> bool:
    return str(getattr(file, "encoding", "") or "").lower().replace("-", "") == "utf8"
