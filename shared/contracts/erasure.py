"""Taking the words of an erased complaint out of events that are kept."""

import json
from functools import cache
from typing import Final

from shared.contracts.event import MASKED, Event
from shared.contracts.registry import EVENTS

BLANK: Final = "⟦erased⟧"


def blank(event_type: str, body: bytes) -> bytes:
    """*body* with every free text replaced by ``⟦erased⟧``; a type that is not known loses all its strings."""
    event = EVENTS.get(event_type)
    names = _text_fields(event) if event else None
    return json.dumps(_blanked(json.loads(body), names), ensure_ascii=False).encode()


@cache
def _text_fields(event: type[Event]) -> frozenset[str]:
    schema = event.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    names = {
        name
        for model in models
        for name, field in model.get("properties", {}).items()
        if MASKED in json.dumps(field, ensure_ascii=False)
    }
    return frozenset(names | ({"values"} & schema["properties"].keys()))


def _blanked(value: object, names: frozenset[str] | None, *, inside: bool = False) -> object:
    if isinstance(value, dict):
        return {
            key: _blanked(item, names, inside=inside or names is None or key in names) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_blanked(item, names, inside=inside) for item in value]
    return BLANK if inside and isinstance(value, str) else value
