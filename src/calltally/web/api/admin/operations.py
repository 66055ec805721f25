"""Operations of the admin API."""

from typing import Any, Final

from calltally.providers.credentials import MAX_SECRET_CHARS
from calltally.providers.generic.signature import MAPPING
from calltally.providers.generic.toml_document import MAX_MAPPING_CHARS
from calltally.providers.registry import PROVIDERS, names_schema
from calltally.store.tenants.api_keys import SCOPES
from calltally.web.api.admin.schemas import (
    TENANT_SCHEMA,
    WORD_SCHEMA,
    ApiKeyList,
    MaskingBody,
    NewApiKey,
    NewApiKeyBody,
    NewTenantBody,
    RetentionBody,
    RouteBody,
    RouteList,
    TenantList,
    TenantResource,
)
from calltally.web.openapi.operation import Operation, PathParameter, RequestBodySpec, ResponseSpec
from calltally.web.request.access import ADMIN
from calltally.web.request.bodies import JSON_BODY

TAG: Final = "Administration"
_CREATED_AT: Final = "2026-10-01T09:30:00.000000Z"
_TENANT_EXAMPLE: Final = {
    "id": "acme",
    "name": "Acme Dental",
    "created_at": _CREATED_AT,
    "retention_days": None,
    "masks_numbers": False,
}
_BODY_PROBLEMS: Final = ("invalid-body", "too-large", "unsupported-media-type")

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
    "description": "The mapping of bodies, in TOML. Test it with `calltally mapping try`.",
}
_SECRET: Final = {"type": "string", "minLength": 1, "maxLength": MAX_SECRET_CHARS}


def _required(names: tuple[str, ...]) -> dict[str, Any]:
    """Return the required properties: of several secrets, one is enough."""
    if len(names) > 1:
        return {"anyOf": [{"required": [name]} for name in names]}
    return {"required": list(names)}


_SECRETS: Final = {
    "anyOf": [
        {
            "title": each.name,
            "type": "object",
            "properties": {name: _MAPPING if name == MAPPING else _SECRET for name in each.secret_names},
            **_required(each.needs),
            "additionalProperties": False,
        }
        for each in PROVIDERS.values()
        if each.secret_names
    ]
}

ADD_TENANT: Final = Operation(
    id="addTenant",
    tag=TAG,
    summary="Create a tenant.",
    description="The id cannot change: 1 to 64 lower-case letters and digits, with single hyphens between"
    " them.",
    scope=ADMIN,
    body=RequestBodySpec(content={JSON_BODY: NewTenantBody}, example={"id": "acme", "name": "Acme Dental"}),
    responses={201: ResponseSpec(description="The tenant.", schema=TenantResource, example=_TENANT_EXAMPLE)},
    problems=("conflict", *_BODY_PROBLEMS),
)
LIST_TENANTS: Final = Operation(
    id="listTenants",
    tag=TAG,
    summary="List all tenants.",
    scope=ADMIN,
    responses={
        200: ResponseSpec(
            description="All tenants by id.", schema=TenantList, example={"data": [_TENANT_EXAMPLE]}
        )
    },
)
PUT_RETENTION: Final = Operation(
    id="putRetention",
    tag=TAG,
    summary="Set the retention of a tenant's calls.",
    description="The worker erases older calls (by created_at) and older dead letters within minutes. They"
    " cannot be restored. `null` keeps all calls.",
    scope=ADMIN,
    path=(_TENANT,),
    body=RequestBodySpec(content={JSON_BODY: RetentionBody}, example={"days": 90}),
    responses={204: ResponseSpec(description="The setting is stored.")},
    problems=("not-found", *_BODY_PROBLEMS),
)
PUT_MASKING: Final = Operation(
    id="putMasking",
    tag=TAG,
    summary="Set the masking of a tenant's telephone numbers.",
    description="With masking, keys without `pii:read` see only the last two digits of a number, cannot"
    " search for numbers, and get no raw bodies. The change takes effect everywhere within five"
    " seconds. An endpoint gets full numbers only if a key with `pii:read` set it.",
    scope=ADMIN,
    path=(_TENANT,),
    body=RequestBodySpec(content={JSON_BODY: MaskingBody}, example={"masks_numbers": True}),
    responses={204: ResponseSpec(description="The setting is stored.")},
    problems=("not-found", *_BODY_PROBLEMS),
)
ADD_KEY: Final = Operation(
    id="addKey",
    tag=TAG,
    summary="Create an API key.",
    description="Scopes: " + "; ".join(f"`{scope}` to {what}" for scope, what in SCOPES.items()) + ".",
    scope=ADMIN,
    path=(_TENANT,),
    body=RequestBodySpec(
        content={JSON_BODY: NewApiKeyBody}, example={"name": "reports", "scopes": ["calls:read"]}
    ),
    responses={
        201: ResponseSpec(
            description="The key. It is shown only once.",
            schema=NewApiKey,
            example={"id": _KEY_ID.example, "key": "ct_acme_" + "x" * 43, "scopes": ["calls:read"]},
        )
    },
    problems=("not-found", *_BODY_PROBLEMS),
)
LIST_KEYS: Final = Operation(
    id="listKeys",
    tag=TAG,
    summary="List a tenant's keys, without secrets.",
    scope=ADMIN,
    path=(_TENANT,),
    responses={
        200: ResponseSpec(
            description="All keys by age, including revoked ones.",
            schema=ApiKeyList,
            example={
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
        )
    },
    problems=("not-found",),
)
REVOKE_KEY: Final = Operation(
    id="revokeKey",
    tag=TAG,
    summary="Revoke a key.",
    description="It takes effect at once in this process, and within five seconds in all others.",
    scope=ADMIN,
    path=(_TENANT, _KEY_ID),
    responses={204: ResponseSpec(description="The key is revoked. Repeating the request is safe.")},
    problems=("not-found",),
)
PUT_PROVIDER: Final = Operation(
    id="putProviderSecrets",
    tag=TAG,
    summary="Store a provider's secrets.",
    description="The secrets are encrypted at rest, replace the stored ones, and are never returned.",
    scope=ADMIN,
    path=(_TENANT, _PROVIDER),
    body=RequestBodySpec(
        content={JSON_BODY: _SECRETS}, example={"auth_token": "the token of the Twilio console"}
    ),
    responses={204: ResponseSpec(description="The secrets are stored and verify callbacks from now on.")},
    problems=("not-found", *_BODY_PROBLEMS),
)
PUT_ROUTE: Final = Operation(
    id="putRoute",
    tag=TAG,
    summary="Set the numbers and the agent of a route.",
    description="The body replaces the route: numbers missing from it are removed. A number belongs to at"
    " most one route of the tenant. Existing calls keep their route.",
    scope=ADMIN,
    path=(_TENANT, _ROUTE),
    body=RequestBodySpec(
        content={JSON_BODY: RouteBody},
        example={"numbers": ["+14155550100"], "agent": "ada", "provider": "twilio"},
    ),
    responses={204: ResponseSpec(description="The setting is stored.")},
    problems=("not-found", "conflict", *_BODY_PROBLEMS),
)
LIST_ROUTES: Final = Operation(
    id="listRoutes",
    tag=TAG,
    summary="List a tenant's routes.",
    scope=ADMIN,
    path=(_TENANT,),
    responses={
        200: ResponseSpec(
            description="All routes by key.",
            schema=RouteList,
            example={
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
        )
    },
    problems=("not-found",),
)
