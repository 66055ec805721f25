"""Facts from call summaries of Voice Insights.

A partial summary follows within ten minutes of the end of a call, the complete one within thirty. A partial
summary has zeros and empty texts where nothing is known yet.
Source: Twilio's pages "Call Summary" of Event Streams and "Details: Call Summary".
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.model import FINAL
from calltally.providers import timestamps, value_parsers, values
from calltally.providers.carrier_facts import sip_call_link
from calltally.providers.twilio import words
from calltally.providers.values import FieldRule, TimeRule

_UNKNOWN: Final = "unknown"
_NO_TIMES: Final = ("0001-01-01", "1970-01-01T00:00:00")
_MAX_TAGS: Final = 100
_NO_CALL_ID: Final = "the summary names no call"


def _instant(text: str) -> int | None:
    return None if text.startswith(_NO_TIMES) else timestamps.rfc3339(text)


def _nonzero_talk(text: str) -> int | None:
    return value_parsers.talk_seconds(text) or None


def _cause(text: str) -> int | None:
    return None if text == "0" else value_parsers.q850_cause(text)


def _answered_by(text: str) -> str | None:
    # Also written for calls without detection.
    return None if text.startswith(_UNKNOWN) else value_parsers.word(text)


_FIELDS: Final = (
    FieldRule("call_state", "status", value_parsers.one_of(words.SUMMARY_STATES)),
    FieldRule("properties.direction", "direction", value_parsers.one_of(words.SUMMARY_DIRECTIONS)),
    FieldRule("from.caller", "from_number", value_parsers.number),
    FieldRule("to.callee", "to_number", value_parsers.number),
    FieldRule("parent_call_sid", "parent_call_sid", value_parsers.sid),
    FieldRule("account_sid", "provider_account", value_parsers.sid),
    FieldRule("answered_by", "answered_by", _answered_by),
    FieldRule("properties.last_sip_response_num", "sip_code", value_parsers.sip_code),
    FieldRule("properties.q850_cause", "hangup_cause", _cause),
    FieldRule("properties.disconnected_by", "hung_up_by", value_parsers.one_of(words.LINE_ENDS)),
)
_PARTIAL_END: Final = (FieldRule("connect_duration", "talk_seconds", _nonzero_talk),)
_COMPLETE_END: Final = (FieldRule("connect_duration", "talk_seconds", value_parsers.talk_seconds),)
# A call that waits for the rate limit of the account is created before it starts.
_TIMES: Final = (
    TimeRule("created_time", "started_us", _instant),
    TimeRule("start_time", "started_us", _instant),
    TimeRule("end_time", "ended_us", _instant),
)


def summary_fact(summary: Mapping[str, Any], stage: int, event_us: int, received_us: int) -> Fact:
    """Return a summary as a fact; `event_us` is the time of its event.

    Raises NotUnderstood with the name and value of an unreadable field.
    """
    call_sid = values.required_value(summary, "call_sid", value_parsers.sid, _NO_CALL_ID)
    statement = _statement(summary, stage, received_us)
    is_over = statement.get("status") in FINAL
    return Fact(
        call_sid=call_sid,
        channel=Channel.CALLBACK,
        provider=words.NAME,
        account=statement.get("provider_account", ""),
        event_id="",
        sequence=None,
        occurred_us=statement.get("ended_us", event_us) if is_over else event_us,
        received_us=received_us,
        digest=content_digest(dict(summary)),
        stated=statement,
        is_carrier=True,
        links=sip_call_link(summary, "sip_edge.properties.sip_call_id", call_sid, statement),
    )


def _statement(summary: Mapping[str, Any], stage: int, received_us: int) -> StatedFields:
    at_end = _COMPLETE_END if stage == words.COMPLETE else _PARTIAL_END
    times: list[StatedFields] = [values.times_of(summary, (rule,), received_us) for rule in _TIMES]
    return values.merged(
        values.parsed_fields(summary, _FIELDS, at_end=at_end),
        *times,
        _tags(summary),
        {"provider": words.NAME, "report_stage": stage},
    )


def _tags(summary: Mapping[str, Any]) -> StatedFields:
    """Return the tags of the summary, such as `high_jitter`; other values than words are left out."""
    tags = summary.get("tags")
    if not tags:
        return {}
    items = cast("list[object]", tags)[:_MAX_TAGS] if isinstance(tags, list) else [None]
    indexed = {str(index): item for index, item in enumerate(items)}
    rules = tuple(FieldRule(name, name, value_parsers.word) for name in indexed)
    parsed: dict[str, Any] = dict(values.parsed_fields(indexed, rules))
    unread = parsed.pop("unread_fields", None)
    found: StatedFields = {"tags": sorted(set(parsed.values()))} if parsed else {}
    if unread or len(parsed) < len(items):
        found["unread_fields"] = ["tags"]
    return found
