"""A genuine Twilio callback as facts: a status callback, a `<Dial>` action, or Call resources in JSON."""

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from calltally.calls.events import Door, Fact, Said, content_digest
from calltally.calls.model import Direction
from calltally.providers import instants, values
from calltally.providers.callback import Callback
from calltally.providers.documents import callback_facts
from calltally.providers.form import Params, is_form, need_form
from calltally.providers.twilio import words
from calltally.providers.twilio.resources import SHAPE, fact_of
from calltally.providers.values import Field

_FIELDS: Final = (
    Field("CallStatus", "status", values.one_of(words.STATUSES)),
    Field("Direction", "direction", values.one_of(words.DIRECTIONS)),
    Field("From", "from_number", values.number),
    Field("To", "to_number", values.number),
    Field("ParentCallSid", "parent_call_sid", values.sid),
    Field("AccountSid", "provider_account", values.sid),
    Field("SipResponseCode", "sip_code", values.sip_code),
    Field("ErrorCode", "error_code", values.word),
    Field("AnsweredBy", "answered_by", values.word),
    Field("RecordingUrl", "recording_url", values.link),
)
# Before the end it is the time so far, or 0: neither is the length of the call.
_AT_END: Final = (Field("CallDuration", "talk_seconds", values.talk_seconds),)
_DIAL_FIELDS: Final = (
    Field("DialCallStatus", "status", values.one_of(words.DIAL_STATUSES)),
    Field("CallSid", "parent_call_sid", values.sid),
    Field("AccountSid", "provider_account", values.sid),
)
_DIAL_AT_END: Final = (Field("DialCallDuration", "talk_seconds", values.talk_seconds),)


def facts_of(callback: Callback) -> list[Fact]:
    """What the callback says, a fact for each call that it speaks of.

    Raises NotUnderstood, naming the field and its value, for what cannot be read: then nothing of the
    body counts, so that its replay finds it whole.
    """
    return _form_facts(callback) if is_form(callback.headers) else callback_facts(callback, SHAPE, fact_of)


def _form_facts(callback: Callback) -> list[Fact]:
    params = need_form(callback.body)
    content = dict(params)
    fact = _call_fact(content, params, callback)
    return [fact, *_dialled_leg(content, fact)]


def _call_fact(content: Mapping[str, str], params: Params, callback: Callback) -> Fact:
    call_sid = values.needed(content, "CallSid", values.sid, "the body does not say which call it is of")
    said = values.said_of(content, _FIELDS, at_end=_AT_END)
    said["provider"] = words.NAME
    occurred_us = values.instant_of(content, "Timestamp", instants.rfc2822, callback.received_us)
    return Fact(
        call_sid=call_sid,
        door=Door.CALLBACK,
        provider=words.NAME,
        account=said.get("provider_account", ""),
        event_id="",  # Twilio sends none; its retries carry the same content, so the digest knows them.
        sequence=values.value_of(content, "SequenceNumber", values.sequence),
        occurred_us=callback.received_us if occurred_us is None else occurred_us,
        received_us=callback.received_us,
        digest=content_digest(cast("list[object]", sorted(params))),
        said=said,
        raw=callback.body,
        is_carrier=True,
    )


def _dialled_leg(content: Mapping[str, str], parent: Fact) -> list[Fact]:
    """The leg that a `<Dial>` made, which its action callback tells of in the parent's request."""
    leg_sid = values.value_of(content, "DialCallSid", values.sid)
    if leg_sid is None or leg_sid == parent.call_sid:
        return []
    dialled: Said = {"provider": words.NAME, "direction": Direction.OUTBOUND}
    said: Said = {**dialled, **values.said_of(content, _DIAL_FIELDS, at_end=_DIAL_AT_END)}
    # The sequence number, if any, counts the parent's events.
    return [msgspec.structs.replace(parent, call_sid=leg_sid, said=said, sequence=None)]
