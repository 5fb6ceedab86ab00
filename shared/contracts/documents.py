"""
What is generated from the published language: JSON Schemas for programs, a reference page for people.

``python -m shared.contracts write`` brings both up to date, and the AsyncAPI document with them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from shared.contracts.event import Event
from shared.contracts.registry import (
    DEAD_PARTITIONS,
    EVENTS,
    OWNERS,
    PARTITIONS,
    RETENTION_DAYS,
    dead_topic_of,
    owner_of,
    topic_of,
)

Json = dict[str, Any]

CONTRACTS: Final = Path(__file__).parent
SAMPLES: Final = CONTRACTS / "samples"
SCHEMAS: Final = CONTRACTS / "schemas"
REFERENCE_STARTS: Final = "<!-- generated from here on: python -m shared.contracts write -->"
_FILES: Final = (("zh + en", "samples"), ("JSON Schema", "schemas"))
_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


class PlainSchema(GenerateJsonSchema):
    """JSON Schema without a title per field: it would only repeat the field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's own signature
        """Never."""
        return False


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a type says and when it is said, for both readers."""

    en: str
    zh: str
    when_en: str
    when_zh: str


def as_text(document: Json) -> str:
    """Write *document* as the JSON text that is committed: readable, stable, Chinese as Chinese."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def samples_of(event_type: str) -> dict[str, Json]:
    """
    Read the committed payloads of *event_type*, one invented story per language: ``{"zh": …, "en": …}``.

    Raises:
        FileNotFoundError: nobody has written samples for this type.
    """
    samples: dict[str, Json] = json.loads((SAMPLES / f"{event_type}.json").read_text(encoding="utf-8"))
    return samples


def english(model: type[Event]) -> str:
    """Take the English meaning from the docstring, as Markdown, with its paragraphs joined to lines."""
    paragraphs = (model.__doc__ or "").strip().replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


class Meanings:
    """The committed Chinese meanings, and the English ones beside them."""

    def __init__(self) -> None:
        stored = json.loads((CONTRACTS / "meanings_zh.json").read_text(encoding="utf-8"))
        self.types: Final[dict[str, Json]] = stored["types"]
        self.fields: Final[dict[str, str]] = stored["fields"]

    def of_type(self, event_type: str) -> Meaning:
        """
        Give what *event_type* means.

        Raises:
            KeyError: nobody has written its Chinese meaning.
        """
        entry = self.types[event_type]
        return Meaning(english(EVENTS[event_type]), entry["meaning"], entry["when"]["en"], entry["when"]["zh"])

    def of_field(self, owner: str, field: str) -> str:
        """
        Give what *field* means in Chinese; an entry ``<owner>#<field>`` goes before one for the name alone.

        Raises:
            KeyError: nobody has written it.
        """
        return self.fields.get(f"{owner}#{field}") or self.fields[field]


def schema_of(event_type: str) -> Json:
    """Describe the value of a record of *event_type* as JSON Schema 2020-12, with the samples as examples."""
    schema = EVENTS[event_type].model_json_schema(schema_generator=PlainSchema)
    return {
        "$schema": PlainSchema.schema_dialect,
        "$id": f"urn:plaint:{event_type}",
        **schema,
        "examples": list(samples_of(event_type).values()),
    }


def stored_schemas() -> dict[str, Json]:
    """Read every committed schema, by event type: what subscribers were told so far."""
    return {
        path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(SCHEMAS.glob("*.json"))
    }


@dataclass(frozen=True, slots=True)
class _Place:
    """What may stand at one place of a value."""

    types: frozenset[str]
    values: frozenset[str] | None
    node: Json
    required: bool
    parent: str | None


def _places(schema: Json) -> dict[str, _Place]:
    """Every place in *schema* by its path, such as ``deadlines[].due_at``; the whole value is at the empty path."""

    def visit(node: Json, path: str, parent: str | None, *, required: bool) -> Iterator[tuple[str, _Place]]:
        branches = [_resolved(branch, schema) for branch in node.get("anyOf", [node])]
        yield path, _place(node, branches, parent, required=required)
        for branch in branches:
            for name, child in branch.get("properties", {}).items():
                below = f"{path}.{name}".lstrip(".")
                yield from visit(child, below, path, required=name in branch.get("required", ()))
            for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
                if isinstance(branch.get(key), dict):
                    yield from visit(branch[key], path + mark, path, required=False)

    return dict(visit(schema, "", None, required=True))


def _resolved(node: Json, schema: Json) -> Json:
    if "$ref" not in node:
        return node
    definition: Json = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return definition | node


def _place(node: Json, branches: list[Json], parent: str | None, *, required: bool) -> _Place:
    listed = [branch["enum"] if "enum" in branch else [branch["const"]] for branch in branches if _is_closed(branch)]
    open_ended = any(not _is_closed(branch) and branch.get("type") != "null" for branch in branches)
    return _Place(
        types=frozenset(str(branch.get("type")) for branch in branches),
        values=None if open_ended else frozenset(json.dumps(value) for values in listed for value in values),
        node={key: value for branch in branches for key, value in branch.items()} | node,
        required=required,
        parent=parent,
    )


def _is_closed(branch: Json) -> bool:
    return "enum" in branch or "const" in branch


def incompatibilities(stored: Json, today: Json) -> list[str]:
    """
    Name every change from *stored* to *today* that could break a record already written or a subscriber at work.

    Allowed is what adds: optional fields, values of a list, wider bounds. An empty answer means compatible.
    """
    before, after = _places(stored), _places(today)
    changes = [change for path in before for change in _changes(path, before[path], after.get(path))]
    added = [path for path in after if path not in before and after[path].parent in before]
    return changes + [f"{path}: newly required" for path in added if after[path].required]


def _changes(path: str, old: _Place, new: _Place | None) -> Iterator[str]:
    if new is None:
        yield f"{path}: removed"
        return
    if old.required != new.required:
        yield f"{path}: {'newly required' if new.required else 'no longer always there'}"
    if old.types != new.types:
        yield f"{path}: type changed from {sorted(old.types)} to {sorted(new.types)}"
    if new.values is not None and (old.values is None or not old.values <= new.values):
        yield f"{path}: values taken away"
    for key in ("format", "pattern", "default"):
        if old.node.get(key) != new.node.get(key):
            yield f"{path}: {key} changed from {old.node.get(key)!r} to {new.node.get(key)!r}"
    yield from (f"{path}: {key} narrowed" for key in _narrowed(old.node, new.node))


def _narrowed(old: Json, new: Json) -> Iterator[str]:
    yield from (key for key in _LEAST if key in new and (key not in old or new[key] > old[key]))
    yield from (key for key in _MOST if key in new and (key not in old or new[key] < old[key]))
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield "additionalProperties"


def reference_page(page: str) -> str:
    """Renew the generated part of *page* (``docs/events.md``): all that follows the marker; people write the rest."""
    written = page.partition(REFERENCE_STARTS)[0]
    return written + REFERENCE_STARTS + "\n\n" + "\n".join(_reference())


def _reference() -> Iterator[str]:
    meanings = Meanings()
    yield from _topics()
    shapes: Json = {}
    for owner in OWNERS:
        types = [event_type for event_type in EVENTS if owner_of(event_type) == owner]
        yield from (f"## {owner}", "", "| Type · 类型 | Meaning | 含义 |", "|---|---|---|")
        for event_type in types:
            meaning, anchor = meanings.of_type(event_type), event_type.replace(".", "")
            yield f"| [`{event_type}`](#{anchor}) | {_first_line(meaning.en)} | {_first_line(meaning.zh)} |"
        yield ""
        for event_type in types:
            schema = schema_of(event_type)
            shapes |= schema.get("$defs", {})
            yield from _entry(event_type, schema, meanings)
    yield from ("## Shared shapes · 共用结构", "")
    for name, shape in sorted(shapes.items()):
        yield from (f"### {name}", "", shape["description"], "", *_field_table(name, shape, meanings))


def _topics() -> Iterator[str]:
    kept = f"{RETENTION_DAYS} d"
    yield from ("## Topics · 主题", "")
    yield from ("| Topic · 主题 | What it holds · 内容 | Partitions · 分区 | Kept · 保留 |", "|---|---|---|---|")
    yield from (
        f"| `{topic_of(owner)}` | all that {owner} says · {owner} 说的一切 | {PARTITIONS} | {kept} |"
        for owner in OWNERS
    )
    for owner in OWNERS:
        records = f"records that {owner} cannot read · {owner} 读不懂的记录"
        yield f"| `{dead_topic_of(owner)}` | {records} | {DEAD_PARTITIONS} | {kept} |"
    yield from ("", "Fields in **bold** are always there · **加粗**的字段必有。", "")


def _first_line(text: str) -> str:
    return text.partition("\n\n")[0]


def _entry(event_type: str, schema: Json, meanings: Meanings) -> Iterator[str]:
    meaning = meanings.of_type(event_type)
    yield from (f"### {event_type}", "", meaning.en, "", meaning.zh, "")
    yield from (f"*When:* {meaning.when_en}", "", f"*何时*：{meaning.when_zh}", "")
    yield from _field_table(event_type, schema, meanings)
    sample = as_text(samples_of(event_type)["zh"])
    files = (f"[{label}](../shared/contracts/{folder}/{event_type}.json)" for label, folder in _FILES)
    yield from (f"Sample · 示例 ({' · '.join(files)}):", "", "```json", sample.rstrip(), "```", "")


def _field_table(owner: str, schema: Json, meanings: Meanings) -> Iterator[str]:
    yield from ("| Field · 字段 | JSON | Meaning | 含义 |", "|---|---|---|---|")
    required = schema.get("required", ())
    for name, node in schema["properties"].items():
        label = f"**`{name}`**" if name in required else f"`{name}`"
        zh = meanings.of_field(owner, name)
        yield f"| {label} | {_kind(node)} | {_description(node)} | {zh} |"
    yield ""


def _description(node: Json) -> str:
    described = (part["description"] for part in (node, *node.get("anyOf", ())) if "description" in part)
    return next(described, "")


def _kind(node: Json) -> str:
    """Say in a few words which JSON stands at *node*."""
    if "anyOf" in node:
        return " or ".join(_kind(branch) for branch in node["anyOf"])
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in node:
        return ", ".join(f"`{value}`" for value in node["enum"])
    if node["type"] == "array":
        return f"list of {_kind(node['items'])}"
    if node["type"] == "object":
        return f"object of {_kind(node['additionalProperties'])}"
    bounds = [f"{sign} {node[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in node]
    return " ".join([str(node.get("format", node["type"])), *bounds])
