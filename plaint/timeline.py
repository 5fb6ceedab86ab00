"""Put what several services said about one complaint into one order."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]
"""An event as ``GET /v1/complaints/{id}/events`` shows it."""

_Key = tuple[str, int]


def in_order(events: Iterable[Event]) -> list[Event]:
    """
    Order events by time, each after its cause and after what its own service said before.

    Services' clocks differ a little and several events share an instant, so the time alone would tell effects before
    causes. A circle of causes, which only a broken producer can make, is told by time.
    """
    known = {(event["source"], int(event["sequence"])): event for event in events}
    keys = {str(event["id"]): key for key, event in known.items()}
    open_causes = {key: _causes(key, event, known, keys) for key, event in known.items()}
    effects: dict[_Key, list[_Key]] = defaultdict(list)
    for key, causes in open_causes.items():
        for cause in causes:
            effects[cause].append(key)
    return [known[key] for key in _sorted(known, open_causes, effects)]


def _causes(key: _Key, event: Event, known: Mapping[_Key, Event], keys: Mapping[str, _Key]) -> set[_Key]:
    source, sequence = key
    before = max((other for other in known if other[0] == source and other[1] < sequence), default=None)
    cause = keys.get(str(event.get("causationid")))
    return {each for each in (before, cause) if each is not None and each != key}


def _sorted(
    known: Mapping[_Key, Event], open_causes: dict[_Key, set[_Key]], effects: Mapping[_Key, list[_Key]]
) -> list[_Key]:
    ready = [(_moment(known[key]), key) for key, causes in open_causes.items() if not causes]
    heapq.heapify(ready)
    order: list[_Key] = []
    while ready:
        _, key = heapq.heappop(ready)
        order.append(key)
        for effect in effects.get(key, ()):
            open_causes[effect].discard(key)
            if not open_causes[effect]:
                heapq.heappush(ready, (_moment(known[effect]), effect))
    told = set(order)
    return order + sorted((key for key in known if key not in told), key=lambda key: (_moment(known[key]), key))


def _moment(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"])


def is_closed(events: Iterable[Event]) -> bool:
    """Tell whether the case is over: it was closed, and not reopened since."""
    steps = [event["type"] for event in events if event["source"] == "resolution"]
    last = next((step for step in reversed(steps) if step in {_CLOSED, _REOPENED}), None)
    return last == _CLOSED


_CLOSED = "resolution.case.closed.v1"
_REOPENED = "resolution.case.reopened.v1"
