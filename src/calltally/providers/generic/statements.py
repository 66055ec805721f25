"""Fields that an event states, from the values that its mapping reads."""

from collections.abc import Mapping
from typing import Any, Final, cast

from calltally.calls.conversation import Conversation
from calltally.calls.errors import NotUnderstood
from calltally.calls.events import StatedFields
from calltally.calls.model import FINAL, Direction
from calltally.calls.sessions import conversation_counts
from calltally.calls.times import SECOND_US
from calltally.providers import json_documents, platform_reports
from calltally.providers.generic.mapping import CompiledMapping
from calltally.providers.generic.paths import find

_NOT_IN_STATEMENT: Final = frozenset(
    (
        *("call_sid", "event_id", "occurred_us", "sequence", "carrier_sid", "total_seconds"),
        *("transfer_target", "transfer_outcome", "cost_amount", "cost_currency"),
        *("own_number", "other_number", "stream_id", "session_successful"),
    )
)
_MAX_METADATA_BYTES: Final = 16_384


def statement_of(found: Mapping[str, Any], event: Any, body: Any, mapping: CompiledMapping) -> StatedFields:  # noqa: ANN401 (whatever was sent)
    """Return the fields that an event states, from its values by our names."""
    statement = {name: value for name, value in found.items() if name not in _NOT_IN_STATEMENT}
    statement["provider"] = mapping.provider
    if "status" in statement and statement["status"] not in FINAL:
        # Before the end it is the time so far, or 0, and not the length of the call.
        statement.pop("talk_seconds", None)
    elif "total_seconds" in found:
        _add_total(statement, int(found["total_seconds"] * SECOND_US))
    _add_parties(statement, found)
    if "transfer_outcome" in found or "transfer_target" in found:
        statement["transfer"] = {
            "target": found.get("transfer_target"),
            "outcome": found.get("transfer_outcome"),
        }
    if "cost_amount" in found:
        statement["cost"] = {"amount": found["cost_amount"], "currency": found.get("cost_currency")}
    if metadata := _metadata(event, body, mapping):
        statement["metadata"] = metadata
    return cast("StatedFields", statement)


def _add_total(statement: dict[str, Any], total_us: int) -> None:
    """Add the end, or else the start, that follows from the length of the whole call."""
    if "started_us" in statement:
        statement.setdefault("ended_us", statement["started_us"] + total_us)
    elif "ended_us" in statement:
        statement["started_us"] = statement["ended_us"] - total_us


def _add_parties(statement: dict[str, Any], found: Mapping[str, Any]) -> None:
    """Add the parties of a source that names the tenant's own number and the other one."""
    direction, own, other = statement.get("direction"), found.get("own_number"), found.get("other_number")
    if direction is None:
        return
    caller, called = (other, own) if direction == Direction.INBOUND else (own, other)
    for name, party in (("from_number", caller), ("to_number", called)):
        if party is not None:
            statement.setdefault(name, party)


def add_session(statement: StatedFields, found: Mapping[str, Any], conversation: Conversation) -> None:
    """Add the session of a call with a transcript. Without an id of its own it has the SID of the call."""
    session: dict[str, Any] = dict(conversation_counts(conversation))
    if "stream_id" in found:
        session["stream_id"] = found["stream_id"]
    if "session_successful" in found:
        session["evaluation"] = platform_reports.evaluation(found["session_successful"])
    if session:
        statement["session"] = session
        statement.setdefault("session_id", found["call_sid"])


def _metadata(event: Any, body: Any, mapping: CompiledMapping) -> dict[str, Any]:  # noqa: ANN401 (the same)
    found = {
        name: as_text(find(body if path.is_outer else event, path.steps)) for name, path in mapping.metadata
    }
    metadata = {name: text for name, text in sorted(found.items()) if text}
    if not metadata:
        return {}
    if len(json_documents.encode(metadata)) > _MAX_METADATA_BYTES or any(
        "\0" in text for text in metadata.values()
    ):
        raise NotUnderstood(f"metadata has more than {_MAX_METADATA_BYTES} bytes, or a NUL character")
    return metadata


def as_text(value: Any) -> str:  # noqa: ANN401 (whatever was sent)
    """Return a value as text; empty for objects and other lists than of texts."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return str(value) if isinstance(value, int | float) else ""
