"""Operations of the admin API."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from calltally.providers.credentials import MAX_SECRET_CHARS
from calltally.providers.generic.signature import MAPPING
from calltally.providers.generic.toml_document import MAX_MAPPING_CHARS
from calltally.providers.provider import Provider
from calltally.providers.registry import PROVIDERS, names_schema
from calltally.store.tenants.api_keys import SCOPES
from calltally.web.api.admin.schemas import (
    TENANT_SCHEMA,
    WORD_SCHEMA,
    ApiKeyList,
    CountryBody,
    CreatedApiKey,
    EscalationBody,
    MaskingBody,
    NewApiKeyBody,
    NewTenantBody,
    RetentionBody,
    RouteBody,
    RouteList,
    TenantList,
    TenantResource,
)
from calltally.web.openapi.field_texts.admin import SECRET_TEXTS
from calltally.web.openapi.operation import Operation, PathParameter, json_request, one_response
from calltally.web.request.access import ADMIN

TAG: Final = "Administration"
_CREATED_AT: Final = "2026-10-01T09:30:00.000000Z"
_TENANT_EXAMPLE: Final = {
    "id": "acme",
    "name": "Acme Dental",
    "created_at": _CREATED_AT,
    "retention_days": None,
    "masks_numbers": False,
    "bridged_is_escalation": False,
    "default_country": None,
}

_TENANT: Final = PathParameter(
    name="tenant",
    description="The tenant's id.",
    schema={"type": "string", **TENANT_SCHEMA},
    example="acme",
)
_KEY_ID: Final = PathParameter(
    name="key_id",
    description="The key's id, from its creation; not the secret.",
    schema={"type": "string", "pattern": "^key_[0-9a-f]{16}$"},
    example="key_3f1c9a7be24d5068",
)
_PROVIDER: Final = PathParameter(
    name="provider",
    description="The provider whose callbacks the secrets verify, or `generic-…`, a mapping of the"
    " tenant's own.",
    schema=names_schema(name for name, each in PROVIDERS.items() if each.secret_names),
    example="twilio",
)
_ROUTE: Final = PathParameter(
    name="route",
    description="The route's key: 1 to 64 printable ASCII characters without spaces.",
    schema={"type": "string", **WORD_SCHEMA},
    example="support-line",
)

_MAPPING: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_MAPPING_CHARS,
}
_SECRET: Final = {"type": "string", "minLength": 1, "maxLength": MAX_SECRET_CHARS}


def _secret(name: str) -> dict[str, Any]:
    return {**(_MAPPING if name == MAPPING else _SECRET), "description": SECRET_TEXTS[name]}


def _shapes(provider: Provider) -> Iterator[dict[str, Any]]:
    """Yield the schema of a provider's secrets for each secret that is enough.

    `PlivoSecrets`, `PlivoAuthTokenV2Secrets`: generators understand required fields, not a choice of them.
    """
    for needed in provider.needs or ("",):
        suffix = "" if needed in provider.needs[:1] else needed.title().replace("_", "")
        yield {
            "title": f"{provider.name.capitalize()}{suffix}Secrets",
            "type": "object",
            "description": f"The secrets of {provider.name}.",
            "properties": {name: _secret(name) for name in provider.secret_names},
            "required": [needed] if needed else [],
            "additionalProperties": False,
        }


_SECRETS: Final = {
    "anyOf": [shape for each in PROVIDERS.values() if each.secret_names for shape in _shapes(each)]
}

_ALL: Final = partial(Operation, tag=TAG, scope=ADMIN)
_OF_TENANT: Final = partial(_ALL, path=(_TENANT,), problems=("not-found",))

ADD_TENANT: Final = _ALL(
    id="addTenant",
    summary="Create a tenant.",
    description="The id cannot change: 1 to 64 lower-case letters and digits, with single hyphens between"
    " them.",
    body=json_request(NewTenantBody, {"id": "acme", "name": "Acme Dental"}),
    responses=one_response(201, "The tenant.", TenantResource, _TENANT_EXAMPLE),
    problems=("conflict",),
    takes_idempotency_key=True,
)
LIST_TENANTS: Final = _ALL(
    id="listTenants",
    summary="List all tenants.",
    responses=one_response(200, "All tenants by id.", TenantList, {"data": [_TENANT_EXAMPLE]}),
)
PUT_RETENTION: Final = _OF_TENANT(
    id="putRetention",
    summary="Set the retention of a tenant's calls.",
    description="The worker erases older calls (by created_at) and older dead letters within minutes. They"
    " cannot be restored. `null` keeps all calls.",
    body=json_request(RetentionBody, {"days": 90}),
    responses=one_response(204, "The setting is stored."),
)
PUT_MASKING: Final = _OF_TENANT(
    id="putMasking",
    summary="Set the masking of a tenant's telephone numbers.",
    description="With masking, keys without `pii:read` see only the last two digits of a number, cannot"
    " search for numbers, and get no raw bodies. The change takes effect everywhere within five"
    " seconds. An endpoint gets full numbers only if a key with `pii:read` set it.",
    body=json_request(MaskingBody, {"masks_numbers": True}),
    responses=one_response(204, "The setting is stored."),
)
PUT_ESCALATION: Final = _OF_TENANT(
    id="putEscalation",
    summary="Set which calls of a tenant count as escalated.",
    description="The quality counts reported escalations, and with `bridged_is_escalation` also bridged"
    " transfers. Records do not change.",
    body=json_request(EscalationBody, {"bridged_is_escalation": True}),
    responses=one_response(204, "The setting is stored."),
)
PUT_COUNTRY: Final = _OF_TENANT(
    id="putDefaultCountry",
    summary="Set the country of a tenant's national numbers.",
    description="A search for a number then reads national numbers of this country: with `DE`, `030 1234567`"
    " also finds +49301234567. `null` reads none. The change takes effect everywhere within five seconds.",
    body=json_request(CountryBody, {"default_country": "DE"}),
    responses=one_response(204, "The setting is stored."),
)
ADD_KEY: Final = _OF_TENANT(
    id="addKey",
    summary="Create an API key.",
    description="Scopes: " + "; ".join(f"`{scope}` to {what}" for scope, what in SCOPES.items()) + ".",
    body=json_request(NewApiKeyBody, {"name": "reports", "scopes": ["calls:read"]}),
    responses=one_response(
        201,
        "The key. It is shown only once.",
        CreatedApiKey,
        {"id": _KEY_ID.example, "key": "ct_acme_" + "x" * 43, "scopes": ["calls:read"]},
    ),
    takes_idempotency_key=True,
    problems=("not-found", "conflict"),
)
LIST_KEYS: Final = _OF_TENANT(
    id="listKeys",
    summary="List a tenant's keys, without secrets.",
    responses=one_response(
        200,
        "All keys by age, including revoked ones.",
        ApiKeyList,
        {
            "data": [
                {
                    "id": _KEY_ID.example,
                    "name": "reports",
                    "scopes": ["calls:read"],
                    "created_at": _CREATED_AT,
                    "revoked_at": None,
                }
            ]
        },
    ),
)
REVOKE_KEY: Final = _ALL(
    id="revokeKey",
    summary="Revoke a key.",
    description="It takes effect at once in this process, and within five seconds in all others.",
    path=(_TENANT, _KEY_ID),
    responses=one_response(204, "The key is revoked. Repeating the request is safe."),
    problems=("not-found",),
)
PUT_PROVIDER: Final = _ALL(
    id="putProviderSecrets",
    summary="Store a provider's secrets.",
    description="The secrets are encrypted at rest, replace the stored ones, and are never returned.",
    path=(_TENANT, _PROVIDER),
    body=json_request(_SECRETS, {"auth_token": "the token of the Twilio console"}),
    responses=one_response(204, "The secrets are stored and verify callbacks from now on."),
    problems=("not-found",),
)
PUT_ROUTE: Final = _ALL(
    id="putRoute",
    summary="Set the numbers and the agent of a route.",
    description="The body replaces the route: numbers missing from it are removed. A number belongs to at"
    " most one route of the tenant. Existing calls keep their route.",
    path=(_TENANT, _ROUTE),
    body=json_request(RouteBody, {"numbers": ["+14155550100"], "agent": "ada", "provider": "twilio"}),
    responses=one_response(204, "The setting is stored."),
    problems=("not-found", "conflict"),
)
LIST_ROUTES: Final = _OF_TENANT(
    id="listRoutes",
    summary="List a tenant's routes.",
    responses=one_response(
        200,
        "All routes by key.",
        RouteList,
        {
            "data": [
                {
                    "route": "support-line",
                    "numbers": ["+14155550100"],
                    "agent": "ada",
                    "provider": "twilio",
                    "updated_at": _CREATED_AT,
                }
            ]
        },
    ),
)
