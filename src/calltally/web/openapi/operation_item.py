"""Operations of the document: parameters, request bodies and successful responses."""

from typing import Any, Final

import msgspec

from calltally.calls.list_query import TENANT_PARAMETER
from calltally.calls.parameters import Parameter
from calltally.web.openapi.operation import (
    FORMAT,
    IDEMPOTENCY_KEY,
    Operation,
    PathParameter,
    RequestBodySpec,
    ResponseSpec,
    Schema,
)
from calltally.web.openapi.problem_responses import COMMON_HEADERS, problem_references
from calltally.web.openapi.schema_walk import Json
from calltally.web.request.access import ADMIN
from calltally.web.response.deprecation import Deprecation

_REF: Final = "#/components/schemas/{name}"
_DEPRECATION_HEADERS: Final[Json] = {
    name: {"description": text, "schema": {"type": "string"}}
    for name, text in (
        ("Deprecation", "When the operation, or a parameter of the request, became deprecated (RFC 9745)."),
        ("Sunset", "The time from which it may be missing (RFC 8594)."),
    )
}


def operation_item(operation: Operation) -> Json:
    """Return one operation of the document."""
    return {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _description(operation),
        **({"deprecated": True} if operation.deprecation else {}),
        "security": _security(operation),
        **_member("parameters", _parameters(operation)),
        **({"requestBody": _body(operation.body)} if operation.body else {}),
        "responses": {**_responses(operation), **problem_references(operation)},
    }


def head_item(operation: Operation) -> Json:
    """Return the HEAD operation of a GET: the same responses without their content."""
    item = operation_item(operation)
    responses = {
        status: {name: part for name, part in response.items() if name != "content"}
        for status, response in item["responses"].items()
    }
    name = operation.id[0].upper() + operation.id[1:]
    summary = f"Get only the headers of {operation.id}."
    description = f"The response has the headers of GET and no body. {item['description']}"
    return {
        **item,
        "operationId": f"head{name}",
        "summary": summary,
        "description": description,
        "responses": responses,
    }


def _member(name: str, value: list[Json]) -> Json:
    return {name: value} if value else {}


def _description(operation: Operation) -> str:
    scope_text = f"Needs the scope `{operation.scope}`."
    needs = {None: "Needs no key.", ADMIN: "Needs the admin key."}.get(operation.scope, scope_text)
    ends = operation.deprecation.description if operation.deprecation else ""
    return " ".join(filter(None, (ends, operation.description, needs)))


def _security(operation: Operation) -> list[Json]:
    if operation.scope is None:
        return []
    if operation.scope == ADMIN:
        return [{"adminKey": []}]
    return [{"bearer": []}, *([{"adminKey": []}] if operation.is_tenant_scoped else [])]


def _parameters(operation: Operation) -> list[Json]:
    own = [each for each in operation.query if each.name not in operation.unpublished]
    names_tenant = operation.is_tenant_scoped and TENANT_PARAMETER.name not in {each.name for each in own}
    return [
        *map(_path_parameter, operation.path),
        *(_query_parameter(each, operation.deprecated_parameters.get(each.name)) for each in own),
        *([_query_parameter(TENANT_PARAMETER)] if names_tenant else []),
        *([IDEMPOTENCY_KEY] if operation.takes_idempotency_key else []),
        *operation.headers,
    ]


def _path_parameter(part: PathParameter) -> Json:
    head = {"name": part.name, "in": "path", "required": True, "description": part.description}
    return {**head, "schema": dict(part.schema), "example": part.example}


def _query_parameter(parameter: Parameter, deprecation: Deprecation | None = None) -> Json:
    is_list = parameter.schema.get("type") == "array"
    meaning = f"{deprecation.description} {parameter.meaning}" if deprecation else parameter.meaning
    return {
        "name": parameter.name,
        "in": "query",
        **({"required": True} if parameter.required else {}),
        **({"deprecated": True} if deprecation else {}),
        "description": meaning,
        "schema": dict(parameter.schema),
        # Values of a list are separated by commas; the service accepts repeated parameters too.
        **({"style": "form", "explode": False} if is_list else {}),
        "example": [parameter.example] if is_list else typed_example(parameter),
    }


def typed_example(parameter: Parameter) -> object:
    """Return the example in the type of its schema: the table has it as URL text."""
    if parameter.schema.get("type") in {"integer", "boolean"}:
        return msgspec.json.decode(parameter.example)
    return parameter.example


def _body(body: RequestBodySpec) -> Json:
    content: Json = {}
    for media_type, schema in body.content.items():
        content[media_type] = {"schema": reference_of(schema)}
        # A text example belongs to the non-JSON media type.
        if body.example is not None and (media_type == "application/json") != isinstance(body.example, str):
            content[media_type]["example"] = body.example
    description = {"description": body.description} if body.description else {}
    return {"required": body.required, "content": content, **description}


def _responses(operation: Operation) -> Json:
    return {str(status): _response(operation, answer) for status, answer in operation.responses.items()}


def _response(operation: Operation, answer: ResponseSpec) -> Json:
    own = {name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()}
    ends = _DEPRECATION_HEADERS if operation.deprecation or operation.deprecated_parameters else {}
    headers = {**COMMON_HEADERS, **own, **ends}
    response: Json = {"description": answer.description, "headers": headers}
    if answer.schema is not None:
        example: dict[str, Any] = {} if answer.example is None else {"example": answer.example}
        alternatives = {} if FORMAT in operation.unpublished else answer.alternatives
        response["content"] = {
            answer.media_type: {"schema": reference_of(answer.schema), **example},
            **{media_type: {"schema": dict(schema)} for media_type, schema in alternatives.items()},
        }
    return response


def reference_of(schema: Schema | type) -> Json:
    return {"$ref": _REF.format(name=schema.__name__)} if isinstance(schema, type) else dict(schema)
