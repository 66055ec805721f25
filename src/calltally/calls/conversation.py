"""Conversation of a session: turns, function calls and an evaluation, and their stored bytes."""

from typing import Any, Final

import msgspec


class Turn(msgspec.Struct, frozen=True):
    """Turn of a transcript; `start_seconds` and `end_seconds` count from the session's start."""

    role: str
    text: str
    start_seconds: float | None = None
    end_seconds: float | None = None


class FunctionCall(msgspec.Struct, frozen=True):
    """Call of a tool by the agent. Arguments and result are JSON, or text if they were not valid JSON."""

    name: str
    arguments: Any = None
    result: Any = None
    error: str | None = None
    start_seconds: float | None = None
    duration_seconds: float | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """Evaluation of a session after its end."""

    successful: bool | None = None
    score: float | None = None
    reason: str | None = None
    details: dict[str, Any] | None = None


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """Conversation as one fact states it. None states nothing; an empty list states that there is none."""

    transcript: list[Turn] | None = None
    function_calls: list[FunctionCall] | None = None


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Conversation)


def pack_conversation(conversation: Conversation) -> bytes:
    """Return the bytes stored beside a fact; empty if the fact states no words."""
    return _encoder.encode(conversation) if conversation != Conversation() else b""


def unpack_conversation(packed: bytes) -> Conversation:
    """Return the conversation from the bytes of `pack_conversation`."""
    return _decoder.decode(packed) if packed else Conversation()


def transcript_text(conversation: Conversation) -> str:
    return "\n".join(turn.text for turn in conversation.transcript or ())
