"""Log lines as JSON on standard error, of our own code and of every library, without personal data."""

import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.telemetry.disclosure import WITHHELD, shown, shown_exception, shown_text

# Their messages speak of connections, topics and offsets; the values of these argument types and names are safe.
_INFRASTRUCTURE = ("aiokafka", "kafka", "uvicorn", "alembic", "asyncio")
_PLACEHOLDER = re.compile(r"%[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]")


def configure_logging(
    service: str,
    *,
    level: str = "INFO",
    levels: Mapping[str, str] | None = None,
    console: bool | None = None,
    stream: TextIO | None = None,
) -> None:
    """
    Send all log lines of this process, ours and the libraries', to one stream in one form.

    Uvicorn must be started with ``log_config=None``, or it puts its own handlers back.

    Args:
        service: the name each line carries.
        level: the lowest level that is written.
        levels: other levels by logger name, such as ``{"aiokafka": "WARNING"}``.
        console: coloured lines for people instead of JSON; by default when ``PLAINT_LOG=console``. Only on a terminal.
        stream: where to write; standard error by default.
    """
    stream = stream or sys.stderr
    wanted = os.environ.get("PLAINT_LOG") == "console" if console is None else console
    final = _processors(service)
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_read_foreign],
            pass_foreign_args=True,
            use_get_message=False,
            processors=[*final, *_renderers(colours=wanted and stream.isatty())],
        )
    )
    _replace_handlers(handler, level, levels or {})
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            _check_text,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _processors(service: str) -> list[Processor]:
    def name_service(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        line["service"] = service
        return line

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_service,
        _show_exception,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _show_only_what_may_be_shown,
    ]


def _renderers(*, colours: bool) -> list[Processor]:
    if colours:
        return [_exception_as_text, cast("Processor", structlog.dev.ConsoleRenderer())]
    return [structlog.processors.JSONRenderer(ensure_ascii=False)]


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Say that a line is lost; the standard library would print it with all its values."""
        self.stream.write(f'{{"event":"log line lost","place":"{record.module}:{record.lineno}"}}\n')


def _replace_handlers(handler: logging.Handler, level: str, levels: Mapping[str, str]) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "aiokafka"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    # Paths and queries of requests are not ours to write down; metrics and traces count them by route.
    logging.getLogger("uvicorn.access").propagate = False
    logging.getLogger("uvicorn.access").addHandler(logging.NullHandler())
    for name, own_level in levels.items():
        logging.getLogger(name).setLevel(own_level)


def _check_text(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    line["event"] = shown_text(str(line.get("event", "")))
    return line


def _read_foreign(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    record: logging.LogRecord = line["_record"]
    line["event"] = _words(record, line.pop("positional_args", None))
    line["place"] = f"{record.module}:{record.lineno}"
    return line


def _words(record: logging.LogRecord, values: object) -> str:
    """Tell a library's message by its template; only infrastructure libraries get their plain arguments filled in."""
    trusted = record.name.split(".")[0] in _INFRASTRUCTURE
    if not trusted and not values:
        return WITHHELD  # may have been put together from values
    # asyncio quotes tasks and exceptions from the second line on.
    template = str(record.msg).partition("\n")[0]
    arguments = iter(values if trusted and isinstance(values, tuple) else ())

    def fill(placeholder: re.Match[str]) -> str:
        missing = object()
        value = next(arguments, missing)
        return placeholder[0] if value is missing else str(shown("size", value))

    return _PLACEHOLDER.sub(fill, template)


def _show_exception(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    told = line.pop("exc_info", None)
    record = line.get("_record")
    if told is None and record is not None:
        told = record.exc_info
    if told is True:
        told = sys.exc_info()
    error = told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        line["exception"] = shown_exception(error)
    line.pop("stack_info", None)
    return line


def _exception_as_text(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    if told := line.get("exception"):
        line["exception"] = "\n".join("\n  ".join((each["type"], *each["places"])) for each in told)
    return line


def _show_only_what_may_be_shown(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    ready = ("event", "exception")
    return {key: value if key in ready else shown(key, value) for key, value in line.items()}
