"""The trace goes on, recorded or not."""

import builtins

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.telemetry import tracing
from shared.telemetry.tracing import (
    configure_tracing,
    current_traceparent,
    is_traceparent,
    new_traceparent,
    start_span,
)

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        GIVEN.upper(),
        GIVEN + "\n",
        GIVEN + "-00",
        GIVEN[:-1],
        "ff" + GIVEN[2:],
        "01" + GIVEN[2:],
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        GIVEN.replace("-", "_"),
        "00-0af7651916cd43dd8448eb211c8031９c-b7ad6b7169203331-01",
    ],
)
def test_anything_but_a_valid_traceparent_is_refused(text):
    assert not is_traceparent(text)


def test_new_traceparents_are_valid_and_different():
    made = {new_traceparent() for _ in range(100)}

    assert len(made) == 100
    assert all(map(is_traceparent, made))


def test_without_recorder_the_cause_is_passed_on_unchanged():
    with start_span("outer", GIVEN) as outer, start_span("inner", attributes={"count": 1}) as inner:
        assert outer.traceparent == inner.traceparent == current_traceparent() == GIVEN
        assert inner.trace_id == "0af7651916cd43dd8448eb211c80319c"
        inner.describe("renamed", {"count": 2})

    assert current_traceparent() != GIVEN


def test_without_valid_cause_a_trace_begins_and_holds():
    with start_span("outer", "rubbish") as outer:
        assert is_traceparent(outer.traceparent)
        assert current_traceparent() == outer.traceparent
        with start_span("inner", "rubbish") as inner:
            assert inner.traceparent == outer.traceparent


@pytest.fixture
def recorded():
    exporter = InMemorySpanExporter()
    stop = configure_tracing("intake", exporter=exporter)
    stopped = False

    def read():
        nonlocal stopped
        if not stopped:
            stopped = True
            stop()
        return {span.name: span for span in exporter.get_finished_spans()}

    yield read
    read()


def test_recorded_spans_hang_together_by_traceparent(recorded):
    with start_span("request", GIVEN) as request, start_span("decide"):
        pass
    with start_span("consume", request.traceparent):
        pass

    spans = recorded()
    assert {f"{span.context.trace_id:032x}" for span in spans.values()} == {"0af7651916cd43dd8448eb211c80319c"}
    assert f"{spans['request'].parent.span_id:016x}" == "b7ad6b7169203331"
    assert spans["decide"].parent.span_id == spans["consume"].parent.span_id == spans["request"].context.span_id
    assert is_traceparent(request.traceparent)
    assert request.traceparent != GIVEN
    assert spans["request"].resource.attributes["service.name"] == "intake"


def fail_in_a_span():
    with start_span("HTTP", attributes={"text": "李雷", "topic": "a.b"}) as span:
        span.describe("GET /x/{id}", {"http.route": "/x/{id}", "customer": "李雷"})
        raise ValueError("李雷")


def test_a_span_tells_no_more_than_a_log_line(recorded):
    with pytest.raises(ValueError, match="李雷"):
        fail_in_a_span()

    span = recorded()["GET /x/{id}"]
    assert "李雷" not in span.to_json()
    assert dict(span.attributes) == {
        "text": "<str>",
        "topic": "a.b",
        "http.route": "/x/{id}",
        "customer": "<str>",
        "error.type": "ValueError",
    }
    assert not span.status.is_ok
    assert not span.events


def test_nothing_is_recorded_unless_the_environment_says_where_to(monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)

    configure_tracing("intake")()

    assert tracing._recording.tracer is None


def test_without_the_library_the_trace_still_goes_on(monkeypatch):
    real = builtins.__import__

    def without_library(name, *arguments, **keywords):
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without_library)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")

    configure_tracing("intake")()

    with start_span("work", GIVEN):
        assert current_traceparent() == GIVEN
