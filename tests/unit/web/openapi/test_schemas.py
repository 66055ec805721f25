"""Schemas of the document: what the generators of clients and their readers need of each."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from calltally.calls.event_types import ALERT_CHANGES, SUBSCRIBABLE, TEST, alert_event
from calltally.web.app import HANDLERS
from calltally.web.openapi.document import openapi_document, operation_of
from calltally.web.openapi.event_schemas import event_schemas
from calltally.web.openapi.named_enums import NAMED_ENUMS
from calltally.web.openapi.struct_schemas import FIELD_TEXTS

Json = dict[str, Any]
SCHEMAS_PATH = "/components/schemas"
# Names of fields that are times, whatever object has them.
TIME = re.compile(r"(\w+_at|at|from|to|since|until|time|\w+_until|\w+_since)")


@pytest.fixture(scope="module")
def document() -> Json:
    return openapi_document(HANDLERS, None)


def walk(node: object, path: str = "") -> Iterator[tuple[str, Json]]:
    """Yield every object of a document with its path. Examples are data."""
    if isinstance(node, dict):
        yield path, node
        for name, value in node.items():
            if name not in {"example", "examples"} or path.endswith("/properties"):
                yield from walk(value, f"{path}/{name}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from walk(value, f"{path}/{number}")


def fields(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, node in walk(document):
        if isinstance(node.get("properties"), dict) and "/properties/properties" not in path:
            for name, schema in node["properties"].items():
                yield path, name, schema


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_field_parameter_and_header_has_a_description(document: Json) -> None:
    missing = [f"{path}.{name}" for path, name, schema in fields(document) if not schema.get("description")]
    for path, method, operation in operations(document):
        parts = [*operation.get("parameters", ()), operation]
        missing += [f"{method} {path} {each.get('name')}" for each in parts if not each.get("description")]
    described = {**document["components"]["schemas"], **document["components"]["headers"]}
    missing += [name for name, schema in described.items() if not schema.get("description")]
    assert missing == []
    assert len(list(fields(document))) > 600


def test_a_description_is_a_sentence_of_plain_words(document: Json) -> None:
    texts = {schema["description"] for _path, _name, schema in fields(document)}
    assert [text for text in texts if not re.match(r"[A-Z`]", text) or text[-1] not in ".:"] == []


def test_no_description_is_of_a_field_that_does_not_exist(document: Json) -> None:
    schemas = document["components"]["schemas"]
    unused = [
        f"{struct}.{field}"
        for struct, texts in FIELD_TEXTS.items()
        for field in texts
        if field not in schemas[struct]["properties"]
    ]
    assert unused == []


def test_names_and_titles_are_unique_camel_case(document: Json) -> None:
    schemas = document["components"]["schemas"]
    assert {name: schema["title"] for name, schema in schemas.items()} == {name: name for name in schemas}
    assert [name for name in schemas if not re.fullmatch(r"(?:[A-Z][a-z0-9]+)+", name)] == []
    assert len({name.lower() for name in schemas}) == len(schemas)
    titles = [path for path, node in walk(document) if isinstance(node.get("title"), str)]
    assert [path for path in titles if path.rpartition("/")[0] != SCHEMAS_PATH and path != "/info"] == []


def test_an_enumeration_is_declared_once_and_referred_to(document: Json) -> None:
    positions = [path for path, node in walk(document) if len(node.get("enum", ())) > 1]
    inline = [path for path in positions if path.rpartition("/")[0] != SCHEMAS_PATH]
    assert inline == []
    assert NAMED_ENUMS.keys() <= document["components"]["schemas"].keys()


def test_every_time_has_its_format(document: Json) -> None:
    without = [
        f"{path}.{name}"
        for path, name, schema in fields(document)
        if TIME.fullmatch(name) and "date-time" not in str(schema) and name != "looked_at"
    ]
    assert without == []


def test_descriptions_name_the_parameters_that_take_a_day(document: Json) -> None:
    listing = document["paths"]["/api/v1/call-logs"]["get"]["parameters"]
    [since] = [each for each in listing if each["name"] == "from"]
    assert since["schema"]["then"] == {"format": "date"}
    assert since["schema"]["else"] == {"format": "date-time"}


def test_a_parameter_of_a_query_has_one_type(document: Json) -> None:
    # Of a choice of types, generators for Go make a struct, and write its name into the query.
    choices = [
        (operation["operationId"], parameter["name"])
        for _path, _method, operation in operations(document)
        for parameter in operation.get("parameters", ())
        if {"anyOf", "oneOf"} & parameter["schema"].keys()
    ]
    assert choices == []


def test_no_schema_is_only_null_and_a_free_object_is_described_so(document: Json) -> None:
    nulls, unsaid = [], []
    for path, node in walk(document):
        if node.get("type") == "null" and "/anyOf/" not in path:
            nulls.append(path)
        kinds = node.get("type")
        is_object = kinds == "object" or (isinstance(kinds, list) and "object" in kinds)
        if is_object and not {"properties", "additionalProperties"} & node.keys():
            unsaid.append(path)
    assert (nulls, unsaid) == ([], [])


def test_an_operation_has_one_type_of_answer(document: Json) -> None:
    several = {}
    for _path, _method, operation in operations(document):
        contents = [
            answer["content"]
            for status, answer in operation["responses"].items()
            if status < "3" and "content" in answer
        ]
        # Of a file's bytes, clients get a text for CSV: both are strings.
        schemas = {
            media["schema"].get("$ref") or media["schema"]["type"]
            for content in contents
            for media in content.values()
        }
        if len(schemas) > 1:
            several[operation["operationId"]] = schemas
    assert several == {}


def test_tenant_is_declared_wherever_the_admin_key_needs_it(document: Json) -> None:
    published = {operation_of(each).id: operation_of(each) for each in HANDLERS}
    for _path, method, operation in operations(document):
        declared = published.get(operation["operationId"])
        if method == "head" or declared is None:
            continue
        names = {each["name"] for each in operation.get("parameters", ())}
        assert ("tenant" in names) == (
            declared.is_tenant_scoped or "tenant" in {*map(_name, declared.query)} or "{tenant}" in _path
        )
    erase = document["paths"]["/api/v1/call-logs/{id}"]["delete"]
    assert [each["required"] for each in erase["parameters"] if each["name"] == "tenant"] == [True]


def _name(parameter: Any) -> str:  # noqa: ANN401 (a Parameter)
    return str(parameter.name)


def test_operations_are_named_uniquely_and_declare_head(document: Json) -> None:
    ids = [operation["operationId"] for _path, _method, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    heads = {path for path, method, _operation in operations(document) if method == "head"}
    assert {"/api/v1/call-logs", "/api/v1/call-logs.csv", "/api/v1/exports/{id}/files/{name}"} <= heads
    for path in heads:
        responses = document["paths"][path]["head"]["responses"]
        assert all("content" not in each for each in responses.values())


def test_no_schema_is_named_as_the_constructor_of_another(document: Json) -> None:
    # In Go, the constructor of `ApiKey` is `NewApiKey`.
    names = document["components"]["schemas"].keys()
    assert {f"New{name}" for name in names}.isdisjoint(names)


def test_no_default_is_an_object(document: Json) -> None:
    assert [path for path, node in walk(document) if isinstance(node.get("default"), dict)] == []


def test_every_event_is_a_webhook_in_both_formats(document: Json) -> None:
    webhooks = document["webhooks"]
    assert set(webhooks) == {*SUBSCRIBABLE, TEST, *map(alert_event, ALERT_CHANGES)}
    schemas = document["components"]["schemas"]
    for event, reference in webhooks.items():
        item = document["components"]["pathItems"][reference["$ref"].rpartition("/")[2]]
        for content in item["post"]["requestBody"]["content"].values():
            schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
            assert event in {each.get("const") for each in schema["properties"].values()}
            assert schema["properties"]["data"]["$ref"].endswith("Data")


def test_served_schemas_stand_alone() -> None:
    for path, schema in event_schemas():
        assert schema["$id"] == path
        assert "$ref" not in str({name: part for name, part in schema.items() if name != "$schema"})
