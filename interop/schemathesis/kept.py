"""Operations on things that were made before the run: which these are, and bodies that lead nowhere else.

What the run makes itself would be delivered to: no address that it makes up may ever be spoken to.
"""

import json
import os
from typing import Any, Final

from schemathesis import Case

# Nobody listens there, and the service refuses to speak to it before it tries.
NOWHERE: Final = "https://localhost:1/"
_SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "webhook": {"url": NOWHERE},
    "slack": {"url": NOWHERE},
    "pagerduty": {"url": NOWHERE, "routing_key": "0" * 32},
    "alertmanager": {"url": NOWHERE},
    "email": {"host": "127.0.0.1", "port": 1, "from": "a@example.com", "to": ["b@example.com"]},
}
_LAUNCH: Final = {"route": "support", "since": "2026-03-01", "to": "2026-03-02", "tz": "Europe/Berlin"}
_SHARED: Final = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
_QUALITY: Final = {
    "from": "2026-01-01",
    "to": "2026-02-01",
    "group_by": "route,day",
    "compare": "previous",
    "tz": "Europe/Berlin",
    "q": "appointment",
}


def kept_for_run(**made: str) -> str:
    """Return the value of the variable that passes them to the run."""
    return json.dumps(made)


def operation_of(case: Case) -> str:
    """Return the id of the operation; a HEAD is its GET, whose parameters it has."""
    name = str(case.operation.definition.raw.get("operationId"))
    return name[4].lower() + name[5:] if name.startswith("head") else name


def use_kept(case: Case, *, is_positive: bool) -> None:
    """Have a request that should be accepted name objects that exist, with values that fit each other."""
    if not is_positive:
        return
    operation = operation_of(case)
    made: dict[str, str] = json.loads(os.environ["INTEROP_KEPT"])
    _use_things(case, operation, made)
    match operation:
        case "measureLaunchQuality" | "measureLaunchQualityCsv":
            case.query |= {name: value for name, value in _QUALITY.items() if name in case.query}
        case "viewLaunch":
            # Of two names one; a launch before it ends; a baseline that is before it.
            case.query = dict(_LAUNCH)
        case "putVoiceSession" if isinstance(case.body, dict):
            _mend_session(case.body)
        case "replayDeliveries" if isinstance(case.body, dict):
            # Which of two times is the earlier is not for a schema to say.
            window = {"from": "2000-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"}
            case.body |= {name: at for name, at in window.items() if isinstance(case.body.get(name), str)}
        case "muteAlert" if isinstance(case.body, dict):
            # What is ahead is not for a schema to know.
            case.body["until"] = None
        case "putAlertRules" if isinstance(case.body, dict):
            case.body = {"least_calls": 50}
        case "listSharedSids" | "listWindowStatus":
            # How wide a window may be is not for a schema to say.
            case.query = {name: value for name, value in _SHARED.items() if set(_SHARED) <= case.query.keys()}
        case "listDeliveries":
            case.query = {name: value for name, value in case.query.items() if name in {"limit", "state"}}


def stay_here(case: Case) -> None:
    """No body of the run, right or wrong, may have the service speak to an address that was made up."""
    body = case.body
    if not isinstance(body, dict):
        return
    if isinstance(body.get("url"), str):
        body["url"] = NOWHERE
    if isinstance(body.get("settings"), dict):
        kind = body.get("kind")
        body["settings"] = dict(_SETTINGS.get(kind, {}) if isinstance(kind, str) else {})


def _use_things(case: Case, operation: str, made: dict[str, str]) -> None:
    parameters = case.path_parameters
    if operation.endswith(("AlertSink",)) and "id" in parameters:
        parameters["id"] = made["spare_sink" if operation.startswith("delete") else "sink"]
    elif operation.endswith(("WebhookEndpoint", "WebhookSecret", "Deliveries", "Delivery")):
        if "id" in parameters:
            parameters["id"] = made["spare_endpoint" if operation.startswith("delete") else "endpoint"]
        if "delivery" in parameters:
            parameters["delivery"] = made["delivery"]
    elif operation in {"getCallLog", "listCallLogEvents"} and len(parameters["id"]) % 2:
        # Of the others, most are of no call.
        parameters["id"] = os.environ["INTEROP_CALL"]
    elif operation == "removeTenant":
        parameters["tenant"] = made["spare_tenant"]
        case.query = {**case.query, "confirm": made["spare_tenant"]}
    elif operation == "revokeKey":
        parameters |= {"tenant": os.environ["INTEROP_OTHER_TENANT"], "key_id": made["spare_key"]}
    elif "tenant" in parameters and "receive" not in operation and len(parameters["tenant"]) % 2:
        # Of the others, most do not exist.
        parameters["tenant"] = os.environ["INTEROP_OTHER_TENANT"]
    elif operation.endswith("Alert") and "id" in parameters:
        parameters["id"] = made["alert"]


def _mend_session(body: dict[str, Any]) -> None:
    """A session is of a call; it ends after it begins; what is told of it may be any JSON but for NUL."""
    body |= {"call_sid": "interop-session", "started_at": "2026-03-01T12:00:00Z", "occurred_at": None}
    body |= {"ended_at": "2026-03-01T12:05:00Z", "function_calls": None, "transcript": None}
    if isinstance(body.get("evaluation"), dict):
        body["evaluation"]["details"] = None
