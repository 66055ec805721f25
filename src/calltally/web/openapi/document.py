"""The OpenAPI 3.1 document, built from the operations of the handlers.

The framework's own generator reads signatures, but our handlers return bytes and read queries by the table of
`calls.list_query`. Admission enforces the same operations, so the document matches the service.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from calltally import __version__
from calltally.web.openapi.call_schema import SCHEMAS
from calltally.web.openapi.event_schemas import webhook_items, webhook_references
from calltally.web.openapi.named_enums import enum_components
from calltally.web.openapi.operation import OPERATION_KEY, Operation, Schema
from calltally.web.openapi.operation_item import head_item, operation_item
from calltally.web.openapi.problem_responses import problem_components
from calltally.web.openapi.schema_forms import finished_schema
from calltally.web.openapi.schema_walk import Json, change_schemas, with_components
from calltally.web.openapi.struct_schemas import struct_components
from calltally.web.response.problems import Problem

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
_TAGS: Final[Mapping[str, str]] = {
    "Call logs": "Calls: the list, one call with its timeline, streams of a window, and the feed of changes.",
    "Voice sessions": "Conversations of calls with voice agents: transcripts, function calls, evaluations.",
    "Analytics": "Counts, rates and times of calls, and the effect of a launch.",
    "Ingest": "Events of calls, from the tenant itself or as callbacks of providers.",
    "Exports": "Exports of calls to files, as jobs.",
    "Reconciliations": "Comparisons of calls with a provider's list or with received events, as jobs.",
    "Alerts": "Alerts, their rules, and the sinks that receive their notifications.",
    "Webhooks": "Endpoints that receive events, and the deliveries to them.",
    "Administration": "Tenants, API keys, routes and the secrets of providers, for the operator.",
    "Operation": "Probes and metrics, for the operator.",
    "Documents": "JSON Schemas of the delivered events.",
}
_INFO: Final[Json] = {
    "title": "Calltally",
    "version": __version__,
    "summary": "Call history of voice agents and phone lines: one true record per call.",
    "description": "Times are RFC 3339 in UTC. Unknown values are null. Every error response is a"
    " problem document (RFC 9457) whose `type` links to an explanation. Every path with GET also answers"
    " HEAD: the same headers without a body. New fields and new values of enumerations may be added within"
    " v1; a client must ignore fields that it does not know.",
    "contact": {"name": "The operator of this service"},
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}


def openapi_document(handlers: Sequence[Any], public_url: str | None) -> Json:
    """Return the document of the published operations of `handlers`."""
    published = [handler for handler in handlers if operation_of(handler).is_published]
    operations = [operation_of(handler) for handler in published]
    tags = dict.fromkeys(each.tag for each in operations)
    document = {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [{"url": public_url or "/"}],
        "tags": [{"name": tag, "description": _TAGS[tag]} for tag in tags],
        # In the order of the application: the most used operations first.
        "paths": _paths(published),
        "webhooks": webhook_references(),
        "components": {
            "schemas": {**SCHEMAS, **struct_components(_structs(operations)), **enum_components()},
            "pathItems": webhook_items(),
            "responses": problem_components(operations),
            "headers": _HEADERS,
            "securitySchemes": _SECURITY,
        },
    }
    finished: Json = change_schemas(with_components(document), finished_schema)
    return finished


def operation_of(handler: Any) -> Operation:  # noqa: ANN401 (one of the framework's kinds of handler)
    """Return the operation of a handler. Raises KeyError for a handler without one."""
    operation: Operation = handler.opt[OPERATION_KEY]
    return operation


def _paths(handlers: Iterable[Any]) -> Json:
    paths: dict[str, Json] = {}
    for handler in handlers:
        operation = operation_of(handler)
        for path in sorted(handler.paths):
            methods = paths.setdefault(re.sub(r"\{(\w+):\w+\}", r"{\1}", path), {})
            for method in sorted(handler.http_methods):
                methods[str(method).lower()] = operation_item(operation)
            if operation.publishes_head:
                methods["head"] = head_item(operation)
    return paths


def _structs(operations: Iterable[Operation]) -> Iterable[type]:
    """Return every Struct that the operations name."""
    structs: dict[type, None] = {Problem: None}
    for operation in operations:
        named: list[Schema | type | None] = [answer.schema for answer in operation.responses.values()]
        named += operation.body.content.values() if operation.body else []
        structs |= {schema: None for schema in named if isinstance(schema, type)}
    return structs
