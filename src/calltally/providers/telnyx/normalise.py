"""A genuine Telnyx request as facts: an event of Call Control, or a callback of TeXML."""

from typing import Final

import msgspec

from calltally.calls.events import Fact, Said
from calltally.calls.identity import Node
from calltally.calls.model import Status
from calltally.providers import timestamps, value_parsers, values
from calltally.providers.call_fact import carriers_event
from calltally.providers.callback import Callback
from calltally.providers.form import Form, form_of, is_form
from calltally.providers.json_documents import object_of
from calltally.providers.kinds import unread
from calltally.providers.telnyx import words
from calltally.providers.twiml_callbacks import CALL_STATUSES, Dialect, content_facts, fields_of
from calltally.providers.values import Content, Field, Time

_TEXML: Final = Dialect(
    words.NAME,
    fields_of(
        CALL_STATUSES,
        words.DIRECTIONS,
        # It comes after Twilio's own, and its words are mapped.
        Field("AnsweredBy", "answered_by", value_parsers.one_of(words.ANSWERED_BY)),
        Field("HangupCause", "end_reason", value_parsers.word),
    ),
    timestamp=timestamps.any_stamp,
    times=(
        Time("CallInitiatedAt", "started_us", timestamps.any_stamp),
        Time("AnsweredTime", "answered_us", timestamps.any_stamp),
        Time("EndTime", "ended_us", timestamps.any_stamp),
    ),
)
_FIELDS: Final = (
    Field("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    Field("from", "from_number", value_parsers.number),
    Field("to", "to_number", value_parsers.number),
)
_TIMES: Final = (Time("start_time", "started_us", timestamps.any_stamp),)
_NAMELESS: Final = "the event does not say which call it is of"


def facts_of(callback: Callback) -> list[Fact]:
    """What the request says of a call; nothing for events of messages, faxes and numbers (`PASSED_OVER`).

    Raises NotUnderstood, naming the field and its value, for what cannot be read.
    """
    # Without a content type the body says by its first sign what it is.
    if is_form(callback.headers) and callback.body[:1] != b"{":
        form = form_of(callback)
        return _texml_facts(form.content, form, callback)
    content = object_of(callback.body)
    if "CallSid" in content:
        return _texml_facts(content, None, callback)
    return _event_facts(content, callback)


def _texml_facts(content: Content, form: Form | None, callback: Callback) -> list[Fact]:
    facts = content_facts(content, form, callback, _TEXML)
    leg = values.value_of(content, "CallLegId", value_parsers.sid)
    return [msgspec.structs.replace(facts[0], links=_links(leg)), *facts[1:]]


def _event_facts(content: Content, callback: Callback) -> list[Fact]:
    """An event of API v2 has its parts in `data`; one of v1 is the body itself, and says `call_…`."""
    event = values.nest_at(content, "data") or content
    kind = values.needed(event, "event_type", value_parsers.word, "it is no event").replace(
        "call_", "call.", 1
    )
    if kind.startswith(words.PASSED_OVER):
        return []
    payload = values.nest_at(event, "payload")
    if not kind.startswith("call."):
        detail = f"event_type {kind!r} is in no table of Telnyx's events"
        raise unread(kind, detail, names_state=False)
    received_us = callback.received_us
    told_us = [
        values.instant_of(part, "occurred_at", timestamps.any_stamp, received_us) for part in (event, payload)
    ]
    # Without `meta`, which counts the attempts.
    fact = carriers_event(_call_sid(payload, kind), event, _said(payload, kind, callback), callback)
    told = msgspec.structs.replace(
        fact,
        event_id=values.value_of(event, "id", value_parsers.sid) or "",
        occurred_us=next((each for each in told_us if each is not None), received_us),
        links=_links(values.value_of(payload, "call_leg_id", value_parsers.sid)),
    )
    return [told]


def _call_sid(payload: Content, kind: str) -> str:
    """The id of the call; recordings are told of by the leg alone, which is linked with it."""
    found = values.value_of(payload, "call_control_id", value_parsers.sid)
    if found is None:
        found = values.value_of(payload, "call_leg_id", value_parsers.sid)
    if found is None:
        detail = f"call_control_id is missing: {_NAMELESS} ({kind})"
        raise unread(kind, detail, names_state=kind == words.HANGUP or kind in words.EVENTS)
    return found


def _links(leg: str | None) -> tuple[Node, ...]:
    # The control id is the carrier's name for the call; the leg's stands beside it in records.
    return () if leg is None else (Node(leg, is_carrier=False),)


def _said(payload: Content, kind: str, callback: Callback) -> Said:
    return {
        **values.said_of(payload, _FIELDS),
        **values.times_of(payload, _TIMES, callback.received_us),
        **_state(payload, kind),
        "provider": words.NAME,
    }


def _state(payload: Content, kind: str) -> Said:
    if kind in words.EVENTS:
        return {"status": words.EVENTS[kind]}
    if kind == words.HANGUP:
        return _ended(payload)
    if kind in words.MACHINE_EVENTS:
        return values.said_of(payload, (_RESULT,))
    if kind == "call.recording.saved":
        return values.said_of(payload, _RECORDING)
    if kind == "call.cost":
        return values.cost_of(payload, "total_cost", "cost_parts.0.currency")
    return {}


_RESULT: Final = Field("result", "answered_by", value_parsers.one_of(words.ANSWERED_BY))
_RECORDING: Final = (
    Field("recording_urls.mp3", "recording_url", value_parsers.link),
    Field("recording_urls.wav", "recording_url", value_parsers.link),
)


def _sip_code(text: str) -> int | None:
    """The code, which is `unspecified` where there was none."""
    return value_parsers.sip_code(text) if text.isdigit() else None


def _ended(payload: Content) -> Said:
    """How it ended. A cause that is in no table is kept as it came: that it ended is certain."""
    cause = values.value_of(payload, "hangup_cause", value_parsers.word)
    said: Said = {"status": words.HANGUP_CAUSES.get(cause or "", Status.FAILED)}
    if cause is not None:
        said["end_reason"] = cause
        if cause in words.Q850_CAUSES:
            said["hangup_cause"] = words.Q850_CAUSES[cause]
    sip_code = values.value_of(payload, "sip_hangup_cause", _sip_code)
    if sip_code is not None:
        said["sip_code"] = sip_code
    return said
