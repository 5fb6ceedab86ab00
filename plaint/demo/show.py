"""What one sees of the demo: progress, one line per stage, and what came of it all."""

import sys
import time
from pathlib import Path
from typing import Final

from rich.cells import set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from plaint.demo.board import Board, Part
from plaint.demo.hearing import Heard
from plaint.language import Language
from plaint.running import Installation
from plaint.screen import COLOURS, harmless
from plaint.sentences import sentence, term
from plaint.words import Words, catalogue

STAGES: Final = frozenset(
    {
        *("intake.complaint.received", "intake.message.received", "intake.complaint.linked", "intake.contact.recorded"),
        *("routing.complaint.classified", "routing.triage.requested", "routing.classification.corrected"),
        *("routing.complaint.routed", "resolution.case.opened", "resolution.case.answered", "resolution.case.resolved"),
        *("resolution.case.closed", "resolution.case.reopened", "resolution.case.escalated"),
        *("resolution.deadline.missed", "resolution.promise.made", "resolution.promise.kept"),
        *("resolution.promise.broken", "followup.callback.scheduled", "followup.satisfaction.recorded"),
    }
)
"""The events that get a line; `plaint tail` shows them all."""

_NARROW: Final = 120


class Show:
    """Speaks to the person who watches, in their language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._words = Words(language)
        self._texts = catalogue("demo", language)
        width = None if sys.stdout.isatty() else _NARROW
        self._console = Console(width=width, highlight=False, emoji=False, markup=False)
        self._began = time.monotonic()
        self._first_closed: float | None = None

    def title(self) -> None:
        """Say what is about to happen."""
        self._console.print(Text(self._texts["title"], style="bold"))

    def progress(self, key: str) -> None:
        """Tell what is being started."""
        self._console.print(Text(f"{self._since()}  {self._words.progress(key)}", style="dim"))

    def up(self, seconds: float) -> None:
        """Tell that everything is up."""
        self._console.print(Text(self._texts["up"].format(seconds=f"{seconds:.1f}"), style="bold"))

    def sent(self, part: Part) -> None:
        """Tell that a contact came in; what it led to follows as events."""
        if part.scene.outcome == "ignored":
            reason = (part.answer.get("reason_text") or {}).get(self._language, part.answer["reason"])
            self._line(part, "intake", reason)

    def event(self, part: Part, heard: Heard) -> None:
        """Give an event its line, if it is a stage."""
        if heard.type == "resolution.case.closed" and self._first_closed is None:
            self._first_closed = time.monotonic() - self._began
        if heard.type in STAGES:
            self._line(part, heard.envelope.source, sentence(heard.envelope.type, heard.data, self._language))

    def trouble(self, key: str, **values: object) -> None:
        """Tell what went wrong."""
        self._console.print(Text(harmless(self._texts[key].format(**values)), style="bold red"))

    def summary(self, board: Board, mails: int, installation: Installation) -> None:
        """Show what came of every contact, where things are, and what to type next; *mails* have arrived."""
        self._console.print()
        self._console.print(self._table(board))
        self._console.print(self._counts(board, mails))
        for part in board.failed:
            what = ", ".join([*part.wrong, *part.missing])
            self.trouble("failed", file=part.scene.file, number=part.number, what=what)
        self._addresses(installation)
        self._next_commands(board)

    def staying(self) -> None:
        """Tell how to stop."""
        self._console.print(Text(self._texts["stay"], style="bold"))

    def _table(self, board: Board) -> Table:
        heads = [self._texts[f"column.{name}"] for name in ("number", "channel", "gist", "cause", "path", "score")]
        table = Table(*heads, box=None, pad_edge=False, header_style="bold")
        for part in board.parts:
            style = "bold red" if part in board.failed else ""
            table.add_row(*(Text(cell, style=style) for cell in self._row(part)))
        return table

    def _row(self, part: Part) -> tuple[str, ...]:
        scene = part.scene
        cause = part.last("resolution.cause.confirmed", "cause") or part.last("routing.complaint.routed", "cause")
        score = part.last("followup.satisfaction.recorded", "score")
        return (
            part.number,
            term("channel", scene.channel, self._language),
            scene.gist.zh if self._language == "zh" else scene.gist.en,
            term("cause", cause, self._language) if cause else "–",
            self._texts[f"path.{scene.path}"],
            str(score) if score else "–",
        )

    def _counts(self, board: Board, mails: int) -> Text:
        events = sum(len(part.said) for part in board.parts)
        first = f"{self._first_closed:.1f}" if self._first_closed else "–"
        took = f"{time.monotonic() - self._began:.1f}"
        values = {"contacts": len(board.parts), "events": events, "mails": mails}
        return Text(self._texts["counts"].format(first=first, took=took, **values))

    def _addresses(self, installation: Installation) -> None:
        self._console.print()
        for service, url in installation.urls.items():
            self._console.print(Text(f"  {service:<11}", style=COLOURS[service]).append(f"{url}/docs", style="default"))
        self._console.print(Text(f"  {'Kafka':<11}{installation.bootstrap}   {installation.broker}"))
        if installation.key_file is not None:
            self._console.print(Text(f"  {self._texts['key']:<11}{installation.key_file}"))

    def _next_commands(self, board: Board) -> None:
        program = _program()
        shown = next((part.number for part in board.parts if part.scene.path == "reopened"), "CMP-…")
        self._console.print(Text("\n" + self._texts["next"], style="bold"))
        self._console.print(Text(f"  {program} trace {shown}"))
        self._console.print(Text(f"  {program} tail"))
        self._console.print(Text(f"  echo '{self._texts['sample']}' | {program} send -"))

    def _line(self, part: Part, service: str, text: str) -> None:
        line = Text(f"{self._since()}  {part.number:<15}  ")
        line.append(set_cell_size(term("service", service, self._language), 11), style=COLOURS[service])
        line.append(harmless(text))
        line.truncate(self._console.width, overflow="ellipsis")
        self._console.print(line, no_wrap=True, soft_wrap=False)

    def _since(self) -> str:
        return f"{time.monotonic() - self._began:6.1f}s"


def _program() -> str:
    """How this command was called, short enough to paste."""
    called = Path(sys.argv[0])
    with_folder = called if called.is_absolute() else Path.cwd() / called
    return str(with_folder.relative_to(Path.cwd())) if with_folder.is_relative_to(Path.cwd()) else str(called)
