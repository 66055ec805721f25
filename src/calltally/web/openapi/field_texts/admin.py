"""Fields of tenants, API keys and routes, and the secrets of providers."""

from collections.abc import Mapping
from typing import Final

from calltally.web.openapi.field_texts.shared import (
    CALL_ID,
    CALL_SID,
    CREATED,
    FROM,
    ROUTE_FILTER,
    TO,
    UPDATED,
)

_MASKS: Final = "True if only keys with `pii:read` get full telephone numbers."
_BRIDGED: Final = "True if quality reports count bridged transfers as escalations."
_RETENTION: Final = "The number of days that calls are kept; null keeps them forever."
_COUNTRY: Final = "The country of national numbers in searches: two letters of ISO 3166-1; null for none."
_SCOPES: Final = "The scopes of the key."
_LISTED_CALL: Final = {
    "id": CALL_ID,
    "call_sid": CALL_SID,
    "status": "The state of the call.",
    "created_at": CREATED,
}

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "Examination": {
        "at": "The time of the examination.",
        "version": "The version of Calltally.",
        "database": "The kind of the database, and the version of a server.",
        "database_bytes": "The size of the database; null if it does not fit this version.",
        "bytes_a_day": "The growth by the calls of the last week, before retention.",
        "disk_full_at": "The time at which this growth fills the disk; null if that is unknown or far off.",
        "findings": "The findings; empty if all is well.",
        "passed": "The names of the checks without a finding.",
    },
    "DoctorFinding": {
        "check": "The name of the check.",
        "what": "The fact that was found.",
        "why": "The cause of the fact, or its effect.",
        "remedy": "The next step for an operator.",
    },
    "NewTenantBody": {
        "id": "The tenant's id: lower-case letters and digits, with single hyphens between them.",
        "name": "The tenant's name, for people.",
    },
    "TenantResource": {
        "id": "The tenant's id.",
        "name": "The tenant's name, for people.",
        "created_at": CREATED,
        "retention_days": _RETENTION,
        "masks_numbers": _MASKS,
        "bridged_is_escalation": _BRIDGED,
        "default_country": _COUNTRY,
    },
    "TenantContents": {
        "tenant": "The tenant's id.",
        "rows": "The number of rows by table, without empty tables.",
    },
    "TenantList": {"data": "The tenants, in the order of their ids."},
    "EscalationBody": {"bridged_is_escalation": _BRIDGED},
    "CountryBody": {"default_country": _COUNTRY},
    "MaskingBody": {"masks_numbers": _MASKS},
    "RetentionBody": {"days": _RETENTION},
    "NewApiKeyBody": {"scopes": _SCOPES, "name": "A label for people."},
    "CreatedApiKey": {
        "id": "The key's id, which is not secret.",
        "key": "The key itself. It is shown only once.",
        "scopes": _SCOPES,
    },
    "ApiKey": {
        "id": "The key's id, which is not secret.",
        "name": "The key's label; empty without one.",
        "scopes": _SCOPES,
        "created_at": CREATED,
        "revoked_at": "Time of the revocation; null for a valid key.",
    },
    "ApiKeyList": {"data": "The keys, oldest first, with revoked ones."},
    "RouteBody": {
        "numbers": "The numbers of the route, which replace its stored numbers.",
        "agent": "The voice agent that answers the route; null if unknown.",
        "provider": "The provider of the route; null if unknown.",
    },
    "RouteResource": {
        "route": ROUTE_FILTER,
        "numbers": "The numbers of the route.",
        "agent": "The voice agent that answers the route; null if unknown.",
        "provider": "The provider of the route; null if unknown.",
        "updated_at": UPDATED,
    },
    "RouteList": {"data": "The routes, in the order of their keys."},
    "WindowStatusList": {
        "from": FROM,
        "to": TO,
        "complete": "True if the window is complete for every tenant.",
        "data": "The status of each tenant, in the order of their ids.",
    },
    "WindowStatus": {
        "tenant": "The tenant's id.",
        "from": FROM,
        "to": TO,
        "at": "Time of this report.",
        "complete": "True if there is no reason against it.",
        "reasons": "Sentences on why the window is not complete.",
        "remarks": "Sentences on what else to look at.",
        "calls": "The number of calls of the window.",
        "revision": "The last revision of the tenant's ledger.",
        "watermark": "No more changes are expected before this time; null before the first call.",
        "open": "Calls without a final state.",
        "disputed": "Calls with contradictory facts.",
        "silences": "Hours without a call of a provider that usually has some.",
        "dead_letters": "Requests that could not be read and wait for a replay.",
    },
    "OpenCalls": {
        "calls": "The number of open calls.",
        "older": "Those that are open for longer than their provider usually takes, among the oldest 20,000.",
        "by_route": "The oldest 20,000 by route and provider.",
        "listed": "The oldest 20.",
    },
    "OpenRoute": {
        "route": "The route's key; null if unknown.",
        "provider": "The provider; null if unknown.",
        "calls": "The number of open calls.",
        "older": "Those that are open for longer than the provider usually takes.",
        "oldest_created_at": "Creation of the oldest.",
    },
    "OpenCall": {
        **_LISTED_CALL,
        "provider": "The provider; null if unknown.",
        "route": "The route's key; null if unknown.",
    },
    "DisputedCalls": {"calls": "The number of such calls.", "listed": "The oldest 20."},
    "DisputedCall": {**_LISTED_CALL, "conflicts": "The number of facts that contradict others."},
    "ProviderSilence": {
        "provider": "The provider.",
        "since": "Its last call before the silence.",
        "to": "Its first call after the silence; null while it lasts.",
        "hours": "The whole hours of the silence.",
        "usual_hours": "The longest usual silence, in hours.",
    },
    "WaitingLetters": {
        "provider": "The provider.",
        "letters": "The number of dead letters.",
        "oldest_received_at": "Receipt of the oldest.",
    },
}

_PREVIOUS: Final = " Accepted beside the other one, so that it can be replaced without a gap."
_SECONDARY: Final = "A second secret of the same kind." + _PREVIOUS
_LISTING: Final = " Needed only to read the provider's list of calls."
SECRET_TEXTS: Final[Mapping[str, str]] = {
    "account": "The name of the account, for bodies that name none.",
    "account_id": "The id of the account." + _LISTING,
    "account_sid": "The SID of the account." + _LISTING,
    "api_key": "The API key of the account.",
    "api_key_secondary": _SECONDARY,
    "api_key_secret": "The secret of the API key." + _LISTING,
    "api_key_sid": "The SID of the API key." + _LISTING,
    "api_secret": "The API secret that signs the callbacks.",
    "api_secret_secondary": _SECONDARY,
    "api_token": "The API token." + _LISTING,
    "application_id": "The id of the application." + _LISTING,
    "auth_id": "The auth id of the account." + _LISTING,
    "auth_token": "The auth token that signs the callbacks.",
    "auth_token_secondary": _SECONDARY,
    "auth_token_v2": "The auth token for signatures of version 2.",
    "mapping": "The mapping of bodies, in TOML. Test it with `calltally mapping try`.",
    "org_id": "The id of the organisation." + _LISTING,
    "private_key": "The private key in PEM." + _LISTING,
    "project_id": "The id of the project." + _LISTING,
    "public_key": "The public key that verifies the callbacks.",
    "public_key_secondary": _SECONDARY,
    "secret": "The secret that the callbacks carry.",
    "secret_secondary": _SECONDARY,
    "signature_secret": "The secret that signs the callbacks.",
    "signature_secret_secondary": _SECONDARY,
    "signing_key": "The key that signs the callbacks.",
    "signing_key_secondary": _SECONDARY,
    "space": "The name of the space." + _LISTING,
    "webhook_secret": "The secret that signs the callbacks.",
    "webhook_secret_secondary": _SECONDARY,
}
