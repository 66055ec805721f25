"""Facts from reports of voice-agent platforms: conversation turns, tool calls, evaluations, end reasons.

Unreadable items of long lists are left out, so that one odd turn does not cost the whole report.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from calltally.calls.conversation import Conversation, FunctionCall, Turn, pack_conversation
from calltally.calls.end_reasons import EndAttribution
from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.identity import Node
from calltally.calls.sessions import conversation_counts
from calltally.providers import value_parsers, values
from calltally.providers.callback import RecordSource

# SIP headers that may carry the carrier's own id of the call.
CARRIER_HEADERS: Final = ("x-calltally-call-sid", "x-twilio-callsid")
AGENT: Final = "agent"
USER: Final = "user"
# The word of `answered_by` for a mailbox or an answering machine.
MACHINE: Final = "machine"
_MAX_DETAIL_BYTES: Final = 16_384
_MAX_TEXT_CHARS: Final = 100_000
_MAX_SECONDS: Final = 30 * 86_400

T = TypeVar("T")
summary: Final = value_parsers.up_to(32_768)


class EndReasonPattern(NamedTuple):
    """Pattern for the start of a platform's end word, and the end reason that it stands for."""

    pattern: re.Pattern[str]
    why: EndAttribution


class PlatformReport(NamedTuple):
    """Contents of one report about a platform's call and its session."""

    call_sid: str
    occurred_us: int
    statement: StatedFields
    conversation: Conversation = Conversation()
    session: Mapping[str, Any] = {}
    account: str = ""
    event_id: str = ""
    links: tuple[Node, ...] = ()


def end_pattern(why: EndAttribution, *beginnings: str) -> EndReasonPattern:
    """Return a pattern that matches words by their beginnings: regular expressions, case-insensitive."""
    return EndReasonPattern(re.compile("|".join(beginnings), re.ASCII | re.IGNORECASE), why)


def end_fields(word: str | None, families: Sequence[EndReasonPattern]) -> StatedFields:
    """Return the end fields for a platform's word. A word without a pattern is stored unchanged."""
    if word is None:
        return {}
    statement: StatedFields = {"end_word": word}
    why = match_end_reason(word, families)
    if why is not None:
        statement["end_reason"] = why.reason.value
        if why.side is not None:
            statement["end_side"] = why.side.value
    return statement


def match_end_reason(word: str | None, families: Iterable[EndReasonPattern]) -> EndAttribution | None:
    """Return the reason of the first pattern that matches."""
    return next((each.why for each in families if word is not None and each.pattern.match(word)), None)


def report_fact(name: str, report: PlatformReport, source: RecordSource, raw: bytes) -> Fact:
    """Return the fact of a report. The digest of its bytes identifies a repeat: few platforms send ids."""
    session = {key: value for key, value in report.session.items() if value is not None}
    session |= conversation_counts(report.conversation)
    statement: StatedFields = {"provider": name, "session_id": report.call_sid, **report.statement}
    if session:
        statement["session"] = session
    return Fact(
        call_sid=report.call_sid,
        channel=source.channel,
        provider=name,
        account=report.account,
        event_id=report.event_id,
        sequence=None,
        occurred_us=report.occurred_us,
        received_us=source.received_us,
        digest=content_digest(raw),
        stated=statement,
        raw=raw,
        links=report.links,
        conversation=pack_conversation(report.conversation),
    )


def first_value(
    content: values.Content, names: Iterable[str], parse: value_parsers.Parse[T], statement: StatedFields
) -> T | None:
    """Return the first value that is present and readable; `statement` names an unreadable one."""
    found = (values.optional_value(content, name, parse, statement) for name in names)
    return next((value for value in found if value is not None), None)


def carrier_link(call_sid: str | None) -> tuple[Node, ...]:
    """Return the link to the carrier's call, if the report names it."""
    return () if call_sid is None else (Node(call_sid, is_carrier=True),)


def carrier_links_in_headers(headers: object) -> tuple[Node, ...]:
    """Return the links to the carrier's call that SIP headers name; header names are case-insensitive.

    Platforms pass on the headers that they receive. Twilio sends its SID by itself. For any other trunk or a
    switch, the tenant adds the header `X-Calltally-Call-Sid`.
    """
    if not isinstance(headers, Mapping):
        return ()
    named = {name.lower(): value for name, value in headers.items() if isinstance(name, str)}
    unread: StatedFields = {}
    found = (values.optional_value(named, name, value_parsers.sid, unread) for name in CARRIER_HEADERS)
    return tuple(Node(call_sid, is_carrier=True) for call_sid in dict.fromkeys(found) if call_sid is not None)


def turn(role: object, text: object, *, start: object = None, end: object = None) -> Turn | None:
    """Return one conversation turn; None for a turn without a role or text."""
    if not isinstance(role, str) or not isinstance(text, str) or not text.strip():
        return None
    return Turn(role[:200], text[:_MAX_TEXT_CHARS], session_seconds(start), session_seconds(end))


def objects_in(value: object) -> list[Mapping[str, Any]]:
    """Return the JSON objects of a list, without its other items."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def session_seconds(value: object) -> float | None:
    """Return seconds from the start of a session; None for any other value."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= _MAX_SECONDS else None  # type: ignore[operator, arg-type] # a number


def json_or_text(value: object) -> Any:  # noqa: ANN401 (JSON)
    """Decode arguments that are JSON inside a string; return other strings unchanged."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return value


def function_call(name: object, **fields: Any) -> FunctionCall | None:  # noqa: ANN401 (JSON)
    """Return one call of a tool; None without a name."""
    return FunctionCall(name[:200], **fields) if isinstance(name, str) and name else None


def evaluation_details(**named: object) -> dict[str, Any] | None:
    """Return the non-empty details of an evaluation; None if there are none or they are too long."""
    details = {name: value for name, value in named.items() if value not in (None, {}, [], "")}
    return details if details and _fits(details) else None


def metadata_of(metadata: object, **named: object) -> dict[str, Any] | None:
    """Return the tenant's own metadata, and other objects under a name; None if empty or too long.

    The tenant's own name wins if it is the same.
    """
    others = {name: value for name, value in named.items() if isinstance(value, Mapping) and value}
    content = {**others, **(metadata if isinstance(metadata, Mapping) else {})}
    return content if content and _fits(content) else None


def _fits(content: Mapping[str, Any]) -> bool:
    """Return whether the record can hold an object: its size, its depth, its numbers, and no NUL."""
    try:
        stored, encoded = msgspec.msgpack.encode(content), msgspec.json.encode(content)
    except (OverflowError, RecursionError, TypeError, ValueError):
        return False
    return max(len(stored), len(encoded)) <= _MAX_DETAIL_BYTES and b"\\u0000" not in encoded


def evaluation(
    successful: bool | None,  # noqa: FBT001 (the verdict itself)
    detail: dict[str, Any] | None = None,
    *,
    score: float | None = None,
) -> dict[str, Any] | None:
    """Return an evaluation in the shape of sessions; None if the platform gave none."""
    if successful is None and detail is None and score is None:
        return None
    return {"successful": successful, "score": score, "reason": None, "details": detail}


def is_from_list(source: RecordSource) -> bool:
    """Return whether the source is the provider's list or an export of it."""
    return source.channel in (Channel.PROVIDER_LIST, Channel.IMPORT)
