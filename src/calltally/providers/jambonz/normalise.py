"""A genuine jambonz request as facts: a call status, or any other hook that names its call and state."""

from typing import Final

from calltally.calls.events import Door, Fact, Said, content_digest
from calltally.calls.model import Direction
from calltally.providers import values
from calltally.providers.callback import Callback
from calltally.providers.documents import object_of
from calltally.providers.jambonz import words
from calltally.providers.values import Content, Field

_FIELDS: Final = (
    Field("call_status", "status", values.one_of(words.STATUSES)),
    Field("direction", "direction", values.one_of(words.DIRECTIONS)),
    Field("from", "from_number", values.number),
    Field("to", "to_number", values.number),
    Field("account_sid", "provider_account", values.sid),
    Field("parent_call_sid", "parent_call_sid", values.sid),
    Field("sip_reason", "end_reason", values.word),
    Field("sip_status", "sip_code", values.sip_code),
)
# Seconds since the answer, told with the end.
_AT_END: Final = (Field("duration", "talk_seconds", values.seconds),)
_DIALLED: Final = (
    Field("dial_call_status", "status", values.one_of(words.STATUSES)),
    Field("dial_sip_status", "sip_code", values.sip_code),
    Field("call_sid", "parent_call_sid", values.sid),
    Field("account_sid", "provider_account", values.sid),
)
_NAMELESS: Final = "the body does not say which call it is of"


def facts_of(callback: Callback) -> list[Fact]:
    """What the request says, a fact for each call that it speaks of.

    Raises NotUnderstood, naming the field and its value, for what cannot be read.
    """
    content = object_of(callback.body)
    call_sid = values.needed(content, "call_sid", values.sid, _NAMELESS)
    said: Said = {**values.said_of(content, _FIELDS, at_end=_AT_END), "provider": words.NAME}
    facts = [_fact(call_sid, said, content, callback)]
    leg_sid = values.value_of(content, "dial_call_sid", values.sid)
    if leg_sid is not None and leg_sid != call_sid:
        leg: Said = {**values.said_of(content, _DIALLED), "provider": words.NAME}
        leg["direction"] = Direction.OUTBOUND
        facts.append(_fact(leg_sid, leg, content, callback))
    return facts


def _fact(call_sid: str, said: Said, content: Content, callback: Callback) -> Fact:
    return Fact(
        call_sid=call_sid,
        door=Door.CALLBACK,
        provider=words.NAME,
        account=said.get("provider_account", ""),
        event_id="",  # None is sent; a retry has the same content.
        sequence=words.SEQUENCE_OF.get(said.get("status", "")),
        occurred_us=callback.received_us,  # The body carries no time.
        received_us=callback.received_us,
        digest=content_digest(dict(content)),
        said=said,
        raw=callback.body,
        is_carrier=True,
    )
