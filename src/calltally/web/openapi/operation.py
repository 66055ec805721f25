"""What each handler declares of itself, once: admission enforces it, OpenAPI and the docs page publish it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from calltally.calls.parameters import Parameter

Schema = Mapping[str, Any]

# The framework keeps what a route decorator is given beyond its own arguments under its name.
OPERATION_KEY: Final = "operation"
# The parameter that stands in Accept's place, so that a link is enough.
FORMAT: Final = "format"


@dataclass(frozen=True, kw_only=True)
class PathParameter:
    """One variable part of a path."""

    name: str
    description: str
    schema: Schema
    example: str


@dataclass(frozen=True, kw_only=True)
class RequestBodySpec:
    """A request's body. `content` is from media type to JSON schema, or to the Struct that has one."""

    content: Mapping[str, Schema | type]
    description: str = ""
    example: Any = None
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class ResponseSpec:
    """One success. Without a `schema` it has no body. `headers` are from name to meaning.

    `others` are the media types beside `media_type` that a client can ask for, with their schemas.
    """

    description: str
    schema: Schema | type | None = None
    example: Any = None
    media_type: str = "application/json"
    alternatives: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path.

    - `scope`: what a key needs; `admin` for the admin key; None where anybody may come.
    - `counted`: whether it uses up the key's budget of requests.
    - `negotiated`: whether an Accept that no media type of its answers satisfies is refused. A provider's
      callback is taken whatever it would like to hear.
    - `of_tenant`: whether the admin key may come too, and names the tenant by `tenant=`.
    - `of_tenants`: whether the admin key may leave it out, and so means all tenants.
    - `query`: the parameters; with `reads_query` the handler parses them itself, whole, and refuses
      what it does not know, so that it can tell all faults at once.
    - `problems`: slugs of `problems.KINDS` that it answers, beside those that the above implies.
    - `published`: whether OpenAPI and the docs page show it; pages for people are not.
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
    problems: tuple[str, ...] = ()
    is_published: bool = True

    @cached_property
    def media_types(self) -> tuple[bytes, ...]:
        """What it can answer with; the first is for clients that do not mind."""
        named = (
            name for answer in self.responses.values() for name in (answer.media_type, *answer.alternatives)
        )
        return tuple(name.encode() for name in dict.fromkeys(named))

    @cached_property
    def has_format(self) -> bool:
        """Whether a parameter can name one of them in Accept's place."""
        return any(each.name == FORMAT for each in self.query)
