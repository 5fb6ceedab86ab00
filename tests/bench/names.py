"""The rows of the benchmark, and the module under ``rows/`` that measures each."""

from typing import Final

MODULE_OF: Final = {
    "intake_accepted": "intake",
    "inbox_applied": "inbox",
    "relay_sent": "relay",
    "post_to_case": "pipeline",
    "post_to_case_p50_ms": "pipeline",
    "post_to_case_p99_ms": "pipeline",
    "cpu_us_per_complaint": "pipeline",
    "timers_fired": "timers",
    "timer_poll_growth": "growth",
    "case_read_growth": "growth",
    "queue_page_growth": "growth",
    "rss_mb": "memory",
    "ready_s": "start",
    "classify_ms": "classifier",
    "classify_p99_ms": "classifier",
    "classify_rate": "classifier",
    "classify_ready_s": "classifier",
    "classify_rss_mb": "classifier",
    "classify_fast_rate": "classifier",
}
