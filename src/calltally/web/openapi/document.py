"""The OpenAPI 3.1 document, built from the operations of the handlers.

The framework's own generator reads signatures, but our handlers return bytes and read queries by the table of
`calls.list_query`. Admission enforces the same operations, so the document matches the service.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from calltally import __version__
from calltally.calls.parameters import Parameter
from calltally.web.openapi.call_schema import SCHEMAS
from calltally.web.openapi.operation import (
    OPERATION_KEY,
    Operation,
    PathParameter,
    RequestBodySpec,
    ResponseSpec,
    Schema,
)
from calltally.web.request.access import ADMIN
from calltally.web.response.problem_kinds import KINDS, ProblemKind
from calltally.web.response.problems import PROBLEM_JSON, TYPE_PREFIX, Problem

Json = dict[str, Any]

_REF: Final = "#/components/schemas/{name}"
_COMMON_PROBLEMS: Final = (
    "bad-request",
    "request-timeout",
    "too-large",
    "head-too-large",
    "internal",
    "unavailable",
)
_COMMON_HEADERS: Final = {
    name: {"$ref": f"#/components/headers/{name}"}
    for name in ("x-request-id", "X-RateLimit-Limit", "X-RateLimit-Remaining")
}
_HEADERS: Final[Json] = {
    "x-request-id": {
        "description": "The request id: the client's own if it has 1 to 128 safe characters.",
        "schema": {"type": "string"},
    },
    "X-RateLimit-Limit": {
        "description": "Requests per minute and key, with bursts of the same size. Absent without a limit.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Remaining": {
        "description": "The remaining requests.",
        "schema": {"type": "integer"},
    },
}
_PROBLEM_HEADERS: Final[Mapping[str, Json]] = {
    "unauthorized": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    "rate-limited": {"Retry-After": {"schema": {"type": "integer"}}},
    "unavailable": {"Retry-After": {"schema": {"type": "integer"}}},
}
_SECURITY: Final[Json] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A tenant's API key. Each operation names its scope.",
    },
    "adminKey": {
        "type": "apiKey",
        "in": "header",
        "name": "x-admin-key",
        "description": "The operator's key. For operations that also accept a tenant's key, it names the"
        " tenant with `tenant=` in the query. Other keys must not send that parameter.",
    },
}


_INFO: Final[Json] = {
    "title": "Calltally",
    "version": __version__,
    "summary": "Call history of voice agents and phone lines: one true record per call.",
    "description": "Times are RFC 3339 in UTC. Unknown values are null. Every error response is a"
    " problem document (RFC 9457) whose `type` links to an explanation.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}


def openapi_document(handlers: Sequence[Any], public_url: str | None) -> Json:
    """Return the document of the published operations of `handlers`."""
    is_published = [handler for handler in handlers if operation_of(handler).is_published]
    paths: dict[str, Json] = {}
    for handler in is_published:
        for path in sorted(handler.paths):
            methods = paths.setdefault(re.sub(r"\{(\w+):\w+\}", r"{\1}", path), {})
            for method in sorted(handler.http_methods):
                methods[str(method).lower()] = _operation(operation_of(handler))
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [{"url": public_url or "/"}],
        "tags": [
            {"name": tag} for tag in dict.fromkeys(operation_of(handler).tag for handler in is_published)
        ],
        # In the order of the application: the most used operations first.
        "paths": paths,
        "components": {
            "schemas": {**SCHEMAS, **_struct_schemas(map(operation_of, is_published))},
            "responses": {
                f"Problem{status}": _problem_response(status)
                for status in sorted({kind.status for kind in KINDS.values()})
            },
            "headers": _HEADERS,
            "securitySchemes": _SECURITY,
        },
    }


def operation_of(handler: Any) -> Operation:  # noqa: ANN401 (one of the framework's kinds of handler)
    """Return the operation of a handler. Raises KeyError for a handler without one."""
    operation: Operation = handler.opt[OPERATION_KEY]
    return operation


def _operation(operation: Operation) -> Json:
    parameters = [
        *map(_path_parameter, operation.path),
        # Parameters that only the admin key may send are not published.
        *(_query_parameter(each) for each in operation.query if not each.is_for_admin),
    ]
    responses = {str(status): _response(answer) for status, answer in operation.responses.items()}
    problems = {
        str(status): {"$ref": f"#/components/responses/Problem{status}"}
        for status in problem_statuses(operation)
        if status not in operation.responses
    }
    return {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        **({"description": text} if (text := _description(operation)) else {}),
        "security": _security(operation),
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": _body(operation.body)} if operation.body else {}),
        "responses": {**responses, **problems},
    }


def _description(operation: Operation) -> str:
    scope_text = f"Needs the scope `{operation.scope}`."
    needs = {None: "", ADMIN: "Needs the admin key."}.get(operation.scope, scope_text)
    return " ".join(filter(None, (operation.description, needs)))


def _security(operation: Operation) -> list[Json]:
    if operation.scope is None:
        return []
    if operation.scope == ADMIN:
        return [{"adminKey": []}]
    return [{"bearer": []}, *([{"adminKey": []}] if operation.is_tenant_scoped else [])]


def problem_kinds(operation: Operation) -> list[ProblemKind]:
    """Return every problem that the operation may return, by status."""
    slugs = {*_COMMON_PROBLEMS, *operation.problems, "invalid-parameter"}
    if operation.scope is not None:
        slugs |= {"unauthorized", "forbidden"} | ({"rate-limited"} if operation.is_rate_limited else set())
    if operation.is_tenant_scoped:
        slugs.add("not-found")
    if operation.body is not None:
        slugs.update(operation.body.problems)
    if operation.is_negotiated:
        slugs.add("not-acceptable")
    return sorted((KINDS[slug] for slug in slugs), key=lambda kind: (kind.status, kind.slug))


def problem_statuses(operation: Operation) -> list[int]:
    """Return the distinct status codes of `problem_kinds`."""
    return sorted({kind.status for kind in problem_kinds(operation)})


def _path_parameter(part: PathParameter) -> Json:
    head = {"name": part.name, "in": "path", "required": True, "description": part.description}
    return {**head, "schema": dict(part.schema), "example": part.example}


def _query_parameter(parameter: Parameter) -> Json:
    is_list = parameter.schema.get("type") == "array"
    return {
        "name": parameter.name,
        "in": "query",
        **({"required": True} if parameter.required else {}),
        "description": parameter.meaning,
        "schema": dict(parameter.schema),
        **({"style": "form", "explode": True} if is_list else {}),
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
        content[media_type] = {"schema": _reference(schema)}
        # A text example belongs to the non-JSON media type.
        if body.example is not None and (media_type == "application/json") != isinstance(body.example, str):
            content[media_type]["example"] = body.example
    description = {"description": body.description} if body.description else {}
    return {"required": body.required, "content": content, **description}


def _response(answer: ResponseSpec) -> Json:
    own = {name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()}
    response: Json = {"description": answer.description, "headers": {**_COMMON_HEADERS, **own}}
    if answer.schema is not None:
        example = {} if answer.example is None else {"example": answer.example}
        alternatives = {
            media_type: {"schema": dict(schema)} for media_type, schema in answer.alternatives.items()
        }
        response["content"] = {
            answer.media_type: {"schema": _reference(answer.schema), **example},
            **alternatives,
        }
    return response


def _reference(schema: Schema | type) -> Json:
    return {"$ref": _REF.format(name=schema.__name__)} if isinstance(schema, type) else dict(schema)


def _struct_schemas(operations: Iterable[Operation]) -> Json:
    """Return components for every Struct that an operation names, and for the Structs within them."""
    structs: dict[type, None] = {Problem: None}
    for operation in operations:
        named: list[Schema | type | None] = [answer.schema for answer in operation.responses.values()]
        named += operation.body.content.values() if operation.body else []
        structs |= {schema: None for schema in named if isinstance(schema, type)}
    _references, components = msgspec.json.schema_components(structs, ref_template=_REF)
    return components


def _problem_response(status: int) -> Json:
    kinds = [kind for kind in KINDS.values() if kind.status == status]
    headers = {name: header for kind in kinds for name, header in _PROBLEM_HEADERS.get(kind.slug, {}).items()}
    examples = {kind.slug: {"summary": kind.title, "value": problem_example(kind)} for kind in kinds}
    return {
        "description": " ".join(kind.description for kind in kinds),
        "headers": {**_COMMON_HEADERS, **headers},
        "content": {PROBLEM_JSON.decode(): {"schema": _reference(Problem), "examples": examples}},
    }


def problem_example(kind: ProblemKind) -> Json:
    return {
        "type": TYPE_PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.description,
        "instance": "/api/v1/call-logs",
        "request_id": "0f8fad5bd9cb469fa16570867728950e",
        "errors": [],
    }
