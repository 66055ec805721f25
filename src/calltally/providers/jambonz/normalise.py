"""Facts from jambonz requests: call statuses, and other hooks that name a call and its state."""

from typing import Final

import msgspec

from calltally.calls.events import Fact, StatedFields
from calltally.calls.model import UNANSWERED, Direction
from calltally.providers import value_parsers, values
from calltally.providers.callback import Callback
from calltally.providers.carrier_facts import carrier_event_fact, sip_call_link
from calltally.providers.jambonz import words
from calltally.providers.json_documents import parse_object
from calltally.providers.message_kinds import unread_kind_error
from calltally.providers.values import Content, FieldRule

_FIELDS: Final = (
    FieldRule("call_status", "status", value_parsers.one_of(words.STATUSES)),
    FieldRule("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    FieldRule("from", "from_number", value_parsers.number),
    FieldRule("to", "to_number", value_parsers.number),
    FieldRule("account_sid", "provider_account", value_parsers.sid),
    FieldRule("parent_call_sid", "parent_call_sid", value_parsers.sid),
)
# The duration is the time since the answer. Before the end, the SIP response is provisional.
_FINAL_FIELDS: Final = (
    FieldRule("duration", "talk_seconds", value_parsers.seconds),
    FieldRule("sip_status", "sip_code", value_parsers.sip_code),
    FieldRule("call_termination_by", "hung_up_by", value_parsers.one_of(words.LINE_ENDS)),
)
# "OK" is no reason, so only unanswered calls have one.
_REASON_FIELDS: Final = (FieldRule("sip_reason", "end_reason", value_parsers.word),)
_DIALLED_FIELDS: Final = (
    FieldRule("dial_call_status", "status", value_parsers.one_of(words.STATUSES)),
    FieldRule("dial_sip_status", "sip_code", value_parsers.sip_code),
    FieldRule("call_sid", "parent_call_sid", value_parsers.sid),
    FieldRule("account_sid", "provider_account", value_parsers.sid),
)
_NO_CALL_ID: Final = "the body names no call"


def facts_of(callback: Callback) -> list[Fact]:
    """Return a fact for each call in the request.

    Raises NotUnderstood with the name and value of an unreadable field.
    """
    content = parse_object(callback.body)
    call_sid = _call_sid(content)
    statement = values.parsed_fields(content, _FIELDS, at_end=_FINAL_FIELDS)
    if statement.get("status") in UNANSWERED:
        statement = values.merged(statement, values.parsed_fields(content, _REASON_FIELDS))
    statement["provider"] = words.NAME
    statement.update(_transfer(content, statement))
    facts = [_fact(call_sid, statement, content, callback)]
    leg_sid = values.value_of(content, "dial_call_sid", value_parsers.sid)
    if leg_sid is not None and leg_sid != call_sid:
        leg: StatedFields = {**values.parsed_fields(content, _DIALLED_FIELDS), "provider": words.NAME}
        leg["direction"] = Direction.OUTBOUND
        facts.append(_fact(leg_sid, leg, content, callback))
    return facts


def _transfer(content: Content, statement: StatedFields) -> StatedFields:
    """Return the transfer of a call by the end of its `dial`, or the responses to its `sip:refer`."""
    dialled = values.optional_value(
        content, "dial_call_status", value_parsers.known(words.DIAL_OUTCOMES), statement
    )
    if dialled is not None:
        return {"transfer": {"target": None, "outcome": dialled}}
    names = ("final_referred_call_status", "refer_status")
    final, accepted = (
        values.optional_value(content, name, value_parsers.sip_code, statement) for name in names
    )
    if final is None and accepted is None:
        return {}
    return {"transfer": {"target": None, "outcome": words.refer_outcome(final, accepted)}}


def _call_sid(content: Content) -> str:
    call_sid = values.value_of(content, "call_sid", value_parsers.sid)
    if call_sid is None:
        kind = next((kind for kind in words.UNREAD_KINDS if kind in content), "")
        names_state = not {"call_status", "dial_call_status"}.isdisjoint(content)
        raise unread_kind_error(kind, f"call_sid is missing: {_NO_CALL_ID}", names_state=names_state)
    return call_sid


def _fact(call_sid: str, statement: StatedFields, content: Content, callback: Callback) -> Fact:
    """Return a fact at the time of receipt, since the body has no time; the status gives the sequence."""
    fact = carrier_event_fact(call_sid, content, statement, callback)
    # The SIP fields of the body belong to the call in `call_sid`.
    is_own = call_sid == content.get("call_sid")
    links = sip_call_link(content, "call_id", call_sid, fact.stated) if is_own else ()
    return msgspec.structs.replace(
        fact, sequence=words.STATUS_SEQUENCE.get(statement.get("status", "")), links=links
    )
