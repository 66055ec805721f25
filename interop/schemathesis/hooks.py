"""Rules about our requests that the OpenAPI document cannot express, each with its reason.

Loaded by schemathesis, by its name in schemathesis.toml. Hooks are found by the names of their
functions, and given their arguments by name.
"""

import hmac
import json
import os
import re
import secrets
from base64 import b64encode
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import Case, HookContext

from interop.schemathesis.kept import operation_of, stay_here, use_kept

MAPPING: Final = 'provider = "interop"\n[fields]\ncall_sid = "call"\n'
FORM: Final = "application/x-www-form-urlencoded"
TOKEN: Final = secrets.token_hex()
LISTS: Final = (
    *("listCallLogs", "streamCallLogsCsv", "streamCallLogsNdjson"),
    *("streamCallLogsParquet", "streamCallLogsArrow"),
)
HEADS: Final = tuple(f"head{name[0].upper()}{name[1:]}" for name in LISTS)
NO_KEY_ID: Final = "key_0000000000000000"
ANSWER_S: Final = 30
MOST_MINUTES: Final = 23 * 60 + 59
_WINDOWS: Final = (("from", "to"), ("updated_from", "updated_to"))
_WINDOW: Final = {"from": "2026-01-01", "to": "2026-02-01"}

# Without an offset, and a day within what is allowed, so that they are right at every offset.
FIRST: Final = datetime(2000, 1, 2)  # noqa: DTZ001
LAST: Final = datetime.combine(date.today() - timedelta(days=1), time())  # noqa: DTZ011

# A schema cannot say "not after tomorrow", so `date-time` alone allows years in which an event is refused.
# Everything from 2000 until the day before this run is generated, at every offset there is.
_moments: Final = st.datetimes(
    min_value=FIRST,
    max_value=LAST,
    timezones=st.integers(-MOST_MINUTES, MOST_MINUTES).map(lambda ahead: timezone(timedelta(minutes=ahead))),
)
schemathesis.openapi.format("date-time", _moments.map(datetime.isoformat))


@schemathesis.hook.apply_to(operation_id=[*LISTS, *HEADS, "sendEvents", "startExport", "startReconciliation"])
def filter_case(context: HookContext, case: Case) -> bool:  # noqa: ARG001
    """Leave out windows that end before they begin: a document cannot compare two parameters.

    And events of a time outside the years of `_moments`: values that were seen in answers are sent again. And
    metadata with what cannot be stored at any depth: only a schema that refers to itself could say that.
    """
    has_body = case.operation.definition.raw.get("operationId") in {"startExport", "startReconciliation"}
    query = (case.body if has_body and isinstance(case.body, dict) else case.query) or {}
    is_window = all(_is_window(query, *names) for names in _WINDOWS)
    if has_body:
        return is_window
    return is_window and all(map(_is_plausible, case.body if isinstance(case.body, list) else [case.body]))


def _is_window(query: dict[str, Any], first: str, last: str) -> bool:
    begin, end = _instant(query.get(first)), _instant(query.get(last))
    return begin is None or end is None or begin < end


def _is_plausible(event: object) -> bool:
    if not isinstance(event, dict):
        return True
    reported = map(_instant, event.values())
    is_of_its_time = all(
        moment is None or FIRST <= moment.replace(tzinfo=None) <= LAST for moment in reported
    )
    return is_of_its_time and _is_storable(event.get("metadata"))


def _is_storable(value: object) -> bool:
    """No NUL in any text, and no number beyond 64 bits."""
    if isinstance(value, dict):
        return all(_is_storable(key) and _is_storable(value[key]) for key in value)
    if isinstance(value, list):
        return all(map(_is_storable, value))
    if isinstance(value, int | float):
        return -(2**63) <= value < 2**63
    return not isinstance(value, str) or "\0" not in value


def _instant(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


@schemathesis.hook.apply_to(operation_id=["receiveCallback", "receiveCallbackByGet"])
def map_case(context: HookContext, case: Case) -> Case:  # noqa: ARG001
    """Send what should be accepted to a tenant that exists: for any other the answer is always 403."""
    if _is_positive(case):
        case.path_parameters["tenant"] = os.environ["INTEROP_TENANT"]
        # Whose signature is made below.
        case.path_parameters["provider"] = "twilio"
    return case


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:  # noqa: ARG001
    """The last moment before a request: callbacks are signed, the run's own key and its calls are spared."""
    # First, since it may make a wrong body right.
    stay_here(case)
    _leave_tenant_out(case)
    use_kept(case, is_positive=_is_positive(case))
    _of_exports(case)
    _of_reconciliations(case)
    _of_providers(case)
    match operation_of(case):
        case "receiveCallback" | "receiveCallbackByGet":
            _sign(case)
        case operation if operation in LISTS and _is_positive(case):
            _choose(case.query, "after", "offset", os.environ["INTEROP_CALL"])
            _choose(case.query, "snapshot", "hold", os.environ["INTEROP_SNAPSHOT"])
            if "tz" in case.query:
                # No schema knows all zones, and no other format has one.
                case.query["tz"] = "Europe/Berlin"
            if "q" in case.query and not any(map(str.isalnum, str(case.query["q"]))):
                # Nor what is a letter in every script: without one there are no words to find.
                case.query["q"] = "appointment"
        case "listChanges" if _is_positive(case):
            # No schema knows how far the ledger is, and of half a minute's wait the run would be over with.
            starts = dict.fromkeys({"after", "since"} & case.query.keys(), os.environ["INTEROP_SNAPSHOT"])
            case.query = {**case.query, **starts, "wait": 0}
        case "eraseCallLog" if _is_positive(case):
            # What is erased is refused for ever after, so no call is that an event of the run may name.
            case.path_parameters["id"] = os.environ["INTEROP_SPARE_CALL"]
            case.query["tenant"] = os.environ["INTEROP_TENANT"]
        case "putRetention" if case.path_parameters.get("tenant") == os.environ["INTEROP_TENANT"]:
            # The same by age: all calls of the run would go.
            case.path_parameters["tenant"] = os.environ["INTEROP_OTHER_TENANT"]
        case "revokeKey" if case.path_parameters.get("key_id") == os.environ["INTEROP_KEY_ID"]:
            # All that follows would be answered 401. Other keys, which the run makes itself, are revoked.
            case.path_parameters["key_id"] = NO_KEY_ID


def _leave_tenant_out(case: Case) -> None:
    """Only the admin key may name a tenant, and the key of the run is the tenant's."""
    is_erasure = case.operation.definition.raw.get("operationId") == "eraseCallLog"
    if _is_positive(case) and case.query and not is_erasure:
        case.query.pop("tenant", None)


def _of_providers(case: Case) -> None:
    """Match the secrets of the body with the path: a document can express neither this nor a good mapping."""
    is_put = case.operation.definition.raw.get("operationId") == "putProviderSecrets"
    if is_put and _is_positive(case) and isinstance(case.body, dict):
        if "mapping" in case.body:
            case.body["mapping"] = MAPPING
        fits = (_provider_of(shape) for shape in _secret_shapes() if _is_of(case.body, shape))
        case.path_parameters["provider"] = next(fits, case.path_parameters["provider"])


@cache
def _secret_shapes() -> list[dict[str, Any]]:
    """Return the schema of each provider's secrets."""
    shapes: list[dict[str, Any]] = json.loads(os.environ["INTEROP_SECRETS"])
    return shapes


def _provider_of(shape: dict[str, Any]) -> str:
    """Return the provider's name from the title of the schema: `TwilioSecrets`, `PlivoAuthTokenV2Secrets`."""
    words: list[str] = re.findall("[A-Z][a-z0-9]*", shape["title"])
    return words[0].lower()


def _is_of(body: dict[str, Any], shape: dict[str, Any]) -> bool:
    needed, allowed = shape["required"], shape["properties"]
    return set(needed) <= body.keys() <= set(allowed)


def _of_exports(case: Case) -> None:
    """Correct the filters in a body and the ids of exports, which the document cannot express."""
    if not _is_positive(case) or not case.path.startswith("/api/v1/exports"):
        return
    if isinstance(case.body, dict):
        _choose(case.body, "snapshot", "hold", os.environ["INTEROP_SNAPSHOT"])
        if case.body.get("tz") is not None:
            case.body |= {"tz": "Europe/Berlin", "format": "csv"}
        if case.body.get("q") is not None:
            case.body["q"] = "appointment"
    if case.path_parameters:
        # The one whose file is asked for is not ended.
        spare = case.method.upper() == "DELETE"
        case.path_parameters["id"] = os.environ["INTEROP_SPARE_EXPORT" if spare else "INTEROP_EXPORT"]
    if "name" in (case.path_parameters or {}):
        case.path_parameters["name"] = "calls.ndjson"


def _of_reconciliations(case: Case) -> None:
    """Correct options in the URL or the body by the kind of body, and the ids of reconciliations."""
    if not _is_positive(case) or not case.path.startswith("/api/v1/reconciliations"):
        return
    if case.method.upper() == "POST" and isinstance(case.body, dict):
        # Its terms are in the body, and a document cannot say that those in the URL are for the other one.
        case.query = {}
        case.body["deliver"] = bool(case.body.get("deliver") and case.body.get("heal"))
        if case.body.get("from") == case.body.get("to"):
            # Examples that are put together of the least of each field pass no filter.
            case.body |= _WINDOW
    elif case.method.upper() == "POST":
        case.query = _WINDOW | dict(case.query or {})
    if case.path_parameters:
        spare = case.method.upper() == "DELETE"
        name = "INTEROP_SPARE_RECONCILIATION" if spare else "INTEROP_RECONCILIATION"
        case.path_parameters["id"] = os.environ[name]


def _is_positive(case: Case) -> bool:
    return bool(case.meta and case.meta.generation.mode.is_positive)


def _choose(query: dict[str, Any], name: str, rival: str, value: str) -> None:
    """Of two parameters that exclude each other keep one, and let it name something that exists.

    A document can say neither, and made-up ids and tokens get no further than 400.
    """
    if rival in query:
        query.pop(name, None)
    elif name in query:
        query[name] = value


def _sign(case: Case) -> None:
    """Sign as Twilio does, over the bytes that are sent: what is unsigned gets no further than 403."""
    request = requests.Request(**case.as_transport_kwargs()).prepare()
    _store_token(case.operation.base_url or "")
    # Forms that are not UTF-8 are generated too; no signature is right for them, so any will do.
    body = (
        request.body.decode(errors="replace") if isinstance(request.body, bytes) else str(request.body or "")
    )
    is_form = request.headers.get("content-type") == FORM
    params = sorted(set(parse_qsl(body, keep_blank_values=True))) if is_form else []
    signed = f"{request.url}{''.join(name + value for name, value in params)}"
    digest = hmac.digest(TOKEN.encode(), signed.encode(), "sha1")
    case.headers["X-Twilio-Signature"] = b64encode(digest).decode()


def _store_token(base_url: str) -> None:
    """Each time anew: to store secrets is an operation too, and the run stores some of its own."""
    path = f"/api/v1/admin/tenants/{os.environ['INTEROP_TENANT']}/providers/twilio"
    key = {"x-admin-key": os.environ["INTEROP_ADMIN_KEY"]}
    url = base_url.rstrip("/") + path
    requests.put(url, json={"auth_token": TOKEN}, headers=key, timeout=ANSWER_S).raise_for_status()
