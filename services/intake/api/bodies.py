"""Request bodies that a channel's parser reads itself, and how OpenAPI is told of them."""

from typing import Any, Final

from pydantic import BaseModel

_DEFINITION: Final = "#/$defs/"


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """Describe a body whose JSON has the shape of *model*, every definition in its place."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    return _body({"application/json": {"schema": _inlined(schema, definitions)}})


def mail_body() -> dict[str, Any]:
    """Describe a body that is a mail as it was received."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    chinese = "From: Wang <wang@example.com>\r\nSubject: =?utf-8?B?54Gv5Z2P5LqG?=\r\n\r\n灯坏了，约好的师傅没来。\r\n"
    english = "From: Alex <alex@example.com>\r\nSubject: Broken lamp\r\n\r\nThe lamp arrived broken.\r\n"
    examples = {"zh": {"value": chinese}, "en": {"value": english}}
    return _body({"message/rfc822": {**binary, "examples": examples}, "application/octet-stream": binary})


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


def _inlined(value: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 - any piece of a JSON Schema
    if isinstance(value, list):
        return [_inlined(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str) and reference.startswith(_DEFINITION):
        return _inlined(definitions[reference.removeprefix(_DEFINITION)], definitions)
    return {key: _inlined(item, definitions) for key, item in value.items()}
