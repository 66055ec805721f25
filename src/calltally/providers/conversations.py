"""What voice-agent platforms tell of a conversation, whatever the platform: turns, tools, judgements, ends.

Of long lists what cannot be read is left out, so that a report is not lost for one odd turn.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.conversation import Conversation, FunctionCall, Turn, pack_conversation
from calltally.calls.end_reasons import Why
from calltally.calls.events import Door, Fact, Said, content_digest
from calltally.calls.identity import Node
from calltally.calls.sessions import counts_of
from calltally.providers import value_parsers, values
from calltally.providers.callback import Source

# In which header of SIP the carrier's own id of the call may stand.
CARRIER_HEADERS: Final = ("x-calltally-call-sid", "x-twilio-callsid")
AGENT: Final = "agent"
USER: Final = "user"
_MAX_DETAIL_BYTES: Final = 16_384
_MAX_TEXT_CHARS: Final = 100_000
_MAX_SECONDS: Final = 30 * 86_400

summary: Final = value_parsers.up_to(32_768)


class Family(NamedTuple):
    """Words of one kind: what is found in them, from their beginning, and what they mean."""

    pattern: re.Pattern[str]
    why: Why


class Told(NamedTuple):
    """What one report says of a call of a platform, and of its session."""

    call_sid: str
    occurred_us: int
    said: Said
    conversation: Conversation = Conversation()
    session: Mapping[str, Any] = {}
    account: str = ""
    event_id: str = ""
    links: tuple[Node, ...] = ()


def family(why: Why, *beginnings: str) -> Family:
    """A family by how its words begin: regular expressions, whatever the case."""
    return Family(re.compile("|".join(beginnings), re.ASCII | re.IGNORECASE), why)


def end_of(word: str | None, families: Sequence[Family]) -> Said:
    """What a platform's word says of the end; one of no family is kept as it came."""
    if word is None:
        return {}
    said: Said = {"end_word": word}
    why = why_of(word, families)
    if why is not None:
        said["end_reason"] = why.reason.value
        if why.side is not None:
            said["end_side"] = why.side.value
    return said


def why_of(word: str | None, families: Iterable[Family]) -> Why | None:
    """What a word means by the first family that it is of."""
    return next((each.why for each in families if word is not None and each.pattern.match(word)), None)


def fact_of(name: str, told: Told, source: Source, raw: bytes) -> Fact:
    """The fact of a report. A repeat is known by its bytes, since few platforms number their reports."""
    session = {key: value for key, value in told.session.items() if value is not None}
    session |= counts_of(told.conversation)
    said: Said = {"provider": name, "session_id": told.call_sid, **told.said}
    if session:
        said["session"] = session
    return Fact(
        call_sid=told.call_sid,
        door=source.door,
        provider=name,
        account=told.account,
        event_id=told.event_id,
        sequence=None,
        occurred_us=told.occurred_us,
        received_us=source.received_us,
        digest=content_digest(raw),
        said=said,
        raw=raw,
        links=told.links,
        conversation=pack_conversation(told.conversation),
    )


def carrier(call_sid: str | None) -> tuple[Node, ...]:
    """The link to the call of whoever carried it, where the report names that."""
    return () if call_sid is None else (Node(call_sid, is_carrier=True),)


def carrier_in_headers(headers: object) -> tuple[Node, ...]:
    """The links to the carrier's call that headers of SIP name, whatever the case of their names.

    Platforms hand on headers that they were sent. Twilio sends its SID by itself; with any other trunk, or a
    switch, the tenant adds one of ours.
    """
    if not isinstance(headers, Mapping):
        return ()
    named = {name.lower(): value for name, value in headers.items() if isinstance(name, str)}
    found = (values.value_of(named, name, value_parsers.sid) for name in CARRIER_HEADERS)
    return tuple(Node(call_sid, is_carrier=True) for call_sid in dict.fromkeys(found) if call_sid is not None)


def turn(role: object, text: object, *, start: object = None, end: object = None) -> Turn | None:
    """One turn; None for what says nothing."""
    if not isinstance(role, str) or not isinstance(text, str) or not text.strip():
        return None
    return Turn(role[:200], text[:_MAX_TEXT_CHARS], number(start), number(end))


def parts(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def number(value: object) -> float | None:
    """Seconds from the start of a session; None for what is no such number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= _MAX_SECONDS else None  # type: ignore[operator, arg-type] # a number


def json_of(value: object) -> Any:  # noqa: ANN401 (JSON)
    """Arguments that are written as JSON in a text; a text that is none stays one."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return value


def function_call(name: object, **told: Any) -> FunctionCall | None:  # noqa: ANN401 (JSON)
    """One call of a tool; None for one without a name."""
    return FunctionCall(name[:200], **told) if isinstance(name, str) and name else None


def details(**named: object) -> dict[str, Any] | None:
    """What a judgement is made of, where it is said and not too long."""
    said = {name: value for name, value in named.items() if value not in (None, {}, [], "")}
    try:
        size = len(msgspec.msgpack.encode(said))
    except (OverflowError, RecursionError, TypeError, ValueError):
        return None
    return said if said and size <= _MAX_DETAIL_BYTES else None


def evaluation(
    successful: bool | None,  # noqa: FBT001 (the judgement itself)
    detail: dict[str, Any] | None = None,
    *,
    score: float | None = None,
) -> dict[str, Any] | None:
    """A judgement in the shape that sessions have; None where nobody judged."""
    if successful is None and detail is None and score is None:
        return None
    return {"successful": successful, "score": score, "reason": None, "details": detail}


def listed(source: Source) -> bool:
    """Whether it is asked of the provider's list, or of an export of it."""
    return source.door in (Door.PROVIDER_LIST, Door.IMPORT)
