"""Callbacks in Twilio's format, which several carriers imitate: `CallSid`, `CallStatus`, a dialled leg.

A `CallbackDialect` describes the differences between carriers.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple, cast

import msgspec

from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.model import Direction, Status
from calltally.providers import timestamps, value_parsers, values
from calltally.providers.callback import Callback
from calltally.providers.carrier_facts import sip_call_link
from calltally.providers.form import Form, form_of
from calltally.providers.message_kinds import unread_kind_error
from calltally.providers.value_parsers import Parse
from calltally.providers.values import Content, FieldRule, TimeRule

# Call states of callbacks and resources. Source: Twilio's "Call resource" page.
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
# Sent at the end of the dialled leg. `answered` is the word for a joined conference.
DIAL_STATUSES: Final[Mapping[str, Status]] = {
    "answered": Status.COMPLETED,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "failed": Status.FAILED,
    "no-answer": Status.NO_ANSWER,
    "canceled": Status.CANCELED,
}

# Requests about other objects than calls, by the id that they have instead of a call SID.
_KIND_BY_FIELD: Final[Mapping[str, str]] = {
    "ConferenceSid": "conference",
    "RecordingSid": "recording",
    "TranscriptionSid": "transcription",
    "MessageSid": "message",
    "SmsSid": "message",
    "QueueSid": "queue",
}
UNREAD_KINDS: Final = tuple(dict.fromkeys(_KIND_BY_FIELD.values()))
_STATUS_FIELDS: Final = frozenset({"CallStatus", "DialCallStatus"})
_NO_CALL_ID: Final = "the body names no call"
# Before the end it is the time so far, or 0, and not the length of the call.
_FINAL_FIELDS: Final = (FieldRule("CallDuration", "talk_seconds", value_parsers.talk_seconds),)
_DIAL_FIELDS: Final = (
    FieldRule("DialCallStatus", "status", value_parsers.one_of(DIAL_STATUSES)),
    FieldRule("CallSid", "parent_call_sid", value_parsers.sid),
    FieldRule("AccountSid", "provider_account", value_parsers.sid),
)
_DIAL_FINAL_FIELDS: Final = (FieldRule("DialCallDuration", "talk_seconds", value_parsers.talk_seconds),)


# Transfers by the fields of the two actions. The party of the leg is in the leg's own record.
_TRANSFER_OUTCOMES: Final[Mapping[str, Mapping[str, str]]] = {
    "DialCallStatus": {
        **dict.fromkeys(("completed", "answered"), "bridged"),
        **dict.fromkeys(("busy", "no-answer", "failed", "canceled"), "failed"),
    },
    "ReferCallStatus": {
        **dict.fromkeys(("in-progress", "ringing", "initiated", "queued"), "requested"),
        **dict.fromkeys(("completed", "answered"), "bridged"),
        **dict.fromkeys(("busy", "no-answer", "failed", "canceled"), "failed"),
    },
}


class CallbackDialect(NamedTuple):
    """One carrier's variant: its name, its fields, the format of `Timestamp`, and its other times."""

    provider: str
    fields: tuple[FieldRule, ...]
    timestamp: Parse[int] = timestamps.rfc2822
    times: tuple[TimeRule, ...] = ()


def fields_of(
    statuses: Mapping[str, Status], directions: Mapping[str, Direction], *more: FieldRule
) -> tuple[FieldRule, ...]:
    """Return the common fields with a provider's own words, and its additional fields."""
    return (
        FieldRule("CallStatus", "status", value_parsers.one_of(statuses)),
        FieldRule("Direction", "direction", value_parsers.one_of(directions)),
        FieldRule("From", "from_number", value_parsers.number),
        FieldRule("To", "to_number", value_parsers.number),
        FieldRule("ParentCallSid", "parent_call_sid", value_parsers.sid),
        FieldRule("AccountSid", "provider_account", value_parsers.sid),
        FieldRule("SipResponseCode", "sip_code", value_parsers.sip_code),
        FieldRule("ErrorCode", "error_code", value_parsers.word),
        FieldRule("AnsweredBy", "answered_by", value_parsers.word),
        FieldRule("RecordingUrl", "recording_url", value_parsers.link),
        *more,
    )


def form_facts(callback: Callback, dialect: CallbackDialect) -> list[Fact]:
    """Return a fact for each call in a form; raise NotUnderstood if one of them is unreadable."""
    form = form_of(callback)
    return content_facts(form.content, form, callback, dialect)


def content_facts(
    content: Content, form: Form | None, callback: Callback, dialect: CallbackDialect
) -> list[Fact]:
    """Return the facts of parsed content; it came as JSON if `form` is None."""
    fact = _call_fact(content, form, callback, dialect)
    return [fact, *_dialled_leg(content, fact)]


def _call_fact(content: Content, form: Form | None, callback: Callback, dialect: CallbackDialect) -> Fact:
    received_us = callback.received_us
    statement = values.merged(
        values.parsed_fields(content, dialect.fields, at_end=_FINAL_FIELDS),
        values.times_of(content, dialect.times, received_us),
        {"provider": dialect.provider},
    )
    statement.update(_transfer(content, statement))
    occurred_us = values.instant_of(content, "Timestamp", dialect.timestamp, received_us)
    # The content hides repeated names, so the digest covers all parameters.
    call_sid = _call_sid(content)
    repeated = dict(content) if form is None else cast("list[object]", sorted(form.params))
    return Fact(
        call_sid=call_sid,
        channel=Channel.CALLBACK,
        provider=dialect.provider,
        account=statement.get("provider_account", ""),
        event_id="",  # None is sent. Retries have the same content, so the digest identifies them.
        sequence=values.optional_value(content, "SequenceNumber", value_parsers.sequence, statement),
        occurred_us=received_us if occurred_us is None else occurred_us,
        received_us=received_us,
        digest=content_digest(repeated),
        stated=statement,
        raw=callback.body if form is None else form.raw,
        is_carrier=True,
        # Present for calls over SIP.
        links=sip_call_link(content, "SipCallId", call_sid, statement),
    )


def _transfer(content: Content, statement: StatedFields) -> StatedFields:
    """Return the transfer of a call whose `<Dial>` or `<Refer>` has ended; nothing for other requests."""
    for name, outcomes in _TRANSFER_OUTCOMES.items():
        outcome = values.optional_value(content, name, value_parsers.known(outcomes), statement)
        if outcome is not None:
            is_bridged = values.flag_at(content, "DialBridged")
            outcome = outcome if is_bridged is None else ("bridged" if is_bridged else "failed")
            return {"transfer": {"target": None, "outcome": outcome}}
    return {}


def _call_sid(content: Content) -> str:
    call_sid = values.value_of(content, "CallSid", value_parsers.sid)
    if call_sid is None:
        kind = next((kind for name, kind in _KIND_BY_FIELD.items() if name in content), "")
        names_state = not _STATUS_FIELDS.isdisjoint(content)
        raise unread_kind_error(kind, f"CallSid is missing: {_NO_CALL_ID}", names_state=names_state)
    return call_sid


def _dialled_leg(content: Content, parent: Fact) -> list[Fact]:
    """Return the leg of a `<Dial>`, which its action callback reports in the parent's request."""
    leg_sid = values.value_of(content, "DialCallSid", value_parsers.sid)
    if leg_sid is None or leg_sid == parent.call_sid:
        return []
    dialled_leg: StatedFields = {"provider": parent.provider, "direction": Direction.OUTBOUND}
    statement: StatedFields = {
        **dialled_leg,
        **values.parsed_fields(content, _DIAL_FIELDS, at_end=_DIAL_FINAL_FIELDS),
    }
    # The sequence number and the other ids belong to the parent's events.
    return [msgspec.structs.replace(parent, call_sid=leg_sid, stated=statement, sequence=None, links=())]
