"""Declaration of an operation: admission enforces it, and the OpenAPI document publishes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from calltally.calls.parameters import Parameter
from calltally.web.response.deprecation import Deprecation

Schema = Mapping[str, Any]

# The framework stores extra arguments of a route decorator under their names. It lets no handler that is
# declared as 204 return a Response, so such handlers declare 200, and the Response itself has status 204.
OPERATION_KEY: Final = "operation"
JSON: Final = "application/json"
# The parameter that replaces Accept, so that a plain link works.
FORMAT: Final = "format"

IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A key of your choice for one object. For 24 hours, a repeat with the same key and"
    " body gets the first answer and creates nothing. With another body it is a conflict.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "example": "october-2026",
}


@dataclass(frozen=True, kw_only=True)
class PathParameter:
    """One variable segment of a path."""

    name: str
    description: str
    schema: Schema
    example: str


@dataclass(frozen=True, kw_only=True)
class RequestBodySpec:
    """Request body. `content` maps media types to JSON schemas, or to Structs with a schema.

    `problems` are the slugs that its decoder may return.
    """

    content: Mapping[str, Schema | type]
    description: str = ""
    example: Any = None
    required: bool = True
    problems: tuple[str, ...] = ("invalid-body", "unsupported-media-type")


@dataclass(frozen=True, kw_only=True)
class ResponseSpec:
    """One successful response. Without a `schema` it has no body.

    `headers` maps names to descriptions. `alternatives` maps further media types that a client can request to
    their schemas.
    """

    description: str
    schema: Schema | type | None = None
    example: Any = None
    media_type: str = JSON
    alternatives: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path.

    - `scope`: the scope that a key needs; `admin` for the admin key; None for public operations.
    - `is_rate_limited`: the operation consumes the key's request budget.
    - `is_negotiated`: an Accept header without a matching media type is refused. Callbacks of providers are
      accepted whatever their Accept header.
    - `is_tenant_scoped`: the admin key is accepted too, and names the tenant with `tenant=`.
    - `allows_all_tenants`: the admin key may omit `tenant=` to read all tenants.
    - `query`: the parameters. With `parses_query` the handler parses the whole query itself, so that it can
      report all errors at once.
    - `takes_idempotency_key`: a repeated request with the same Idempotency-Key gets the first answer.
    - `headers`: request headers, as parameters of the document.
    - `unpublished`: names of parameters that the document leaves out. Without `format`, it has only the
      default media type; the other ones have operations of their own.
    - `publishes_head`: the document also has the HEAD operation. Every GET answers HEAD.
    - `problems`: slugs of `problems.KINDS`, in addition to those that the other fields imply.
    - `deprecation`: the operation ends; `deprecated_parameters` has parameters of the query that end.
    - `is_published`: the OpenAPI document contains the operation; pages of the dashboard are not published.
    """

    id: str
    tag: str
    summary: str
    responses: Mapping[int, ResponseSpec]
    description: str = ""
    scope: str | None = None
    is_rate_limited: bool = True
    is_negotiated: bool = True
    is_tenant_scoped: bool = False
    allows_all_tenants: bool = False
    path: tuple[PathParameter, ...] = ()
    query: tuple[Parameter, ...] = ()
    parses_query: bool = False
    body: RequestBodySpec | None = None
    takes_idempotency_key: bool = False
    headers: tuple[dict[str, Any], ...] = ()
    unpublished: tuple[str, ...] = ()
    publishes_head: bool = False
    problems: tuple[str, ...] = ()
    deprecation: Deprecation | None = None
    deprecated_parameters: Mapping[str, Deprecation] = field(default_factory=dict)
    is_published: bool = True

    @cached_property
    def media_types(self) -> tuple[bytes, ...]:
        """Return the media types of the responses; the first is the default."""
        named = (
            name for answer in self.responses.values() for name in (answer.media_type, *answer.alternatives)
        )
        return tuple(name.encode() for name in dict.fromkeys(named))

    @cached_property
    def has_format(self) -> bool:
        """Return whether the parameter `format` can replace Accept."""
        return any(each.name == FORMAT for each in self.query)


def json_request(
    schema: Schema | type, example: object, *, description: str = "", required: bool = True
) -> RequestBodySpec:
    content = {JSON: schema}
    return RequestBodySpec(content=content, example=example, description=description, required=required)


def one_response(
    status: int,
    description: str,
    schema: Schema | type | None = None,
    example: object = None,
    **fields: Any,  # noqa: ANN401 (fields of the response)
) -> dict[int, ResponseSpec]:
    """Return the only successful response of an operation. `fields` are further fields of the response."""
    return {status: ResponseSpec(description=description, schema=schema, example=example, **fields)}
