"""A genuine Twilio callback as facts: a status callback, a `<Dial>` action, or Call resources in JSON."""

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Door, Fact, Said, content_digest
from calltally.calls.model import Direction
from calltally.providers.callback import Callback, Refusal
from calltally.providers.twilio import words
from calltally.providers.twilio.form import Params, is_form, read_form
from calltally.providers.twilio.resources import decode, document_facts
from calltally.providers.twilio.words import Field

_FIELDS: Final = (
    Field("CallStatus", "status", words.one_of(words.STATUSES)),
    Field("Direction", "direction", words.one_of(words.DIRECTIONS)),
    Field("From", "from_number", words.number),
    Field("To", "to_number", words.number),
    Field("ParentCallSid", "parent_call_sid", words.sid),
    Field("AccountSid", "provider_account", words.sid),
    Field("SipResponseCode", "sip_code", words.sip_code),
    Field("ErrorCode", "error_code", words.word),
    Field("AnsweredBy", "answered_by", words.word),
    Field("RecordingUrl", "recording_url", words.link),
)
_DIAL_FIELDS: Final = (
    Field("DialCallStatus", "status", words.one_of(words.DIAL_STATUSES)),
    Field("CallSid", "parent_call_sid", words.sid),
    Field("AccountSid", "provider_account", words.sid),
)


def facts_of(callback: Callback) -> list[Fact]:
    """What the callback says, a fact for each call that it speaks of.

    Raises NotUnderstood, naming the field and its value, for what cannot be read: then nothing of the
    body counts, so that its replay finds it whole.
    """
    return _form_facts(callback) if is_form(callback.headers) else _json_facts(callback)


def _form_facts(callback: Callback) -> list[Fact]:
    params = _read_params(callback.body)
    content = dict(params)
    fact = _call_fact(content, params, callback)
    return [fact, *_dialled_leg(content, fact)]


def _read_params(body: bytes) -> Params:
    try:
        params = read_form(body)
    except ValueError as fault:
        raise NotUnderstood(f"the body is not a form in UTF-8: {fault}") from fault
    for name, value in params:
        if "\0" in name or "\0" in value:
            raise NotUnderstood(f"{name!r} {value[:80]!r}: holds a NUL character")
    return params


def _call_fact(content: Mapping[str, str], params: Params, callback: Callback) -> Fact:
    call_sid = words.value_of(content, "CallSid", words.sid)
    if call_sid is None:
        raise NotUnderstood("CallSid is missing: the body does not say which call it is of")
    said = words.said_of(content, _FIELDS, duration="CallDuration")
    said["provider"] = words.NAME
    occurred_us = words.instant_of(content, "Timestamp", callback.received_us)
    return Fact(
        call_sid=call_sid,
        door=Door.CALLBACK,
        provider=words.NAME,
        account=said.get("provider_account", ""),
        event_id="",  # Twilio sends none; its retries carry the same content, so the digest knows them.
        sequence=words.value_of(content, "SequenceNumber", words.sequence),
        occurred_us=callback.received_us if occurred_us is None else occurred_us,
        received_us=callback.received_us,
        digest=content_digest(cast("list[object]", sorted(params))),
        said=said,
        raw=callback.body,
        is_carrier=True,
    )


def _dialled_leg(content: Mapping[str, str], parent: Fact) -> list[Fact]:
    """The leg that a `<Dial>` made, which its action callback tells of in the parent's request."""
    leg_sid = words.value_of(content, "DialCallSid", words.sid)
    if leg_sid is None or leg_sid == parent.call_sid:
        return []
    dialled: Said = {"provider": words.NAME, "direction": Direction.OUTBOUND}
    said: Said = {**dialled, **words.said_of(content, _DIAL_FIELDS, duration="DialCallDuration")}
    # The sequence number, if any, counts the parent's events.
    return [msgspec.structs.replace(parent, call_sid=leg_sid, said=said, sequence=None)]


def _json_facts(callback: Callback) -> list[Fact]:
    document = decode(callback.body, "the body")
    told = list(document_facts(document, Door.CALLBACK, callback.received_us))
    refused = [item for item in told if isinstance(item, Refusal)]
    if refused:
        raise NotUnderstood(f"{refused[0].position}: {refused[0].reason}")
    return [item for item in told if isinstance(item, Fact)]
