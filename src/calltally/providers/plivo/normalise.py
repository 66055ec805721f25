"""A genuine Plivo callback as facts: a form by POST, or the same fields in the query of a GET."""

from typing import Final, cast

import msgspec

from calltally.calls.events import Fact, Said, content_digest
from calltally.providers import timestamps, value_parsers, values
from calltally.providers.call_fact import carriers_event
from calltally.providers.callback import Callback
from calltally.providers.form import form_of
from calltally.providers.kinds import unread
from calltally.providers.plivo import words
from calltally.providers.values import Content, Field, Time

_FIELDS: Final = (
    Field("CallStatus", "status", value_parsers.one_of(words.STATUSES)),
    Field("Direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    Field("From", "from_number", value_parsers.bare_number),
    Field("To", "to_number", value_parsers.bare_number),
    Field("ParentAuthID", "provider_account", value_parsers.sid),
    Field("ParentCallUUID", "parent_call_sid", value_parsers.sid),
    Field("Machine", "answered_by", value_parsers.one_of(words.ANSWERED_BY)),
    Field("HangupCause", "end_reason", value_parsers.word),
    Field("HangupCauseName", "end_reason", value_parsers.word),
    Field("HangupCauseCode", "error_code", value_parsers.word),
    Field("RecordUrl", "recording_url", value_parsers.link),
)
_TIMES: Final = (
    Time("SessionStart", "started_us", timestamps.any_stamp),
    Time("StartTime", "started_us", timestamps.any_stamp),
    Time("AnswerTime", "answered_us", timestamps.any_stamp),
    Time("EndTime", "ended_us", timestamps.any_stamp),
)
# When what the request tells happened: the first of these that it has.
_OCCURRED: Final = ("EndTime", "AnswerTime")
# BillDuration is what is charged for: rounded up.
_DURATION: Final = Field("Duration", "talk_seconds", value_parsers.seconds)
_NAMELESS: Final = "the body does not say which call it is of"


def facts_of(callback: Callback) -> list[Fact]:
    """What the callback says of its call.

    Raises NotUnderstood, naming the field and its value, for what cannot be read.
    """
    form = form_of(callback)
    content = form.content
    received_us = callback.received_us
    told_us = [values.instant_of(content, name, timestamps.any_stamp, received_us) for name in _OCCURRED]
    call_sid = _call_sid(content)
    fact = carriers_event(call_sid, content, _said(content, callback), callback)
    occurred_us = next((each for each in told_us if each is not None), received_us)
    # A name may come several times, which the content alone would hide.
    digest = content_digest(cast("list[object]", sorted(form.params)))
    return [msgspec.structs.replace(fact, raw=form.raw, occurred_us=occurred_us, digest=digest)]


def _call_sid(content: Content) -> str:
    call_sid = values.value_of(content, "CallUUID", value_parsers.sid)
    if call_sid is None:
        found = (kind for name, kind in words.KIND_BY_FIELD.items() if name in content)
        detail = f"CallUUID is missing: {_NAMELESS}"
        raise unread(next(found, ""), detail, names_state="CallStatus" in content)
    return call_sid


def _said(content: Content, callback: Callback) -> Said:
    said: Said = {
        **values.said_of(content, _FIELDS),
        **values.times_of(content, _TIMES, callback.received_us),
        "provider": words.NAME,
    }
    cost = values.value_of(content, "TotalCost", value_parsers.amount)
    if cost is not None:
        said["cost"] = {"amount": cost, "currency": "USD"}
    # Where both times are told the talk lies between them; `Duration` alone has to do without.
    if said.get("status") == "completed" and "answered_us" not in said:
        talk_seconds = values.value_of(content, _DURATION.theirs, _DURATION.parse)
        if talk_seconds is not None:
            said["talk_seconds"] = talk_seconds
    return said
