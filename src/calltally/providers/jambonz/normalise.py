"""A genuine jambonz request as facts: a call status, or any other hook that names its call and state."""

from typing import Final

import msgspec

from calltally.calls.events import Fact, Said
from calltally.calls.model import UNANSWERED, Direction
from calltally.providers import value_parsers, values
from calltally.providers.call_fact import carriers_event, sip_call_id
from calltally.providers.callback import Callback
from calltally.providers.jambonz import words
from calltally.providers.json_documents import object_of
from calltally.providers.kinds import unread
from calltally.providers.values import Content, Field

_FIELDS: Final = (
    Field("call_status", "status", value_parsers.one_of(words.STATUSES)),
    Field("direction", "direction", value_parsers.one_of(words.DIRECTIONS)),
    Field("from", "from_number", value_parsers.number),
    Field("to", "to_number", value_parsers.number),
    Field("account_sid", "provider_account", value_parsers.sid),
    Field("parent_call_sid", "parent_call_sid", value_parsers.sid),
)
# Seconds since the answer, told with the end; until then the SIP response is of what goes on.
_AT_END: Final = (
    Field("duration", "talk_seconds", value_parsers.seconds),
    Field("sip_status", "sip_code", value_parsers.sip_code),
)
# "OK" is no reason.
_REASON: Final = (Field("sip_reason", "end_reason", value_parsers.word),)
_DIALLED: Final = (
    Field("dial_call_status", "status", value_parsers.one_of(words.STATUSES)),
    Field("dial_sip_status", "sip_code", value_parsers.sip_code),
    Field("call_sid", "parent_call_sid", value_parsers.sid),
    Field("account_sid", "provider_account", value_parsers.sid),
)
_NAMELESS: Final = "the body does not say which call it is of"


def facts_of(callback: Callback) -> list[Fact]:
    """What the request says, a fact for each call that it speaks of.

    Raises NotUnderstood, naming the field and its value, for what cannot be read.
    """
    content = object_of(callback.body)
    call_sid = _call_sid(content)
    said: Said = {**values.said_of(content, _FIELDS, at_end=_AT_END), "provider": words.NAME}
    if said.get("status") in UNANSWERED:
        said.update(values.said_of(content, _REASON))
    facts = [_fact(call_sid, said, content, callback)]
    leg_sid = values.value_of(content, "dial_call_sid", value_parsers.sid)
    if leg_sid is not None and leg_sid != call_sid:
        leg: Said = {**values.said_of(content, _DIALLED), "provider": words.NAME}
        leg["direction"] = Direction.OUTBOUND
        facts.append(_fact(leg_sid, leg, content, callback))
    return facts


def _call_sid(content: Content) -> str:
    call_sid = values.value_of(content, "call_sid", value_parsers.sid)
    if call_sid is None:
        kind = next((kind for kind in words.UNREAD if kind in content), "")
        names_state = not {"call_status", "dial_call_status"}.isdisjoint(content)
        raise unread(kind, f"call_sid is missing: {_NAMELESS}", names_state=names_state)
    return call_sid


def _fact(call_sid: str, said: Said, content: Content, callback: Callback) -> Fact:
    """At the time of its receipt, since the body carries none; the place of its status orders it."""
    fact = carriers_event(call_sid, content, said, callback)
    # What the body says of SIP is of the call that it names first.
    links = sip_call_id(content, "call_id", call_sid) if call_sid == content.get("call_sid") else ()
    return msgspec.structs.replace(fact, sequence=words.SEQUENCE_OF.get(said.get("status", "")), links=links)
