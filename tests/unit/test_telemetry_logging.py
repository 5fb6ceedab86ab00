"""Log lines tell what happened and to which complaint, and nothing personal."""

import io
import json
import logging
import warnings
from uuid import UUID

import pytest
import structlog

from shared.telemetry.logging import configure_logging

CANARIES = ("李雷", "zhang.canary@example.com", "13800138000", "Canary Street 1")


@pytest.fixture
def lines():
    root, loggers = logging.getLogger(), ("uvicorn", "uvicorn.error", "uvicorn.access", "aiokafka")
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    configure_logging("intake", level="DEBUG", stream=stream)

    def read() -> list[dict]:
        text = stream.getvalue()
        assert not [canary for canary in CANARIES if canary in text]
        return [json.loads(line) for line in text.splitlines()]

    yield read
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(capture=False)
    root.handlers[:], _ = before
    root.setLevel(before[1])
    for name in loggers:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def test_a_line_is_json_with_time_level_service_and_context(lines):
    with structlog.contextvars.bound_contextvars(complaint_id=UUID(int=1), trace_id="0af7", request_id="r-1"):
        structlog.get_logger("services.intake").info("complaint received", handler="receive_complaint", seconds=1)

    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "complaint received",
        "level": "info",
        "logger": "services.intake",
        "service": "intake",
        "handler": "receive_complaint",
        "seconds": "<int>",
        "complaint_id": "00000000-0000-0000-0000-000000000001",
        "trace_id": "0af7",
        "request_id": "r-1",
    }


@pytest.mark.parametrize("canary", CANARIES)
def test_what_is_not_on_the_list_shows_its_type_only(lines, canary):
    log = structlog.get_logger()
    log.info("sent", text=canary, customer={"name": canary}, phone=13800138000, bytes=canary.encode())

    (line,) = lines()
    assert (line["text"], line["customer"], line["phone"], line["bytes"]) == ("<str>", "<dict>", "<int>", "<bytes>")


@pytest.mark.parametrize("canary", ["李雷", "zhang.canary@example.com", "Canary Street 1"])
def test_free_text_does_not_pass_even_under_a_listed_key(lines, canary):
    structlog.get_logger().info("kept back", reason=canary, topics=["complaints.intake", canary], event_id={canary: 1})

    (line,) = lines()
    assert (line["reason"], line["event_id"]) == ("<str>", "<dict>")
    assert line["topics"] == ["complaints.intake", "<str>"]


@pytest.mark.parametrize("canary", ["李雷", "zhang.canary@example.com", "13800138000"])
def test_values_mixed_into_the_message_withhold_it(lines, canary):
    structlog.get_logger().info(f"received {canary}")

    assert [line["event"] for line in lines()] == ["(text withheld)"]


def raise_with(canary):
    local = canary
    try:
        raise KeyError(local)
    except KeyError as error:
        raise ValueError(f"bad {canary}") from error


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("logger", [structlog.get_logger("ours"), logging.getLogger("theirs")])
def test_an_exception_is_told_by_types_and_places(lines, canary, logger):
    try:
        raise_with(canary)
    except ValueError:
        logger.exception("failed")

    (line,) = lines()
    outer, inner = line["exception"]
    assert (outer["type"], inner["type"]) == ("builtins.ValueError", "builtins.KeyError")
    assert outer["places"][-1].endswith(" raise_with")
    assert "test_telemetry_logging:" in outer["places"][-1]


def test_each_member_of_a_group_is_told(lines):
    structlog.get_logger().error("failed", exc_info=ExceptionGroup("李雷", [ValueError("李雷"), OSError("李雷")]))

    (line,) = lines()
    assert [told["type"] for told in line["exception"]] == [
        "builtins.ExceptionGroup",
        "builtins.ValueError",
        "builtins.OSError",
    ]


def test_sqlstate_is_told(lines):
    error = ValueError("duplicate key 李雷")
    error.sqlstate = "23505"
    structlog.get_logger().error("flush failed", exc_info=error)

    assert lines()[0]["exception"][0]["sqlstate"] == "23505"


@pytest.mark.parametrize("name", ["aiokafka.consumer.fetcher", "uvicorn.error"])
def test_infrastructure_libraries_are_read_with_their_names_and_numbers(lines, name):
    logging.getLogger(name).warning("Topic %s has %d partitions at %r", "complaints.intake", 12, ValueError("李雷"))

    (line,) = lines()
    assert line["event"] == "Topic complaints.intake has 12 partitions at <ValueError>"
    assert (line["logger"], line["level"], line["service"]) == (name, "warning", "intake")


def test_other_libraries_are_read_by_template_only(lines):
    logging.getLogger("sqlalchemy.engine").warning("insert %s (%r)", "李雷", 13800138000)
    logging.getLogger("httpx").info("sent to zhang.canary@example.com")

    assert [line["event"] for line in lines()] == ["insert %s (%r)", "(text withheld)"]
    assert lines()[1]["place"].startswith("test_telemetry_logging:")


def test_what_asyncio_quotes_is_not_logged(lines):
    logging.getLogger("asyncio").error(
        "Task exception was never retrieved\nfuture: <Task exception=ValueError('李雷')>"
    )

    assert [line["event"] for line in lines()] == ["Task exception was never retrieved"]


def test_requests_are_not_logged_by_path(lines):
    logging.getLogger("uvicorn.access").info('%s - "%s %s"', "127.0.0.1", "GET", "/v1/customers?phone=13800138000")

    assert lines() == []


def test_warnings_come_as_lines(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("李雷", UserWarning, stacklevel=1)

    assert [line["logger"] for line in lines()] == ["py.warnings"]


def test_levels_are_set_by_logger():
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        configure_logging("intake", level="WARNING", levels={"quiet": "ERROR", "loud": "DEBUG"}, stream=stream)
        for name in ("quiet", "loud", "other"):
            structlog.get_logger(name).warning("w")
            structlog.get_logger(name).debug("d")
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        structlog.reset_defaults()
        logging.captureWarnings(capture=False)

    assert [(line["logger"], line["event"]) for line in map(json.loads, stream.getvalue().splitlines())] == [
        ("loud", "w"),
        ("loud", "d"),
        ("other", "w"),
    ]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("wanted", "stream", "is_json"), [("console", Terminal(), False), ("json", Terminal(), True)])
def test_people_at_a_terminal_may_ask_for_colours(monkeypatch, lines, wanted, stream, is_json):
    monkeypatch.setenv("PLAINT_LOG", wanted)
    configure_logging("intake", stream=stream)
    structlog.get_logger("x").error("kept back", text="李雷", topic="complaints.intake", exc_info=ValueError("李雷"))

    assert stream.getvalue().startswith("{") == is_json
    assert "complaints.intake" in stream.getvalue()
    assert "builtins.ValueError" in stream.getvalue()
    assert "李雷" not in stream.getvalue()
    assert lines() == []


class Unprintable:
    """Raises whatever is asked of it."""

    @property
    def __class__(self):
        raise RuntimeError("李雷")


def test_a_line_that_cannot_be_written_is_not_printed_otherwise(lines, capsys):
    structlog.get_logger().info("kept back", reason=Unprintable(), text="李雷")

    (line,) = lines()
    assert line["event"] == "log line lost"
    assert "李雷" not in capsys.readouterr().err
