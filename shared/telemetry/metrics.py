"""The numbers every service shows at ``/metrics``; the label ``service`` says whose they are."""

from datetime import UTC, date, datetime, time
from functools import cache
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram

M = TypeVar("M", Counter, Gauge, Histogram)

# Up to 30 s: an HTTP caller waits for a batch (1-20 ms) at best and for its deadline at worst.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# A handler is pure computation in memory.
_HANDLER_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 1)
_BATCH_SIZES = (1, 2, 5, 10, 20, 50, 100)
# Timers are meant to the second and are told in minutes after a stop.
_LATE_SECONDS = (0.1, 0.5, 1, 2, 5, 15, 60, 300, 3600)

HTTP_REQUESTS = Counter(
    "plaint_http_requests", "Requests answered, by route template.", ("service", "method", "route", "status")
)
HTTP_REQUEST_SECONDS = Histogram(
    "plaint_http_request_seconds",
    "Time from a request's head to its whole answer.",
    ("service", "method", "route"),
    buckets=_SECONDS,
)
MESSAGES_HANDLED = Counter(
    "plaint_messages_handled",
    "Messages that came in by the door: kind is command, event or timer.",
    ("service", "kind", "handler", "outcome"),
)
HANDLER_SECONDS = Histogram(
    "plaint_handler_seconds",
    "Time one handler took to decide.",
    ("service", "kind", "handler"),
    buckets=_HANDLER_SECONDS,
)
BATCH_SIZE = Histogram("plaint_batch_size", "Messages handled in one transaction.", ("service",), buckets=_BATCH_SIZES)
BATCH_SECONDS = Histogram(
    "plaint_batch_seconds", "Time from loading a batch to its commit.", ("service",), buckets=_SECONDS
)
DOOR_QUEUE = Gauge("plaint_door_queue_length", "Messages waiting for the next batch.", ("service",))
CONSUMER_LAG = Gauge("plaint_consumer_lag_messages", "Records of a topic not yet applied.", ("service", "topic"))
RELAY_AGE_SECONDS = Gauge("plaint_relay_age_seconds", "Age of the oldest event not yet on its topic.", ("service",))
RELAY_UNSENT = Gauge("plaint_relay_unsent_events", "Events of the history not yet on their topic.", ("service",))
WAITING = Gauge("plaint_waiting_messages", "Messages kept back, by reason.", ("service", "reason"))
TIMER_LATE_SECONDS = Histogram(
    "plaint_timer_late_seconds", "How long after its moment a timer was handled.", ("service",), buckets=_LATE_SECONDS
)
EVENTS_SAID = Counter("plaint_events_said", "Events this service stated, by type.", ("service", "type"))
STOPPED = Gauge(
    "plaint_stopped", "1 while a part has stopped itself for a person to look: consumer or relay.", ("service", "part")
)
POOL_IN_USE = Gauge("plaint_pool_in_use_connections", "Connections lent by the database pool.", ("service",))
POOL_SIZE = Gauge("plaint_pool_size_connections", "Connections the database pool may lend.", ("service",))
CALENDAR_KNOWN_UNTIL = Gauge(
    "plaint_calendar_known_until_timestamp_seconds",
    "Until when the public holidays that deadlines are counted by are known (Unix time).",
    ("service",),
)
LOOP_LAST_SUCCESS = Gauge(
    "plaint_loop_last_success_timestamp_seconds",
    "When a background loop last did its work (Unix time).",
    ("service", "loop"),
)


def show_known_until(service: str, last_day: date) -> None:
    """Show until when the holidays are known by which *service* counts; the end of *last_day*, in UTC."""
    CALENDAR_KNOWN_UNTIL.labels(service).set(datetime.combine(last_day, time.max, UTC).timestamp())


@cache
def of(metric: M, *labels: str) -> M:
    """The part of a metric that has these labels; kept at hand, because finding it costs more than counting."""
    return metric.labels(*labels)
