"""Bodies of the admin API, as they come and as they go. Times are RFC 3339 in UTC.

The limits of single values stand in the schemas for whoever reads the document; the store checks
them, and tells all faults at once in better words than a decoder's.
"""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from calltally.calls.phone import MAX_NUMBER_CHARS
from calltally.calls.times import utc_text
from calltally.store.tenants.api_keys import SCOPES, StoredApiKey
from calltally.store.tenants.routes import MAX_ROUTE_NUMBERS, WORD_PATTERN, Route
from calltally.store.tenants.tenants import (
    LINE_CHAR,
    MAX_NAME_CHARS,
    MAX_RETENTION_DAYS,
    MAX_TENANT_CHARS,
    TENANT_PATTERN,
    Tenant,
)

TENANT_SCHEMA: Final = {"pattern": f"^{TENANT_PATTERN}$", "maxLength": MAX_TENANT_CHARS}
WORD_SCHEMA: Final = {"pattern": f"^{WORD_PATTERN}$"}
_INK: Final = LINE_CHAR.replace("[^", r"[^\s", 1)
_NAME_SCHEMA: Final = {"pattern": f"^{LINE_CHAR}*$", "maxLength": MAX_NAME_CHARS}
# A line that is not blank.
_NUMBER_SCHEMA: Final = {
    "pattern": f"^{LINE_CHAR}*{_INK}{LINE_CHAR}*$",
    "minLength": 1,
    "maxLength": MAX_NUMBER_CHARS,
}

TenantId: TypeAlias = Annotated[str, Meta(extra_json_schema=TENANT_SCHEMA)]
Name: TypeAlias = Annotated[str, Meta(extra_json_schema=_NAME_SCHEMA)]
Word: TypeAlias = Annotated[str, Meta(extra_json_schema=WORD_SCHEMA)]
Scopes: TypeAlias = Annotated[
    list[Annotated[str, Meta(extra_json_schema={"enum": list(SCOPES)})]],
    Meta(extra_json_schema={"minItems": 1}),
]
# A number in JSON may be whole and have a point: 731.0 is as good as 731.
Days: TypeAlias = Annotated[
    float, Meta(multiple_of=1, extra_json_schema={"minimum": 1, "maximum": MAX_RETENTION_DAYS})
]
Numbers: TypeAlias = Annotated[
    list[Annotated[str, Meta(extra_json_schema=_NUMBER_SCHEMA)]],
    Meta(extra_json_schema={"maxItems": MAX_ROUTE_NUMBERS}),
]


class NewTenantBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tenant to make."""

    id: TenantId
    name: Name = ""


class TenantResource(msgspec.Struct, frozen=True):
    """One tenant."""

    id: str
    name: str
    created_at: str
    retention_days: int | None
    masks_numbers: bool


class MaskingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether whole telephone numbers are for keys with `pii:read` alone."""

    masks_numbers: bool


class RetentionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many days a tenant's calls are kept; null for ever."""

    days: Days | None


class TenantList(msgspec.Struct, frozen=True):
    """All tenants by id."""

    data: list[TenantResource]


class NewApiKeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make. `name` is for people."""

    scopes: Scopes
    name: Name = ""


class NewApiKey(msgspec.Struct, frozen=True):
    """A new key; `key` is the secret, and is never shown again."""

    id: str
    key: str
    scopes: tuple[str, ...]


class ApiKey(msgspec.Struct, frozen=True):
    """What can be seen of a key later."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: str
    revoked_at: str | None


class ApiKeyList(msgspec.Struct, frozen=True):
    """A tenant's keys by age, revoked ones too."""

    data: list[ApiKey]


class RouteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a route is to be: its numbers replace those that it has."""

    numbers: Numbers
    agent: Word | None = None
    provider: Word | None = None


class RouteResource(msgspec.Struct, frozen=True):
    """One route."""

    route: str
    numbers: tuple[str, ...]
    agent: str | None
    provider: str | None
    updated_at: str


class RouteList(msgspec.Struct, frozen=True):
    """A tenant's routes by key."""

    data: list[RouteResource]


def tenant_resource(tenant: Tenant) -> TenantResource:
    """A tenant as the outside sees it."""
    created_at = utc_text(tenant.created_us)
    return TenantResource(tenant.tenant, tenant.name, created_at, tenant.retention_days, tenant.masks_numbers)


def api_key_resource(key: StoredApiKey) -> ApiKey:
    """A stored key as the outside sees it."""
    revoked_at = None if key.revoked_us is None else utc_text(key.revoked_us)
    return ApiKey(key.key_id, key.name, key.scopes, utc_text(key.created_us), revoked_at)


def route_resource(route: Route) -> RouteResource:
    """A route as the outside sees it."""
    return RouteResource(route.route, route.numbers, route.agent, route.provider, utc_text(route.updated_us))
