"""Callbacks in the manner of Twilio, which several carriers imitate: `CallSid`, `CallStatus`, a dialled leg.

What differs between them is a `Dialect`.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, cast

import msgspec

from calltally.calls.events import Door, Fact, Said, content_digest
from calltally.calls.model import Direction, Status
from calltally.providers import timestamps, value_parsers, values
from calltally.providers.call_fact import sip_call_id
from calltally.providers.callback import Callback
from calltally.providers.form import Form, form_of
from calltally.providers.kinds import unread
from calltally.providers.value_parsers import Parse
from calltally.providers.values import Content, Field, Time

# The states of a call, of a callback as of a resource. Source: Twilio's "Call resource" page.
CALL_STATUSES: Final[Mapping[str, Status]] = {
    "queued": Status.QUEUED,
    "initiated": Status.INITIATED,
    "ringing": Status.RINGING,
    # The event *answered* arrives as in-progress; some tools forward the event's name instead.
    "answered": Status.IN_PROGRESS,
    "in-progress": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "failed": Status.FAILED,
    "no-answer": Status.NO_ANSWER,
    "canceled": Status.CANCELED,
}
# Told when the dialled leg is over. `answered` is its word for a conference that was joined.
DIAL_STATUSES: Final[Mapping[str, Status]] = {
    "answered": Status.COMPLETED,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "failed": Status.FAILED,
    "no-answer": Status.NO_ANSWER,
    "canceled": Status.CANCELED,
}

# Requests about something else than a call, by the id that they have instead of its SID.
_KIND_BY_FIELD: Final[Mapping[str, str]] = {
    "ConferenceSid": "conference",
    "RecordingSid": "recording",
    "TranscriptionSid": "transcription",
    "MessageSid": "message",
    "SmsSid": "message",
    "QueueSid": "queue",
}
UNREAD: Final = tuple(dict.fromkeys(_KIND_BY_FIELD.values()))
_OF_STATE: Final = frozenset({"CallStatus", "DialCallStatus"})
_NAMELESS: Final = "the body does not say which call it is of"
# Before the end it is the time so far, or 0: neither is the length of the call.
_AT_END: Final = (Field("CallDuration", "talk_seconds", value_parsers.talk_seconds),)
_DIAL_FIELDS: Final = (
    Field("DialCallStatus", "status", value_parsers.one_of(DIAL_STATUSES)),
    Field("CallSid", "parent_call_sid", value_parsers.sid),
    Field("AccountSid", "provider_account", value_parsers.sid),
)
_DIAL_AT_END: Final = (Field("DialCallDuration", "talk_seconds", value_parsers.talk_seconds),)


class Dialect(NamedTuple):
    """How one provider speaks it: its name, its fields, how it writes `Timestamp`, and its other times."""

    provider: str
    fields: tuple[Field, ...]
    timestamp: Parse[int] = timestamps.rfc2822
    times: tuple[Time, ...] = ()


def fields_of(
    statuses: Mapping[str, Status], directions: Mapping[str, Direction], *more: Field
) -> tuple[Field, ...]:
    """The fields that all of them have, by a provider's own words, and those that it has more."""
    return (
        Field("CallStatus", "status", value_parsers.one_of(statuses)),
        Field("Direction", "direction", value_parsers.one_of(directions)),
        Field("From", "from_number", value_parsers.number),
        Field("To", "to_number", value_parsers.number),
        Field("ParentCallSid", "parent_call_sid", value_parsers.sid),
        Field("AccountSid", "provider_account", value_parsers.sid),
        Field("SipResponseCode", "sip_code", value_parsers.sip_code),
        Field("ErrorCode", "error_code", value_parsers.word),
        Field("AnsweredBy", "answered_by", value_parsers.word),
        Field("RecordingUrl", "recording_url", value_parsers.link),
        *more,
    )


def form_facts(callback: Callback, dialect: Dialect) -> list[Fact]:
    """What a form tells, a fact for each call that it speaks of; raises NotUnderstood for all of it."""
    form = form_of(callback)
    return content_facts(form.content, form, callback, dialect)


def content_facts(content: Content, form: Form | None, callback: Callback, dialect: Dialect) -> list[Fact]:
    """The same for a content that was read already; without a `form` it was JSON."""
    fact = _call_fact(content, form, callback, dialect)
    return [fact, *_dialled_leg(content, fact)]


def _call_fact(content: Content, form: Form | None, callback: Callback, dialect: Dialect) -> Fact:
    received_us = callback.received_us
    said: Said = {
        **values.said_of(content, dialect.fields, at_end=_AT_END),
        **values.times_of(content, dialect.times, received_us),
        "provider": dialect.provider,
    }
    occurred_us = values.instant_of(content, "Timestamp", dialect.timestamp, received_us)
    # A name may come several times, which the content alone would hide.
    call_sid = _call_sid(content)
    repeated = dict(content) if form is None else cast("list[object]", sorted(form.params))
    return Fact(
        call_sid=call_sid,
        door=Door.CALLBACK,
        provider=dialect.provider,
        account=said.get("provider_account", ""),
        event_id="",  # None is sent; retries carry the same content, so the digest knows them.
        sequence=values.value_of(content, "SequenceNumber", value_parsers.sequence),
        occurred_us=received_us if occurred_us is None else occurred_us,
        received_us=received_us,
        digest=content_digest(repeated),
        said=said,
        raw=callback.body if form is None else form.raw,
        is_carrier=True,
        # Of a call that came over SIP.
        links=sip_call_id(content, "SipCallId", call_sid),
    )


def _call_sid(content: Content) -> str:
    call_sid = values.value_of(content, "CallSid", value_parsers.sid)
    if call_sid is None:
        kind = next((kind for name, kind in _KIND_BY_FIELD.items() if name in content), "")
        names_state = not _OF_STATE.isdisjoint(content)
        raise unread(kind, f"CallSid is missing: {_NAMELESS}", names_state=names_state)
    return call_sid


def _dialled_leg(content: Content, parent: Fact) -> list[Fact]:
    """The leg that a `<Dial>` made, which its action callback tells of in the parent's request."""
    leg_sid = values.value_of(content, "DialCallSid", value_parsers.sid)
    if leg_sid is None or leg_sid == parent.call_sid:
        return []
    dialled: Said = {"provider": parent.provider, "direction": Direction.OUTBOUND}
    said: Said = {**dialled, **values.said_of(content, _DIAL_FIELDS, at_end=_DIAL_AT_END)}
    # The sequence number, if any, counts the parent's events; so do its other ids.
    return [msgspec.structs.replace(parent, call_sid=leg_sid, said=said, sequence=None, links=())]
