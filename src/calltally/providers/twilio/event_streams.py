"""Facts from Event Streams: arrays of CloudEvents 1.0, as a webhook sink posts them.

`data` is an object, in older examples of Twilio a text that contains one.
Sources: Twilio's pages "Webhook quickstart" of Event Streams, "Status Callback" and "Call Summary".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from calltally.calls.errors import NotUnderstood, UnknownKind
from calltally.calls.events import Fact, content_digest
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import Callback, PartlyUnderstood, UnreadableRecord
from calltally.providers.message_kinds import OTHER, metric_kind, unread_kind_error
from calltally.providers.twilio import words
from calltally.providers.twilio.summaries import summary_fact
from calltally.providers.twiml_callbacks import CallbackDialect, content_facts

# A name that each event has, and no Call resource.
_MARK: Final = b'"specversion"'
_STATE_NAMES: Final = frozenset({"call_state", "call_status", "CallStatus", "DialCallStatus"})


def is_event_body(body: bytes) -> bool:
    """Return whether a JSON body contains CloudEvents."""
    return _MARK in body


def stream_facts(callback: Callback, dialect: CallbackDialect) -> list[Fact]:
    """Return the facts of all events in a body.

    Raises PartlyUnderstood with the facts of the others if some events are unreadable or of unread kinds,
    NotUnderstood or UnknownKind if all are.
    """
    facts: list[Fact] = []
    faults: list[NotUnderstood] = []
    for number, event in enumerate(_events(callback.body), start=1):
        try:
            facts += _event_facts(event, callback, dialect)
        except UnknownKind as fault:
            faults.append(fault)
        except NotUnderstood as fault:
            faults.append(NotUnderstood(f"event {number}: {fault.detail}"))
    if faults:
        # An unreadable event is urgent, an unread kind is not.
        first = min(faults, key=lambda each: isinstance(each, UnknownKind))
        raise PartlyUnderstood(first, tuple(facts)) if facts else first
    return facts


def _events(body: bytes) -> Sequence[object]:
    document = json_documents.decode(body, "the body")
    if isinstance(document, UnreadableRecord):
        raise NotUnderstood(f"{document.position} is {document.reason}")
    return document.value if isinstance(document.value, list) else [document.value]


def _event_facts(event: object, callback: Callback, dialect: CallbackDialect) -> list[Fact]:
    if not isinstance(event, dict):
        raise NotUnderstood("not a JSON object")
    kind = values.required_value(event, "type", value_parsers.word, "the event names no kind")
    data = _data_of(event)
    event_us = values.instant_of(event, "time", timestamps.rfc3339, callback.received_us)
    if (stage := words.SUMMARY_STAGES.get(kind)) is not None:
        occurred_us = callback.received_us if event_us is None else event_us
        facts = [summary_fact(_required(data), stage, occurred_us, callback.received_us)]
    elif kind.startswith(words.CALLBACK_PREFIXES):
        facts = _callback_facts(_required(data), event_us, callback, dialect)
    else:
        names_state = metric_kind(kind, words.UNREAD_EVENTS) == OTHER and _names_state(data)
        raise unread_kind_error(kind, f"events of type {kind!r} are not read", names_state=names_state)
    event_id = values.value_of(event, "id", value_parsers.sid) or ""
    # The content as Twilio means it: neither the envelope's links nor the encoding of `data`.
    digest = content_digest({"type": kind, "data": data})
    raw = json_documents.encode(event)
    return [msgspec.structs.replace(fact, event_id=event_id, digest=digest, raw=raw) for fact in facts]


def _data_of(event: Mapping[str, Any]) -> object:
    data = event.get("data")
    if not isinstance(data, str):
        return data
    document = json_documents.decode(data.encode(errors="replace"), "data")
    return data if isinstance(document, UnreadableRecord) else document.value


def _required(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise NotUnderstood("data is missing or no JSON object: the event describes no call")
    return data


def _callback_facts(
    data: Mapping[str, Any], event_us: int | None, callback: Callback, dialect: CallbackDialect
) -> list[Fact]:
    """Return the facts of the callback that Twilio sent to the application, read as if sent here."""
    params = {"CallSid": data.get("sid"), **values.object_at(data, "request.parameters")}
    facts = content_facts(params, None, callback, dialect)
    if params.get("Timestamp"):
        return facts
    sent_us = values.instant_of(data, "timestamp", timestamps.rfc3339, callback.received_us)
    times_us = (sent_us, event_us, callback.received_us)
    occurred_us = next(each for each in times_us if each is not None)
    return [msgspec.structs.replace(fact, occurred_us=occurred_us) for fact in facts]


def _names_state(data: object) -> bool:
    """Return whether the data, or the parameters of a request in it, have the state of a call."""
    if not isinstance(data, dict):
        return False
    params = values.object_at(data, "request.parameters")
    return not _STATE_NAMES.isdisjoint(data) or not _STATE_NAMES.isdisjoint(params)
