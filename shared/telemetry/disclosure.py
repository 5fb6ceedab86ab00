"""
What may leave the process in a log line or a span.

An allow-list: names, ids, counts and durations may; everything else shows its type and nothing more. The words of an
exception are never shown, because they quote what they choked on.
"""

import re
import traceback
from collections.abc import Iterator
from datetime import date, timedelta
from types import TracebackType
from uuid import UUID

NAMES = frozenset(
    {
        *("service", "version", "logger", "level", "timestamp", "place", "process", "host", "address", "port", "url"),
        *("handler", "kind", "event_type", "type", "topic", "topics", "partition", "partitions", "offset", "group"),
        *("source", "sequence", "position", "revision", "loop", "timer", "reason", "outcome", "phase", "state"),
        *("error", "sqlstate", "attempt", "attempts", "count", "size", "limit", "batch", "speed", "check", "checks"),
        *("method", "route", "status", "scope", "scopes", "number", "channel", "language", "team", "cause", "priority"),
        *("migration", "database_role", "broker", "cluster", "signal", "path_template", "schedule"),
        *("http.request.method", "http.route", "http.response.status_code", "error.type"),
        *("messaging.destination.name", "messaging.operation.name", "messaging.batch.message_count"),
    }
)
"""Keys whose values are names, numbers or moments of the system itself."""

_SUFFIXES = ("_id", "_ids", "_count", "_seconds", "_ms", "_bytes", "_at", "_type", "_types")
# No blank, no quotation mark, no "@" and nothing outside ASCII: free text cannot pass, even under an allowed key.
_NAME = re.compile(r"[A-Za-z0-9/{<][A-Za-z0-9._:/+{}<>\[\],-]{0,199}")
# A long run of digits is a phone, card or ID number; message texts of ours hold none.
_TEXT = re.compile(r"(?!.*\d{5})[A-Za-z][A-Za-z0-9 _.,:;'()/+=%-]{0,119}")

WITHHELD = "(text withheld)"


def shown(key: str, value: object) -> object:
    """Return *value* if it may be read by anyone under *key*, else the name of its type, as ``<str>``."""
    if key not in NAMES and not key.endswith(_SUFFIXES):
        return f"<{type(value).__name__}>"
    if isinstance(value, list | tuple | set | frozenset):
        return [_scalar(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, UUID | date | timedelta):
        return str(value)
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    return f"<{type(value).__name__}>"


def shown_text(text: str) -> str:
    """Return the fixed words of a message; a text that looks as if values had been mixed into it is withheld."""
    return text if _TEXT.fullmatch(text) else WITHHELD


def shown_exception(error: BaseException) -> list[dict[str, object]]:
    """
    Tell an exception by types and places: what was raised, from which module, line and function.

    Returns:
        The exception and what led to it, outermost first: ``{"type", "places", "sqlstate"?}``, places innermost last.
    """
    return [_one(link) for link in _chain(error)]


def _one(error: BaseException) -> dict[str, object]:
    kind = type(error)
    told: dict[str, object] = {"type": f"{kind.__module__}.{kind.__qualname__}", "places": places(error.__traceback__)}
    # SQLSTATE (asyncpg) tells a constraint from a lost connection and is a code, never data.
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str) and _NAME.fullmatch(sqlstate):
        told["sqlstate"] = sqlstate
    return told


def _chain(error: BaseException) -> Iterator[BaseException]:
    waiting, seen = [error], set[int]()
    while waiting:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        if isinstance(link, BaseExceptionGroup):
            waiting.extend(link.exceptions)
        reason = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        if reason is not None:
            waiting.append(reason)


def places(trace: TracebackType | None) -> list[str]:
    """List where the code was, outermost first: ``module:line function``."""
    return [
        f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_qualname}"
        for frame, line in traceback.walk_tb(trace)
    ]
