"""Metrics have one name each, documented, and never a label that callers can fill."""

import pytest
from prometheus_client import REGISTRY, generate_latest

from shared.telemetry import metrics

ALL = {name: each for name, each in vars(metrics).items() if hasattr(each, "_labelnames")}


@pytest.mark.parametrize("name", ALL)
def test_every_metric_is_ours_documented_and_labelled_by_service(name):
    metric = ALL[name]

    assert metric._name.startswith("plaint_")
    assert metric._documentation.endswith(".")
    assert metric._labelnames[0] == "service"
    assert not {"path", "url", "customer", "complaint_id", "text"} & set(metric._labelnames)


def test_what_is_counted_is_shown():
    metrics.MESSAGES_HANDLED.labels("metrics-test", "event", "route_complaint", "done").inc(3)
    metrics.LOOP_LAST_SUCCESS.labels("metrics-test", "relay").set(1.5)

    labels = {"service": "metrics-test", "kind": "event", "handler": "route_complaint", "outcome": "done"}
    assert REGISTRY.get_sample_value("plaint_messages_handled_total", labels) == 3
    assert b'plaint_loop_last_success_timestamp_seconds{loop="relay",service="metrics-test"} 1.5' in generate_latest()
