"""The OpenAPI document matches the handlers."""

import re
from inspect import iscoroutinefunction, signature
from typing import Any

import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.list_query import PARAMETERS
from calltally.calls.model import CALL_FIELDS, STATUSES
from calltally.store.tenants.api_keys import SCOPES
from calltally.store.tenants.routes import checked_route
from calltally.web.app import HANDLERS
from calltally.web.dashboard import rendering
from calltally.web.dashboard.routes import PAGE_HANDLERS
from calltally.web.openapi.document import openapi_document
from calltally.web.openapi.operation import OPERATION_KEY, Operation
from calltally.web.openapi.routes import problems_page, reference_page
from calltally.web.response.problem_kinds import KINDS

PAGE_FIELDS = ["id", "call_sid", "direction", "status", "duration_seconds", "escalated", "summary"]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document(HANDLERS, None)


@pytest.mark.parametrize("handler", [*HANDLERS, *PAGE_HANDLERS], ids=lambda each: each.fn.__name__)
def test_a_handler_takes_the_request_and_nothing_else(handler: Any) -> None:  # noqa: ANN401 (the framework's kinds)
    # Admission calls the handler, not the framework.
    assert list(signature(handler.fn).parameters) == ["request"]
    assert iscoroutinefunction(handler.fn)


def test_every_handler_has_an_operation_with_a_unique_id() -> None:
    operations = [handler.opt[OPERATION_KEY] for handler in HANDLERS]
    assert all(isinstance(operation, Operation) for operation in operations)
    assert len({operation.id for operation in operations}) == len(operations)


def test_every_declared_problem_exists() -> None:
    assert {slug for handler in HANDLERS for slug in handler.opt[OPERATION_KEY].problems} <= set(KINDS)


def test_list_parameters_are_those_of_the_parser(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/api/v1/call-logs"]["get"]["parameters"]
    # The streams have their own paths, and `tz` is for CSV only.
    assert [each["name"] for each in parameters] == [
        each.name for each in PARAMETERS if each.name not in {"format", "tz"}
    ]
    by_name = {each["name"]: each for each in parameters}
    assert by_name["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 25}
    assert by_name["limit"]["example"] == 25
    status = by_name["status"]
    assert status["schema"]["items"] == {"$ref": "#/components/schemas/CallStatus"}
    assert document["components"]["schemas"]["CallStatus"]["enum"] == list(STATUSES)
    # A generated client sends `status=a,b`.
    assert (status["style"], status["explode"]) == ("form", False)


def test_the_record_has_every_field_described_and_the_pages_seven_first(document: dict[str, Any]) -> None:
    call = document["components"]["schemas"]["Call"]
    assert list(call["properties"]) == list(CALL_FIELDS) == call["required"]
    assert list(CALL_FIELDS)[:7] == PAGE_FIELDS
    assert all(schema["description"] for schema in call["properties"].values())


def test_example_is_that_of_the_reference_page(document: dict[str, Any]) -> None:
    answer = document["paths"]["/api/v1/call-logs"]["get"]["responses"]["200"]
    example = answer["content"]["application/json"]["example"]
    assert list(example) == ["data", "limit", "offset", "total", "snapshot"]
    assert [example["data"][0][name] for name in PAGE_FIELDS] == [
        "550e8400-e29b-41d4-a716-446655440000",
        "CA1234567890abcdef1234567890abcdef",
        "outbound",
        "completed",
        142,
        False,
        "Customer confirmed appointment time.",
    ]


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [each for value in node.values() for each in references(value)]
        return [each for value in node for each in references(value)] if isinstance(node, list) else []

    for reference in references(document):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_authenticated_operation_declares_401_403_and_429(document: dict[str, Any]) -> None:
    listing = document["paths"]["/api/v1/call-logs"]["get"]
    assert listing["security"] == [{"bearer": []}, {"adminKey": []}]
    assert {"400", "401", "403", "404", "406", "413", "429", "500", "503"} <= listing["responses"].keys()
    assert document["paths"]["/healthz"]["get"]["security"] == []
    assert document["paths"]["/api/v1/admin/tenants"]["post"]["security"] == [{"adminKey": []}]


def test_bodies_of_administrators_are_described_with_their_limits(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["NewTenantBody"]["properties"]["id"] == {
        "type": "string",
        "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$",
        "maxLength": 64,
        "description": "The tenant's id: lower-case letters and digits, with single hyphens between them.",
    }
    scopes = schemas["NewApiKeyBody"]["properties"]["scopes"]
    assert scopes["minItems"] == 1
    assert scopes["items"] == {"$ref": "#/components/schemas/KeyScope"}
    assert schemas["KeyScope"]["enum"] == list(SCOPES)
    assert schemas["RouteBody"]["properties"]["numbers"]["maxItems"] == 1_000


@pytest.mark.parametrize(
    ("number", "is_one"),
    [
        ("+14155550100", True),
        (" 1 ", True),
        ("", False),
        (" \u3000", False),
        ("hello", False),
        ("\u0661", False),
        ("desk@example.com", True),
        ("client:ada", True),
        ("1\n", False),
        ("1\u202e", False),
    ],
)
def test_schema_of_route_numbers_equals_their_validation(
    document: dict[str, Any], number: str, *, is_one: bool
) -> None:
    schema = document["components"]["schemas"]["RouteBody"]["properties"]["numbers"]["items"]
    assert bool(re.fullmatch(schema["pattern"], number)) is is_one
    if is_one:
        checked_route("r", [number])
    else:
        with pytest.raises(InvalidInput):
            checked_route("r", [number])


def test_provider_secrets_are_listed_and_callback_body_is_optional(document: dict[str, Any]) -> None:
    secrets = document["paths"]["/api/v1/admin/tenants/{tenant}/providers/{provider}"]["put"]["requestBody"]
    shapes = secrets["content"]["application/json"]["schema"]["anyOf"]
    assert {"$ref": "#/components/schemas/TwilioSecrets"} in [{"$ref": each["$ref"]} for each in shapes]
    twilio = document["components"]["schemas"]["TwilioSecrets"]
    assert list(twilio["properties"]) == [
        *("auth_token", "auth_token_secondary"),
        *("account_sid", "api_key_sid", "api_key_secret"),
    ]
    assert (twilio["required"], twilio["additionalProperties"]) == (["auth_token"], False)
    schemas = document["components"]["schemas"]
    plivo = {name: schemas[name]["required"] for name in schemas if name.startswith("Plivo")}
    assert plivo == {"PlivoSecrets": ["auth_token"], "PlivoAuthTokenV2Secrets": ["auth_token_v2"]}
    assert secrets["required"] is True
    assert document["paths"]["/api/v1/ingest/{provider}/{tenant}"]["post"]["requestBody"]["required"] is False


def test_server_is_the_public_url() -> None:
    assert openapi_document(HANDLERS, "https://calls.example")["servers"] == [
        {"url": "https://calls.example"}
    ]


def test_reference_loads_swagger_ui_from_this_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "built_file", lambda name: name.encode())
    page = reference_page()
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "reference.js", "reference.css"):
        assert f'="/assets/{name}?' in page
    assert page.index("swagger-ui-bundle.js") < page.index("/assets/reference.js")
    # The page's policy forbids inline scripts.
    assert all(part.startswith(' src="/') for part in page.split("<script")[1:])


def test_reference_without_library_explains_how_to_build_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "built_file", lambda _name: None)
    page = reference_page()
    assert "make setup" in page
    assert 'href="/openapi.json"' in page
    assert "<script" not in page


def test_each_problem_has_the_anchor_that_its_type_names() -> None:
    page = problems_page()
    assert all(f'id="{slug}"' in page for slug in KINDS)


@pytest.mark.parametrize("library", [None, b"draw()"])
def test_pages_load_nothing_from_other_servers(
    library: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "built_file", lambda _name: library)
    for page in (reference_page(), problems_page()):
        for attribute in ('src="', 'href="'):
            addresses = [part.partition('"')[0] for part in page.split(attribute)[1:]]
            assert all(address.startswith(("/", "#")) for address in addresses)
