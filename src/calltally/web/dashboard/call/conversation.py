"""Conversation of a call: turns, tool calls and hand-overs in order of time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from calltally.calls.times import SECOND_US, parse_instant

Record = Mapping[str, Any]

_TURNS: Final = {"agent": "agent", "user": "user"}
_MINUTE_S: Final = 60


class ConversationEntry(NamedTuple):
    """One entry. Offsets are seconds from the start of the call; `clock` is empty if unknown.

    `kind` is agent, user, other, tool or hand-over; `details` are names and values in addition to the text.
    """

    kind: str
    offset_s: float
    until_s: float
    clock: str
    label: str
    text: str
    anchor: str
    details: Sequence[tuple[str, str]] = ()
    is_failed: bool = False

    @property
    def lane(self) -> str:
        return {"tool": "lane_tools", "hand-over": "lane_hand_over"}.get(self.kind, "lane_speech")


def conversation(call: Record) -> list[ConversationEntry]:
    """Return all entries of a call as the API returns it, with the API's masking."""
    session = call["session"] or {}
    begin_s = _since(call, _begin_of(call, session)) if session else 0.0
    entries = [
        *_turns(session.get("transcript") or (), begin_s),
        *_tools(session.get("function_calls") or (), begin_s),
        *_hand_overs(call),
    ]
    # Python's sort is stable: an entry without its own time stays after its predecessor.
    return sorted(entries, key=lambda entry: entry.offset_s)


def clock_text(seconds: float) -> str:
    """Format as `1:07`."""
    minutes, rest = divmod(int(seconds), _MINUTE_S)
    return f"{minutes}:{rest:02}"


def _begin_of(call: Record, session: Record) -> str:
    """Return the start of a session: its own, else its platform's, else the answer of the call.

    A session without a start of its own has the call's, and nobody speaks while it rings.
    """
    if session["created_at"] != call["created_at"]:
        return str(session["created_at"])
    of_session = (fact["said"] for fact in call["events"] if fact["said"].get("session_id") == session["id"])
    stated = [fields["started_at"] for fields in of_session if "started_at" in fields]
    return str(stated[-1] if stated else call["answered_at"] or call["created_at"])


def _since(call: Record, instant: str) -> float:
    return (parse_instant(instant) - parse_instant(call["created_at"])) / SECOND_US


def _turns(turns: Sequence[Record], begin_s: float) -> Iterator[ConversationEntry]:
    last_s = begin_s
    for number, turn in enumerate(turns):
        start, end = turn["start_seconds"], turn["end_seconds"]
        at_s = last_s if start is None else begin_s + start
        last_s = at_s if end is None else max(begin_s + end, at_s)
        kind = _TURNS.get(turn["role"], "other")
        clock = "" if start is None else clock_text(at_s)
        yield ConversationEntry(kind, at_s, last_s, clock, turn["role"], turn["text"], f"turn-{number}")


def _tools(tools: Sequence[Record], begin_s: float) -> Iterator[ConversationEntry]:
    for number, tool in enumerate(tools):
        start, lasted = tool["start_seconds"], tool["duration_seconds"]
        at_s = begin_s + (start or 0.0)
        details = [
            (name, value if isinstance(value, str) else msgspec.json.encode(value).decode())
            for name in ("arguments", "result", "error")
            if (value := tool[name]) is not None
        ]
        yield ConversationEntry(
            kind="tool",
            offset_s=at_s,
            until_s=at_s + (lasted or 0.0),
            clock="" if start is None else clock_text(at_s),
            label=tool["name"],
            text="",
            anchor=f"tool-{number}",
            details=details,
            is_failed=tool["error"] is not None,
        )


def _hand_overs(call: Record) -> Iterator[ConversationEntry]:
    for number, fact in enumerate(call["events"]):
        hand_over = {name: fact["said"].get(name) for name in ("escalation", "transfer")}
        details = [
            (name, str(value))
            for part in hand_over.values()
            for name, value in (part or {}).items()
            if value is not None
        ]
        if details or fact["said"].get("escalated"):
            at_s = _since(call, fact["occurred_at"])
            label = details[0][1] if details else "escalated"
            yield ConversationEntry(
                "hand-over",
                at_s,
                at_s,
                clock_text(at_s),
                label,
                "",
                f"hand-over-{number}",
                list(dict.fromkeys(details)),
            )
