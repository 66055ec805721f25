"""What each operation of the admin API declares of itself."""

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
_MADE_AT: Final = "2026-10-01T09:30:00.000000Z"
_TENANT_SHOWN: Final = {
    "id": "acme",
    "name": "Acme Dental",
    "created_at": _MADE_AT,
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
    description="The id that the key was made with; not the key.",
    schema={"type": "string", "pattern": "^key_[0-9a-f]{16}$"},
    example="key_3f1c9a7be24d5068",
)
_PROVIDER: Final = PathParameter(
    name="provider",
    description="Whose callbacks the secrets verify: one that we know, or `generic-…`, a mapping of"
    " the tenant's own.",
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
    "description": "How bodies are read, in TOML; try it with `calltally mapping try`.",
}
_SECRET: Final = {"type": "string", "minLength": 1, "maxLength": MAX_SECRET_CHARS}


def _needed(names: tuple[str, ...]) -> dict[str, Any]:
    """Of several secrets one is enough."""
    if len(names) > 1:
        return {"anyOf": [{"required": [name]} for name in names]}
    return {"required": list(names)}


_SECRETS: Final = {
    "anyOf": [
        {
            "title": each.name,
            "type": "object",
            "properties": {name: _MAPPING if name == MAPPING else _SECRET for name in each.secret_names},
            **_needed(each.needs),
            "additionalProperties": False,
        }
        for each in PROVIDERS.values()
        if each.secret_names
    ]
}

ADD_TENANT: Final = Operation(
    id="addTenant",
    tag=TAG,
    summary="Make a tenant.",
    description="The id is for good: 1 to 64 lower-case letters and digits, with single hyphens between them.",
    scope=ADMIN,
    body=RequestBodySpec(content={JSON_BODY: NewTenantBody}, example={"id": "acme", "name": "Acme Dental"}),
    responses={201: ResponseSpec(description="The tenant.", schema=TenantResource, example=_TENANT_SHOWN)},
    problems=("conflict", *_BODY_PROBLEMS),
)
LIST_TENANTS: Final = Operation(
    id="listTenants",
    tag=TAG,
    summary="All tenants.",
    scope=ADMIN,
    responses={200: ResponseSpec(description="By id.", schema=TenantList, example={"data": [_TENANT_SHOWN]})},
)
PUT_RETENTION: Final = Operation(
    id="putRetention",
    tag=TAG,
    summary="Say how long a tenant's calls are kept.",
    description="Calls that are older, by their created_at, are erased by the worker within minutes, and so are"
    " dead letters; they cannot come back. `null` keeps all.",
    scope=ADMIN,
    path=(_TENANT,),
    body=RequestBodySpec(content={JSON_BODY: RetentionBody}, example={"days": 90}),
    responses={204: ResponseSpec(description="It is so.")},
    problems=("not-found", *_BODY_PROBLEMS),
)
PUT_MASKING: Final = Operation(
    id="putMasking",
    tag=TAG,
    summary="Say whether a tenant's numbers are masked.",
    description="Where they are, keys without `pii:read` see the last two digits of a number, may not look for"
    " one, and get no bodies as they came. It counts everywhere within five seconds. Events that are"
    " delivered have whole numbers.",
    scope=ADMIN,
    path=(_TENANT,),
    body=RequestBodySpec(content={JSON_BODY: MaskingBody}, example={"masks_numbers": True}),
    responses={204: ResponseSpec(description="It is so.")},
    problems=("not-found", *_BODY_PROBLEMS),
)
ADD_KEY: Final = Operation(
    id="addKey",
    tag=TAG,
    summary="Make an API key.",
    description="Scopes: " + "; ".join(f"`{scope}` to {what}" for scope, what in SCOPES.items()) + ".",
    scope=ADMIN,
    path=(_TENANT,),
    body=RequestBodySpec(
        content={JSON_BODY: NewApiKeyBody}, example={"name": "reports", "scopes": ["calls:read"]}
    ),
    responses={
        201: ResponseSpec(
            description="The key. This is the only time that it is shown.",
            schema=NewApiKey,
            example={"id": _KEY_ID.example, "key": "ct_acme_" + "x" * 43, "scopes": ["calls:read"]},
        )
    },
    problems=("not-found", *_BODY_PROBLEMS),
)
LIST_KEYS: Final = Operation(
    id="listKeys",
    tag=TAG,
    summary="A tenant's keys, without the secret part.",
    scope=ADMIN,
    path=(_TENANT,),
    responses={
        200: ResponseSpec(
            description="By age; the revoked ones too.",
            schema=ApiKeyList,
            example={
                "data": [
                    {
                        "id": _KEY_ID.example,
                        "name": "reports",
                        "scopes": ["calls:read"],
                        "created_at": _MADE_AT,
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
    description="Counts at once in the process that answers, and within five seconds in every other.",
    scope=ADMIN,
    path=(_TENANT, _KEY_ID),
    responses={204: ResponseSpec(description="It opens nothing any more. Also if it was revoked before.")},
    problems=("not-found",),
)
PUT_PROVIDER: Final = Operation(
    id="putProviderSecrets",
    tag=TAG,
    summary="Store a provider's secrets.",
    description="They are encrypted at rest, replace what was stored, and are never shown.",
    scope=ADMIN,
    path=(_TENANT, _PROVIDER),
    body=RequestBodySpec(
        content={JSON_BODY: _SECRETS}, example={"auth_token": "the token of the Twilio console"}
    ),
    responses={
        204: ResponseSpec(description="They are stored; callbacks are verified with them from now on.")
    },
    problems=("not-found", *_BODY_PROBLEMS),
)
PUT_ROUTE: Final = Operation(
    id="putRoute",
    tag=TAG,
    summary="Say which numbers are of a route, and which agent answers them.",
    description="The route becomes what the body says: numbers that are left out are taken from it. A number is"
    " of one route of the tenant at most. Calls that were recorded before keep their route.",
    scope=ADMIN,
    path=(_TENANT, _ROUTE),
    body=RequestBodySpec(
        content={JSON_BODY: RouteBody},
        example={"numbers": ["+14155550100"], "agent": "ada", "provider": "twilio"},
    ),
    responses={204: ResponseSpec(description="It is so.")},
    problems=("not-found", "conflict", *_BODY_PROBLEMS),
)
LIST_ROUTES: Final = Operation(
    id="listRoutes",
    tag=TAG,
    summary="A tenant's routes.",
    scope=ADMIN,
    path=(_TENANT,),
    responses={
        200: ResponseSpec(
            description="By key.",
            schema=RouteList,
            example={
                "data": [
                    {
                        "route": "support-line",
                        "numbers": ["+14155550100"],
                        "agent": "ada",
                        "provider": "twilio",
                        "updated_at": _MADE_AT,
                    }
                ]
            },
        )
    },
    problems=("not-found",),
)
