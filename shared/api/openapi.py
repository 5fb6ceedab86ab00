"""The problems of RFC 9457 in the OpenAPI document, where FastAPI puts an error format we never send."""

from typing import Any

from shared.api.problems import Problem, problem_in_openapi

_WRONG = "#/components/schemas/HTTPValidationError"


def document_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Describe in *document*, in place, what every operation answers when it does not do what was asked."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}), Problem=schema)
    for path in document["paths"].values():
        for operation in path.values():
            _describe(operation)
    return document


def _describe(operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "If-Match":  # its absence has an answer of its own, so FastAPI calls it optional
            parameter["required"] = True
            answers.setdefault("428", problem_in_openapi("`precondition-required`"))
    if _WRONG in str(answers.get("422")):
        answers["422"] = problem_in_openapi("`invalid`, `not-json`: see `errors`.")
    if operation.get("security"):
        answers.setdefault("401", problem_in_openapi("`key-required`"))
        answers.setdefault("403", problem_in_openapi("`scope-missing`: see `missing_scopes`."))
    answers.setdefault("default", problem_in_openapi("Any other problem. 其他问题。"))
