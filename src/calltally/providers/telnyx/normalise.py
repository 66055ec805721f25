"""Facts from Telnyx requests: events of Call Control and callbacks of TeXML."""

from collections.abc import Mapping
from typing import Final

import msgspec

from calltally.calls.events import Fact, StatedFields
from calltally.calls.identity import Node
from calltally.calls.model import Status
from calltally.providers import timestamps, value_parsers, values
from calltally.providers.callback import Callback
from calltally.providers.carrier_facts import carrier_event_fact
from calltally.providers.form import Form, form_of, is_form
from calltally.providers.json_documents import parse_object
from calltally.providers.message_kinds import unread_kind_error
from calltally.providers.telnyx import words
from calltally.providers.twiml_callbacks import CALL_STATUSES, CallbackDialect, content_facts, fields_of
from calltally.providers.values import Content, FieldRule, TimeRule

_TEXML: Final = CallbackDialect(
    words.NAME,
    fields_of(
        CALL_STATUSES,
        words.DIRECTIONS,
        # Overrides the rule of Twilio's format: Telnyx has words of its own.
        FieldRule("AnsweredBy", "answered_by", value_parsers.one_of(words.ANSWERED_BY)),
        FieldRule("HangupCause", "end_reason", value_parsers.word),
        FieldRule("CallSessionId", "metadata", value_parsers.labelled("call_session_id")),
        FieldRule("HangupSource", "hung_up_by", value_parsers.one_of(words.LINE_ENDS)),
    ),
    timestamp=timestamps.any_stamp,
    times=(
        TimeRule("CallInitiatedAt", "started_us", timestamps.any_stamp),
        TimeRule("AnsweredTime", "answered_us", timestamps.any_stamp),
        TimeRule("EndTime", "ended_us", timestamps.any_stamp),
    ),
)
_FIELDS: Final = (
    FieldRule("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    FieldRule("from", "from_number", value_parsers.number),
    FieldRule("to", "to_number", value_parsers.number),
    FieldRule("call_session_id", "metadata", value_parsers.labelled("call_session_id")),
)
_TIMES: Final = (TimeRule("start_time", "started_us", timestamps.any_stamp),)
_NO_CALL_ID: Final = "the event names no call"


def facts_of(callback: Callback) -> list[Fact]:
    """Return the facts of a request; none for events of messages, faxes and numbers (`IGNORED_PREFIXES`).

    Raises NotUnderstood with the name and value of an unreadable field.
    """
    # Without a content type the first character decides between JSON and a form.
    if is_form(callback.headers) and callback.body[:1] != b"{":
        form = form_of(callback)
        return _texml_facts(form.content, form, callback)
    content = parse_object(callback.body)
    if "CallSid" in content:
        return _texml_facts(content, None, callback)
    return _event_facts(content, callback)


def _texml_facts(content: Content, form: Form | None, callback: Callback) -> list[Fact]:
    facts = content_facts(content, form, callback, _TEXML)
    leg = values.value_of(content, "CallLegId", value_parsers.sid)
    return [msgspec.structs.replace(facts[0], links=_links(leg)), *facts[1:]]


def _event_facts(content: Content, callback: Callback) -> list[Fact]:
    """Return the fact of an event: API v2 nests it in `data`, v1 sends it bare and writes `call_…`."""
    event = values.object_at(content, "data") or content
    kind = values.required_value(event, "event_type", value_parsers.word, "the body is not an event").replace(
        "call_", "call.", 1
    )
    if kind.startswith(words.IGNORED_PREFIXES):
        return []
    payload = values.object_at(event, "payload")
    if not kind.startswith("call."):
        detail = f"event_type {kind!r} is not a known Telnyx event"
        raise unread_kind_error(kind, detail, names_state=False)
    received_us = callback.received_us
    times_us = [
        values.instant_of(part, "occurred_at", timestamps.any_stamp, received_us) for part in (event, payload)
    ]
    # The event excludes `meta`, which counts the attempts.
    fact = carrier_event_fact(_call_sid(payload, kind), event, _statement(payload, kind, callback), callback)
    event_fact = msgspec.structs.replace(
        fact,
        event_id=values.value_of(event, "id", value_parsers.sid) or "",
        occurred_us=next((each for each in times_us if each is not None), received_us),
        links=_links(values.value_of(payload, "call_leg_id", value_parsers.sid)),
    )
    return [event_fact]


def _call_sid(payload: Content, kind: str) -> str:
    """Return the id of the call. Recordings name only the leg, which is linked with the call."""
    found = values.value_of(payload, "call_control_id", value_parsers.sid)
    if found is None:
        found = values.value_of(payload, "call_leg_id", value_parsers.sid)
    if found is None:
        detail = f"call_control_id is missing: {_NO_CALL_ID} ({kind})"
        raise unread_kind_error(kind, detail, names_state=kind == words.HANGUP or kind in words.EVENTS)
    return found


def _links(leg: str | None) -> tuple[Node, ...]:
    # Records contain both ids: the control id identifies the call, the leg id is linked.
    return () if leg is None else (Node(leg, is_carrier=False),)


def _statement(payload: Content, kind: str, callback: Callback) -> StatedFields:
    return values.merged(
        values.parsed_fields(payload, _FIELDS),
        values.times_of(payload, _TIMES, callback.received_us),
        _state(payload, kind),
        {"provider": words.NAME},
    )


def _state(payload: Content, kind: str) -> StatedFields:
    if kind in words.EVENTS:
        return {"status": words.EVENTS[kind]}
    if kind == words.HANGUP:
        return _end(payload)
    if kind == words.BRIDGED:
        return {"transfer": {"target": None, "outcome": "bridged"}}
    if kind == "call.cost":
        return values.cost_of(payload, "total_cost", "cost_parts.0.currency")
    return values.parsed_fields(payload, _FIELDS_OF_EVENT.get(kind, ()))


_RESULT: Final = FieldRule("result", "answered_by", value_parsers.one_of(words.ANSWERED_BY))
_RECORDING: Final = (
    FieldRule("recording_urls.mp3", "recording_url", value_parsers.link),
    FieldRule("recording_urls.wav", "recording_url", value_parsers.link),
)
_FIELDS_OF_EVENT: Final[Mapping[str, tuple[FieldRule, ...]]] = {
    **dict.fromkeys(words.MACHINE_EVENTS, (_RESULT,)),
    "call.recording.saved": _RECORDING,
}


def _sip_code(text: str) -> int | None:
    """Return the SIP code; None for `unspecified`."""
    return value_parsers.sip_code(text) if text.isdigit() else None


_HANGUP: Final = (
    FieldRule("sip_hangup_cause", "sip_code", _sip_code),
    FieldRule("hangup_source", "hung_up_by", value_parsers.one_of(words.LINE_ENDS)),
)


def _end(payload: Content) -> StatedFields:
    """Return the end of a call. An unknown cause is stored unchanged: the end itself is certain."""
    cause = values.value_of(payload, "hangup_cause", value_parsers.word)
    statement: StatedFields = {"status": words.HANGUP_CAUSES.get(cause or "", Status.FAILED)}
    if cause is not None:
        statement["end_reason"] = cause
        if cause in words.Q850_CAUSES:
            statement["hangup_cause"] = words.Q850_CAUSES[cause]
    return values.merged(statement, values.parsed_fields(payload, _HANGUP))
