"""What the four OpenAPI documents promise a reader: both languages, problems, scopes, examples, nothing personal."""

import re
from importlib import import_module

import pytest
from jsonschema import Draft202012Validator, FormatChecker

SERVICES = ("intake", "routing", "resolution", "followup")
OPEN_TO_ALL = {"/livez", "/readyz", "/metrics", "/problems", "/problems/{slug}"}
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
CHINESE, ENGLISH = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]{2}")

WITHOUT_WORDS = {
    "By",
    "AgentRequest",
    "AttemptRequest",
    "EscalationRequest",
    "LinkRequest",
    "ReplayRequest",
    "TierRequest",
}
"""Bodies of ids, numbers, times and fixed terms only; their two examples are of no language."""

PERSONAL = re.compile(
    r"(^|_)(e_?mail|phone|mobile|tel|fax|address(es)?|street|postcode|birth(day|date)?|gender|age|passport|id_?card|wechat"
    r"|identit(y|ies)|sender|recipient|signature|raw|(customer|full|first|last|family|given|contact|user|nick)_?name)(_|$)"
    r"|^name$"
)
KNOWN_NAMES = {("routing", "TeamModel", "name")}
"""Names of what is no person."""


@pytest.fixture(scope="module", params=SERVICES)
def service(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def document(service) -> dict:
    return document_of(service)


@pytest.fixture(scope="module")
def operations(document) -> dict[str, dict]:
    return operations_of(document)


def document_of(service):
    app, settings = (import_module(f"services.{service}.{part}") for part in ("app", "settings"))
    settings = getattr(settings, f"{service.title()}Settings")(database_url="postgresql://nobody@127.0.0.1:1/nothing")
    return app.app_of(app.engine_of(settings), settings).openapi()


def operations_of(document):
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def both(text: str) -> bool:
    return bool(CHINESE.search(text) and ENGLISH.search(text))


def test_everyone_can_read_what_each_operation_is_for(document, operations):
    assert [label for label, each in operations.items() if not both(each["summary"])] == []
    assert both(document["info"]["title"])
    assert both(document["info"]["description"])


def test_each_operation_has_a_name_of_its_own(operations):
    names = [each["operationId"] for each in operations.values()]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


def test_whatever_goes_wrong_is_documented_as_a_problem(document, operations):
    for label, operation in operations.items():
        for status, answer in operation["responses"].items():
            if status == "default" or status >= "4":
                assert answer["content"] == PROBLEM, (label, status)
                assert answer["description"], (label, status)
        assert "default" in operation["responses"], label
    assert {"type", "title", "status"} <= set(document["components"]["schemas"]["Problem"]["required"])
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_what_a_caller_must_reckon_with_is_documented(operations):
    for label, operation in operations.items():
        expected = {"401", "403"} if operation.get("security") else set()
        expected |= {"422"} if "requestBody" in operation else set()
        if "If-Match" in {each["name"] for each in operation.get("parameters", ()) if each["required"]}:
            expected |= {"412", "428"}
        if re.search(r"{(complaint|customer|contact|message|agent|promise)(_id)?}", label) and "events" not in label:
            expected |= set() if label.startswith("PUT /v1/agents") else {"404"}
        assert expected <= operation["responses"].keys(), label


def test_each_operation_names_the_scope_that_it_needs(service, document, operations):
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    for label, operation in operations.items():
        if label.split()[1] in OPEN_TO_ALL:
            assert "security" not in operation, label
            continue
        assert operation["security"], label
        for way in operation["security"]:
            (scope,) = way["ApiKey"]
            assert scope == "admin" if "/admin/" in label else scope.startswith(f"{service}:"), label


def test_reading_needs_no_right_to_write(operations):
    for label, operation in operations.items():
        scopes = {scope for way in operation.get("security", ()) for scope in way["ApiKey"]}
        if label.startswith("GET /v1/") and "/admin/" not in label:
            assert {scope.split(":")[1] for scope in scopes} & {"read", "deliver"}, label
        if not label.startswith("GET"):
            assert not {scope for scope in scopes if scope.endswith(":read")}, label


def bodies(document, operations):
    """Each body's label, name, schema and examples."""
    for label, operation in operations.items():
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if kind == "application/octet-stream":
                continue
            name = content["schema"].get("$ref", label).rpartition("/")[2]
            schema = document["components"]["schemas"].get(name, content["schema"])
            given = [each["value"] for each in content.get("examples", {}).values()]
            yield label, name, content["schema"], given or schema.get("examples", [])


def test_each_body_has_an_example_in_chinese_and_one_in_english(document, operations):
    for label, name, _, examples in bodies(document, operations):
        assert len(examples) >= 2, label
        if name not in WITHOUT_WORDS:
            chinese = [bool(CHINESE.search(str(each)) or "utf-8?B?" in str(each)) for each in examples]
            assert True in chinese, label
            assert False in chinese, label


def test_each_example_is_what_its_schema_asks_for(document, operations):
    for label, _, schema, examples in bodies(document, operations):
        validator = Draft202012Validator(
            {**schema, "components": document["components"]}, format_checker=FormatChecker()
        )
        for example in examples:
            assert [error.message for error in validator.iter_errors(example)] == [], label


def answered_with(document, operation):
    """The names of the schemas that an operation's successful answers are made of."""
    found, queue = set(), [each for status, each in operation["responses"].items() if status < "4"]
    while queue:
        names = set(re.findall(r"#/components/schemas/([^']+)'", repr(queue.pop())))
        queue += [document["components"]["schemas"][name] for name in names - found]
        found |= names
    return found


def test_nobody_but_intake_answers_with_anything_personal(service, document, operations):
    leaks = {
        (service, name, member)
        for operation in operations.values()
        for name in answered_with(document, operation)
        for member in document["components"]["schemas"][name].get("properties", ())
        if PERSONAL.search(member)
    }
    assert leaks - KNOWN_NAMES == set() if service != "intake" else leaks


def test_intake_shows_who_somebody_is_to_readers_and_deliverers_only():
    document = document_of("intake")
    for label, operation in operations_of(document).items():
        if {"CustomerModel", "MessageModel"} & answered_with(document, operation):
            scopes = {scope for way in operation["security"] for scope in way["ApiKey"]}
            assert scopes & {"intake:read", "intake:deliver"}, label
