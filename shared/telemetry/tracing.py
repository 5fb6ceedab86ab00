"""
The trace that runs through requests and events.

The W3C ``traceparent`` is passed on whether or not spans are recorded, so the chain through event headers never
breaks. Spans are recorded when ``OTEL_EXPORTER_OTLP_ENDPOINT`` is set and the extra ``otel`` is installed.
"""

import os
import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from shared.telemetry.disclosure import shown

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

log = structlog.get_logger(__name__)

# Version 00 of https://www.w3.org/TR/trace-context/: lower-case hex, neither id all zero.
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


@dataclass(slots=True)
class _Recording:
    tracer: "Tracer | None" = None


_recording = _Recording()


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of work in a trace; ``traceparent`` is what its consequences are to be caused by."""

    traceparent: str
    _recorded: Any = field(default=None, repr=False)

    @property
    def trace_id(self) -> str:
        """The 32 hex digits that all spans of the trace share."""
        return self.traceparent[3:35]

    def describe(self, name: str | None = None, attributes: Mapping[str, object] | None = None) -> None:
        """Say what became known while the work went on; without a recorder nothing happens."""
        if self._recorded is None:
            return
        if name is not None:
            self._recorded.update_name(name)
        self._recorded.set_attributes(_attributes(attributes))


def is_traceparent(text: str | None) -> bool:
    """Tell whether *text* is a valid W3C ``traceparent`` of version 00."""
    return text is not None and _TRACEPARENT.fullmatch(text) is not None


def new_traceparent() -> str:
    """Begin a trace. Its flags say that nobody has recorded it so far."""
    # Ids have to differ, not to be secret. A leading 1 keeps both from being all zero.
    digits = f"{random.getrandbits(184):046x}"
    return f"00-1{digits[:31]}-1{digits[31:]}-00"


def current_traceparent() -> str:
    """Return the ``traceparent`` to pass on from here; outside every span it begins a trace."""
    return _current.get() or new_traceparent()


@contextmanager
def start_span(
    name: str, traceparent: str | None = None, attributes: Mapping[str, object] | None = None
) -> Iterator[Span]:
    """
    Carry the trace through a piece of work, and record the work where spans are recorded.

    Args:
        name: what is done; fixed words, no ids.
        traceparent: what caused it. Without one, or with an invalid one, the surrounding span is the cause, and
            without that a new trace begins.
        attributes: shown under the same rules as in log lines.
    """
    cause = traceparent if is_traceparent(traceparent) else _current.get()
    tracer = _recording.tracer
    work: AbstractContextManager[Span] = (
        nullcontext(Span(cause or new_traceparent())) if tracer is None else _recorded(tracer, name, cause, attributes)
    )
    with work as span:
        token = _current.set(span.traceparent)
        try:
            yield span
        finally:
            _current.reset(token)


@contextmanager
def _recorded(
    tracer: "Tracer", name: str, cause: str | None, attributes: Mapping[str, object] | None
) -> Iterator[Span]:
    from opentelemetry.trace import StatusCode  # noqa: PLC0415 - only where the extra is installed

    with tracer.start_as_current_span(
        name,
        context=_context(cause),
        attributes=_attributes(attributes),
        record_exception=False,  # its words may quote personal data
        set_status_on_exception=False,
    ) as span:
        made = span.get_span_context()
        try:
            yield Span(f"00-{made.trace_id:032x}-{made.span_id:016x}-{made.trace_flags:02x}", span)
        except Exception as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise


def _context(cause: str | None) -> Any:  # noqa: ANN401 - a context of the optional library
    from opentelemetry import trace  # noqa: PLC0415 - only where the extra is installed
    from opentelemetry.context import Context  # noqa: PLC0415 - only where the extra is installed

    if cause is None:
        return Context()
    _, trace_id, span_id, flags = cause.split("-")
    parent = trace.SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=trace.TraceFlags(int(flags, 16))
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _attributes(attributes: Mapping[str, object] | None) -> dict[str, Any]:
    told = {key: shown(key, value) for key, value in (attributes or {}).items()}
    return {key: value for key, value in told.items() if value is not None}


def configure_tracing(service: str, *, exporter: "SpanExporter | None" = None) -> Callable[[], None]:
    """
    Record spans from now on, if the environment says where to send them.

    Args:
        service: the name the spans carry, unless ``OTEL_SERVICE_NAME`` says another.
        exporter: where to send them instead, for tests.

    Returns:
        A function that sends what is left and stops recording.
    """
    if exporter is None and not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - extra
    except ImportError:
        log.warning("tracing is asked for but the extra otel is not installed")
        return lambda: None
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    _recording.tracer = provider.get_tracer("plaint")

    def stop() -> None:
        _recording.tracer = None
        provider.shutdown()

    return stop
