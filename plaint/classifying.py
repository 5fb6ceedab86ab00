"""Texts in, causes out: for a program line by line, for a person in the reader's words."""

import json
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import lru_cache
from itertools import islice
from multiprocessing import get_context
from typing import Any, Final

import typer
from rich.text import Text

from plaint.screen import harmless
from plaint.session import Session
from plaint.trouble import FAILED, Trouble
from services.routing.classifier import Classification, Classifier, Script, explain, is_traditional, load

Answer = dict[str, Any] | str
"""What was found, or why a line could not be read."""

CHUNK: Final = 200
CHUNK_BYTES: Final = 1_000_000
"""What a process is given at once."""
_TEXT_LIMIT: Final = 2_000_000
"""Characters of one line; what is longer is somebody's mistake, not a text."""


def classify_text(session: Session, text: str, *, fast: bool) -> None:
    """Tell what a text is about, and why; *fast* leaves out the sentence encoder."""
    verdict = _classifier(fast=fast).classify(text)
    if session.screen.as_json:
        session.screen.item(_found(verdict))
    else:
        _show(session, text, verdict)


def classify_lines(session: Session, lines: Iterable[bytes], *, fast: bool, jobs: int) -> None:
    """
    Answer each line of JSON in order; a broken one is told of by its number, and the others still come out.

    Args:
        session: where to answer.
        lines: one object each.
        fast: leave out the sentence encoder: several times as many texts a second, and more wrong answers.
        jobs: processes that share the work; with one, every answer comes at once.

    Raises:
        Exit: with status 1, after the last line, if one was broken.
        Trouble: one of the processes was killed.
    """
    broken = 0
    for number, answer in enumerate(_answers(lines, fast=fast, jobs=jobs), start=1):
        if isinstance(answer, str):
            broken += 1
            session.screen.error(session.words("classify.broken", number=number, why=answer))
        else:
            session.screen.item(answer)
    if broken:
        raise typer.Exit(FAILED)


def _answers(lines: Iterable[bytes], *, fast: bool, jobs: int) -> Iterator[Answer]:
    if jobs == 1:
        yield from _answered(lines, fast=fast)
        return
    # Forking a process that has used its BLAS threads may hang the child.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_leave_interrupts_to_the_parent)
    chunks = _chunks(lines)
    try:
        # No more is read ahead than keeps every process busy: the input may be longer than the memory.
        waiting = deque(pool.submit(_answer_chunk, chunk, fast=fast) for chunk in islice(chunks, 2 * jobs))
        while waiting:
            yield from waiting.popleft().result()
            waiting.extend(pool.submit(_answer_chunk, chunk, fast=fast) for chunk in islice(chunks, 1))
    except BrokenProcessPool as error:
        raise Trouble("classify.process_died") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _chunks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Cut the lines into pieces of at most `CHUNK` lines, and not much more than `CHUNK_BYTES`."""
    chunk: list[bytes] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line)
        if len(chunk) == CHUNK or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _answer_chunk(lines: Iterable[bytes], *, fast: bool) -> list[Answer]:
    return list(_answered(lines, fast=fast))


@lru_cache(maxsize=1)
def _classifier(*, fast: bool) -> Classifier:
    """One for all that this process answers."""
    return load(with_encoder=not fast)


def _answered(lines: Iterable[bytes], *, fast: bool) -> Iterator[Answer]:
    for line in lines:
        try:
            given = _read(line)
        except (ValueError, RecursionError) as error:
            yield str(error)
        else:
            yield {"id": given.get("id"), **_found(_classifier(fast=fast).classify(given["text"]))}


def _read(line: bytes) -> dict[str, Any]:
    """
    Read one line.

    Raises:
        ValueError: it is not UTF-8, not JSON, or not an object with a text.
    """
    given = json.loads(line.decode())
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise ValueError('{"id": …, "text": "…"}')  # noqa: TRY004 - for the caller it is a broken line like others
    if len(given["text"]) > _TEXT_LIMIT:
        raise ValueError(f"> {_TEXT_LIMIT:,}")
    return given


def _found(verdict: Classification) -> dict[str, Any]:
    return {
        "cause": verdict.cause,
        "sub_cause": verdict.sub_cause,
        "confidence": round(verdict.confidence, 4),
        "secondary": verdict.secondary,
        "runner_up": verdict.runner_up,
        "probabilities": {cause: round(share, 4) for cause, share in verdict.probabilities.items()},
        "manner": verdict.manner,
        "severity": verdict.severity,
        "is_complaint": verdict.is_complaint,
        "grounds": [asdict(ground) | {"weight": round(ground.weight, 4)} for ground in verdict.grounds],
        "model": verdict.model,
        "basis": verdict.basis,
    }


def _show(session: Session, text: str, verdict: Classification) -> None:
    session.screen.say(_marked(text, verdict))
    for sentence in explain(verdict, _script(session, text)):
        session.screen.say(sentence)


def _script(session: Session, text: str) -> Script:
    """A reader of Chinese reads the script of the text."""
    if session.words.language == "en":
        return "en"
    return "hant" if is_traditional(text) else "hans"


def _marked(text: str, verdict: Classification) -> Text:
    """The text with the passages that decided in colour, the strongest in bold."""
    shown = Text(harmless(text))
    for place, ground in enumerate(verdict.grounds):
        shown.stylize("bold magenta" if place == 0 else "magenta", ground.start, ground.end)
    return shown
