"""Facts from Plivo callbacks: a form by POST, or the same fields in the query of a GET."""

from typing import Final, cast

import msgspec

from calltally.calls.events import Fact, StatedFields, content_digest
from calltally.providers import timestamps, value_parsers, values
from calltally.providers.callback import Callback
from calltally.providers.carrier_facts import carrier_event_fact
from calltally.providers.form import form_of
from calltally.providers.message_kinds import unread_kind_error
from calltally.providers.plivo import words
from calltally.providers.values import Content, FieldRule, TimeRule

_FIELDS: Final = (
    FieldRule("CallStatus", "status", value_parsers.one_of(words.STATUSES)),
    FieldRule("Direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    FieldRule("From", "from_number", value_parsers.bare_number),
    FieldRule("To", "to_number", value_parsers.bare_number),
    FieldRule("ParentAuthID", "provider_account", value_parsers.sid),
    FieldRule("ParentCallUUID", "parent_call_sid", value_parsers.sid),
    FieldRule("Machine", "answered_by", value_parsers.one_of(words.ANSWERED_BY)),
    FieldRule("HangupCauseCode", "error_code", value_parsers.word),
    FieldRule("HangupSource", "hung_up_by", value_parsers.one_of(words.LINE_ENDS)),
    FieldRule("RecordUrl", "recording_url", value_parsers.link),
    FieldRule("TotalCost", "cost", value_parsers.cost_in("USD")),
)
_TIMES: Final = (
    TimeRule("SessionStart", "started_us", timestamps.any_stamp),
    TimeRule("StartTime", "started_us", timestamps.any_stamp),
    TimeRule("AnswerTime", "answered_us", timestamps.any_stamp),
    TimeRule("EndTime", "ended_us", timestamps.any_stamp),
)
# The time of the event is the first of these that is present.
_OCCURRED_FIELDS: Final = ("EndTime", "AnswerTime")
# BillDuration is the charged time, rounded up.
_DURATION: Final = (FieldRule("Duration", "talk_seconds", value_parsers.seconds),)
_NO_CALL_ID: Final = "the body names no call"


def facts_of(callback: Callback) -> list[Fact]:
    """Return the fact of a callback.

    Raises NotUnderstood with the name and value of an unreadable field.
    """
    form = form_of(callback)
    content = form.content
    received_us = callback.received_us
    times_us = [
        values.instant_of(content, name, timestamps.any_stamp, received_us) for name in _OCCURRED_FIELDS
    ]
    call_sid = _call_sid(content)
    fact = carrier_event_fact(call_sid, content, _statement(content, callback), callback)
    occurred_us = next((each for each in times_us if each is not None), received_us)
    # The content hides repeated names, so the digest covers all parameters.
    digest = content_digest(cast("list[object]", sorted(form.params)))
    return [msgspec.structs.replace(fact, raw=form.raw, occurred_us=occurred_us, digest=digest)]


def _call_sid(content: Content) -> str:
    call_sid = values.value_of(content, "CallUUID", value_parsers.sid)
    if call_sid is None:
        found = (kind for name, kind in words.KIND_BY_FIELD.items() if name in content)
        detail = f"CallUUID is missing: {_NO_CALL_ID}"
        raise unread_kind_error(next(found, ""), detail, names_state="CallStatus" in content)
    return call_sid


def _statement(content: Content, callback: Callback) -> StatedFields:
    statement = values.merged(
        values.parsed_fields(content, _FIELDS),
        values.times_of(content, _TIMES, callback.received_us),
        {"provider": words.NAME},
    )
    cause = values.optional_value(content, "HangupCause", value_parsers.word, statement)
    name = values.optional_value(content, "HangupCauseName", value_parsers.word, statement)
    statement.update(words.end_of(statement.get("error_code"), cause, name))
    dialled = values.optional_value(
        content, "DialStatus", value_parsers.known(words.DIAL_OUTCOMES), statement
    )
    if dialled is not None:
        target = values.optional_value(content, "DialBLegTo", value_parsers.bare_number, statement)
        statement["transfer"] = {"target": target, "outcome": dialled}
    # With both times the talk lies between them, so `Duration` counts only without an answer time.
    if statement.get("status") == "completed" and "answered_us" not in statement:
        return values.merged(statement, values.parsed_fields(content, _DURATION))
    return statement
