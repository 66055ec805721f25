"""What is said and done in a session: turns, calls of tools, a judgement; and how it is kept as bytes."""

from typing import Any, Final

import msgspec


class Turn(msgspec.Struct, frozen=True):
    """One turn of a transcript; `start_seconds` and `end_seconds` count from the session's start."""

    role: str
    text: str
    start_seconds: float | None = None
    end_seconds: float | None = None


class FunctionCall(msgspec.Struct, frozen=True):
    """One call of a tool by the agent. Arguments and result are JSON, or text where they were none."""

    name: str
    arguments: Any = None
    result: Any = None
    error: str | None = None
    start_seconds: float | None = None
    duration_seconds: float | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """How a session was judged afterwards."""

    successful: bool | None = None
    score: float | None = None
    reason: str | None = None
    details: dict[str, Any] | None = None


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one fact tells of the words; None says nothing, an empty list that there were none."""

    transcript: list[Turn] | None = None
    function_calls: list[FunctionCall] | None = None


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Conversation)


def pack_conversation(conversation: Conversation) -> bytes:
    """The bytes that lie beside a fact; empty where it says nothing of the words."""
    return _encoder.encode(conversation) if conversation != Conversation() else b""


def unpack_conversation(packed: bytes) -> Conversation:
    """What `pack_conversation` packed."""
    return _decoder.decode(packed) if packed else Conversation()


def transcript_text(conversation: Conversation) -> str:
    """All that was said, for the search."""
    return "\n".join(turn.text for turn in conversation.transcript or ())
