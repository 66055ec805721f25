"""Request and response bodies of the admin API. Times are RFC 3339 in UTC.

The schemas state the limits of single values for readers of the document. The store checks them, and reports
all errors at once with better messages than a decoder's.
"""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

from calltally.calls.country import COUNTRIES
from calltally.calls.phone import MAX_NUMBER_CHARS
from calltally.calls.times import utc_text
from calltally.calls.wire_types import Timestamp
from calltally.store.tenants.api_keys import SCOPES, StoredApiKey
from calltally.store.tenants.routes import MAX_ROUTE_NUMBERS, NUMBER_CHARS, WORD_PATTERN, Route
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
_NAME_SCHEMA: Final = {"pattern": f"^{LINE_CHAR}*$", "maxLength": MAX_NAME_CHARS}
_NUMBER_SCHEMA: Final = {
    "pattern": f"^{LINE_CHAR}*[{NUMBER_CHARS}]{LINE_CHAR}*$",
    "minLength": 1,
    "maxLength": MAX_NUMBER_CHARS,
}

TenantId: TypeAlias = Annotated[str, Meta(extra_json_schema=TENANT_SCHEMA)]
Name: TypeAlias = Annotated[str, Meta(extra_json_schema=_NAME_SCHEMA)]
Word: TypeAlias = Annotated[str, Meta(extra_json_schema=WORD_SCHEMA)]
Scope: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": list(SCOPES)})]
Scopes: TypeAlias = Annotated[list[Scope], Meta(extra_json_schema={"minItems": 1})]
# A whole number in JSON may have a decimal point: 731.0 equals 731.
Days: TypeAlias = Annotated[
    float, Meta(multiple_of=1, extra_json_schema={"minimum": 1, "maximum": MAX_RETENTION_DAYS})
]
Country: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": sorted(COUNTRIES)})]
Numbers: TypeAlias = Annotated[
    list[Annotated[str, Meta(extra_json_schema=_NUMBER_SCHEMA)]],
    Meta(extra_json_schema={"maxItems": MAX_ROUTE_NUMBERS}),
]


class NewTenantBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new tenant."""

    id: TenantId
    name: Name = ""


class TenantResource(msgspec.Struct, frozen=True):
    """One tenant."""

    id: str
    name: str
    created_at: Timestamp
    retention_days: int | None
    masks_numbers: bool
    bridged_is_escalation: bool
    default_country: str | None


class CountryBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The country whose national numbers a search reads: two letters of ISO 3166-1; null for none."""

    default_country: Country | None


class EscalationBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Escalations of a tenant: with `bridged_is_escalation`, the quality counts bridged transfers too."""

    bridged_is_escalation: bool


class MaskingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The masking of a tenant: with `masks_numbers`, only keys with `pii:read` see full telephone numbers."""

    masks_numbers: bool


class RetentionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Number of days to keep a tenant's calls; null keeps them forever."""

    days: Days | None


class TenantList(msgspec.Struct, frozen=True):
    """All tenants by id."""

    data: list[TenantResource]


class TenantContents(msgspec.Struct, frozen=True):
    """Everything that is stored of a tenant: the number of rows by table, without empty tables."""

    tenant: str
    rows: dict[str, int]


class NewApiKeyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new API key. `name` is a label."""

    scopes: Scopes
    name: Name = ""


class CreatedApiKey(msgspec.Struct, frozen=True):
    """A created key. `key` is the secret; it is shown only once."""

    id: str
    key: str
    scopes: tuple[Scope, ...]


class ApiKey(msgspec.Struct, frozen=True):
    """One API key without its secret."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: Timestamp
    revoked_at: Timestamp | None


class ApiKeyList(msgspec.Struct, frozen=True):
    """A tenant's keys by age, including revoked ones."""

    data: list[ApiKey]


class RouteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A route. Its numbers replace the stored ones."""

    numbers: Numbers
    agent: Word | None = None
    provider: Word | None = None


class RouteResource(msgspec.Struct, frozen=True):
    """One route."""

    route: str
    numbers: tuple[str, ...]
    agent: str | None
    provider: str | None
    updated_at: Timestamp


class RouteList(msgspec.Struct, frozen=True):
    """A tenant's routes by key."""

    data: list[RouteResource]


def tenant_resource(tenant: Tenant) -> TenantResource:
    created_at = utc_text(tenant.created_us)
    settings = (
        tenant.retention_days,
        tenant.masks_numbers,
        tenant.bridged_is_escalation,
        tenant.default_country,
    )
    return TenantResource(tenant.tenant, tenant.name, created_at, *settings)


def api_key_resource(key: StoredApiKey) -> ApiKey:
    revoked_at = None if key.revoked_us is None else utc_text(key.revoked_us)
    return ApiKey(key.key_id, key.name, key.scopes, utc_text(key.created_us), revoked_at)


def route_resource(route: Route) -> RouteResource:
    return RouteResource(route.route, route.numbers, route.agent, route.provider, utc_text(route.updated_us))
