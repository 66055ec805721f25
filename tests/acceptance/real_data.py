"""The real data beside the repository, as the requests that its senders would make."""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlencode

from calltally.calls.model import FINAL
from calltally.calls.times import SECOND_US, utc_text
from tests.conftest import REAL_DATA
from tests.integration.ingest.service import HOST, INGEST, Answer, Service
from tests.unit.providers.twilio.signing import FORM, Pairs, repeated, sdk_signature

JSON = "application/json"
NDJSON = "application/x-ndjson"
STATUSES = {"answered": "in-progress", "ended": "completed", "failed": "failed"}
# What a status callback says of a call under other names than the Call resource.
_FORM_NAMES = {
    "CallSid": "sid",
    "AccountSid": "account_sid",
    "CallStatus": "status",
    "Direction": "direction",
    "From": "from",
    "To": "to",
    "ParentCallSid": "parent_call_sid",
    "AnsweredBy": "answered_by",
    "CallerName": "caller_name",
    "ForwardedFrom": "forwarded_from",
    "Timestamp": "end_time",
}

Json = dict[str, Any]


class Callback(NamedTuple):
    """One request that Twilio signs: the path with its query, the parameters that are signed, the body."""

    path: str
    pairs: Pairs
    body: bytes
    content_type: str


class OwnEvent(NamedTuple):
    """One event that a tenant sends."""

    event: str


Message = Callback | OwnEvent


def vector_callbacks() -> list[Callback]:
    """The published signature vectors, asked of our endpoint with the queries that they have."""
    vectors = json.loads((REAL_DATA / "twilio" / "request_validator_vectors.json").read_text())["vectors"]
    first = vectors[0]["params"]
    callbacks = []
    for vector in vectors:
        path = f"{INGEST}?{vector['url'].partition('?')[2]}"
        if "body" in vector:
            callbacks.append(Callback(path, [], vector["body"].encode(), JSON))
        else:
            params = first if vector["params"] == "same as 1" else vector["params"]
            callbacks.append(form_callback([(name, value) for name, value in params], path))
    return callbacks


def example_callbacks() -> list[Callback]:
    """Twilio's own examples: each document signed by its hash, each call in them also as a form."""
    resources = example_calls()
    bodies = [json.dumps(document).encode() for document in (*_examples(), *resources)]
    return [*map(json_callback, bodies), *(form_callback(status_callback(each)) for each in resources)]


def example_calls() -> list[Json]:
    """Every Call resource of the examples."""
    return [resource for document in _examples() for resource in _calls_in(document)]


def _examples() -> Iterator[Json]:
    groups: dict[str, Json] = json.loads((REAL_DATA / "twilio" / "calls_api_examples.json").read_text())
    for group in groups.values():
        yield from group.values()


def _calls_in(document: Json) -> list[Json]:
    """The Call resources of an example: a page's, or the one that it is."""
    if "calls" in document:
        return list(document["calls"])
    return [document] if str(document.get("sid", "")).startswith("CA") else []


def status_callback(resource: Json) -> Pairs:
    """Return Twilio's form for a call in that state: only text, and a length only at the end."""
    pairs = [(name, str(resource[key])) for name, key in _FORM_NAMES.items() if resource.get(key)]
    pairs += [("ApiVersion", "2010-04-01"), ("CallbackSource", "call-progress-events")]
    if resource["status"] in FINAL and resource["duration"] is not None:
        seconds = int(resource["duration"])
        pairs += [("CallDuration", str(seconds)), ("Duration", str(-(-seconds // 60)))]
    return pairs


def form_callback(pairs: Pairs, path: str = INGEST) -> Callback:
    return Callback(path, pairs, urlencode(pairs).encode(), FORM)


def json_callback(body: bytes) -> Callback:
    return Callback(f"{INGEST}?bodySHA256={sha256(body).hexdigest()}", [], body, JSON)


def switch_lines() -> list[Json]:
    """Return the lines of the switch."""
    lines = (REAL_DATA / "kamailio" / "dialog_events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def own_event(line: Json) -> OwnEvent:
    """Return a tenant's event for a line of the switch; its id is a function of the line."""
    moment_us = int(line["ended_at" if "ended_at" in line else "ts"]) * SECOND_US
    event: Json = {
        "id": sha256(json.dumps(line, sort_keys=True).encode()).hexdigest(),
        "call_sid": line["call_id"],
        "occurred_at": utc_text(moment_us),
        "provider": "kamailio",
        "direction": "inbound",
        "status": STATUSES[line["event"]],
        "from_number": line["from"],
        "to_number": line["to"],
    }
    if "invited_at" in line:
        event["started_at"] = utc_text(int(line["invited_at"]) * SECOND_US)
    return OwnEvent(json.dumps(event))


def send(service: Service, message: Callback | Sequence[OwnEvent]) -> Answer:
    """Send a callback signed by Twilio's SDK, or a batch of own events."""
    if isinstance(message, Callback):
        signature = sdk_signature(HOST + message.path, repeated(message.pairs))
        headers = {"content-type": message.content_type, "x-twilio-signature": signature}
        return service.request("POST", message.path, message.body, headers)
    body = "\n".join(each.event for each in message).encode()
    headers = {"content-type": NDJSON, **service.bearer("events:write")}
    return service.request("POST", "/api/v1/events", body, headers)
