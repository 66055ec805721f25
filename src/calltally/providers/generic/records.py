"""Facts from events and table rows, by the rules of a mapping."""

from collections.abc import Mapping
from typing import Any, Final, cast

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact, StatedFields, content_digest
from calltally.calls.identity import Node
from calltally.calls.model import FINAL
from calltally.calls.times import SECOND_US, check_plausible
from calltally.providers import json_documents
from calltally.providers.callback import RecordSource
from calltally.providers.generic.mapping import ANY_WORD, IGNORE, UNSAID, CompiledMapping, MappedField
from calltally.providers.generic.paths import Path, find
from calltally.providers.plausibility import check_times

_NOT_IN_STATEMENT: Final = frozenset(
    (
        *("call_sid", "event_id", "occurred_us", "sequence", "carrier_sid", "total_seconds"),
        *("transfer_target", "transfer_outcome", "cost_amount", "cost_currency"),
    )
)
_TIMES: Final = ("ended_us", "answered_us", "ringing_us", "started_us")
_MAX_METADATA_BYTES: Final = 16_384


def fact_of(event: Any, body: Any, mapping: CompiledMapping, source: RecordSource) -> Fact | None:  # noqa: ANN401 (whatever was sent)
    """Return the fact of an event of `body`; None if the mapping ignores the event.

    Raises NotUnderstood with our field, the path and the value.
    """
    if not isinstance(event, Mapping):
        raise NotUnderstood("not a JSON object: check `events` of the mapping")
    found = _values(event, body, mapping, source)
    if found.get("status") == IGNORE:
        return None
    call_sid = found.get("call_sid")
    if not call_sid:
        paths = next((_path_text(field) for field in mapping.fields if field.name == "call_sid"), "call_sid")
        raise NotUnderstood(f"call_sid is missing: there is no value at {paths}")
    statement = _statement(found, event, body, mapping)
    check_times(statement)
    carrier_sid = found.get("carrier_sid")
    return Fact(
        call_sid=call_sid,
        channel=source.channel,
        provider=mapping.provider,
        account=statement.get("provider_account", source.account),
        event_id=found.get("event_id", ""),
        sequence=found.get("sequence"),
        occurred_us=found.get("occurred_us") or _latest_us(statement) or source.received_us,
        received_us=source.received_us,
        digest=_digest(event, body, mapping),
        stated=statement,
        raw=json_documents.encode(event),
        is_carrier=mapping.is_carrier,
        links=(Node(carrier_sid, is_carrier=True),) if carrier_sid and carrier_sid != call_sid else (),
    )


def _values(event: Any, body: Any, mapping: CompiledMapping, source: RecordSource) -> dict[str, Any]:  # noqa: ANN401 (the same)
    found = {field.into: _value(field, event, body, mapping, source) for field in mapping.fields}
    return {name: value for name, value in found.items() if value is not None}


def _value(field: MappedField, event: Any, body: Any, mapping: CompiledMapping, source: RecordSource) -> Any:  # noqa: ANN401 (the same)
    if not field.paths:
        return field.constant
    text = _text(field, event, body)
    if not text:
        return None
    try:
        if field.words is not None:
            text = _meaning(text, field)
            if text == UNSAID:
                return None
        value: Any = field.read(text, mapping.time_zone) if field.read else text
        if value is not None and field.into.endswith("_us"):
            check_plausible(value, source.received_us)
    except (ValueError, OverflowError) as fault:
        raise NotUnderstood(f"{field.name} at {_path_text(field)} is {text[:80]!r}: {fault}") from fault
    return value


def _text(field: MappedField, event: Any, body: Any) -> str:  # noqa: ANN401 (the same)
    """Return the first non-empty value, or all values joined by slashes."""
    texts = (_as_text(find(body if path.is_outer else event, path.steps)) for path in field.paths)
    if field.is_joined:
        joined = "/".join(texts)
        return joined if joined.strip("/") else ""
    return next((text for text in texts if text), "")


def _as_text(value: Any) -> str:  # noqa: ANN401 (the same)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return str(value) if isinstance(value, int | float) else ""


def _meaning(text: str, field: MappedField) -> str:
    """Return the meaning of a word: of the whole word, of its part before the slash, or of any word."""
    words = field.words or {}
    folded = text.casefold()
    for word in (folded, folded.partition("/")[0] + "/" + ANY_WORD if field.is_joined else folded, ANY_WORD):
        if word in words:
            return words[word]
    accepted = ", ".join([*words][:20])
    raise ValueError(f"not in [words.{field.name}], which has {accepted}; add the word there")


def _path_text(field: MappedField) -> str:
    return " or ".join(path.text for path in field.paths)


def _statement(found: Mapping[str, Any], event: Any, body: Any, mapping: CompiledMapping) -> StatedFields:  # noqa: ANN401 (the same)
    statement = {name: value for name, value in found.items() if name not in _NOT_IN_STATEMENT}
    statement["provider"] = mapping.provider
    if "status" in statement and statement["status"] not in FINAL:
        # Before the end it is the time so far, or 0, and not the length of the call.
        statement.pop("talk_seconds", None)
    elif "total_seconds" in found and "started_us" in statement:
        statement.setdefault("ended_us", statement["started_us"] + int(found["total_seconds"] * SECOND_US))
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


def _metadata(event: Any, body: Any, mapping: CompiledMapping) -> dict[str, Any]:  # noqa: ANN401 (the same)
    found = {
        name: _as_text(find(body if path.is_outer else event, path.steps)) for name, path in mapping.metadata
    }
    metadata = {name: text for name, text in sorted(found.items()) if text}
    if not metadata:
        return {}
    if len(json_documents.encode(metadata)) > _MAX_METADATA_BYTES or any(
        "\0" in text for text in metadata.values()
    ):
        raise NotUnderstood(f"metadata has more than {_MAX_METADATA_BYTES} bytes, or a NUL character")
    return metadata


def _latest_us(statement: StatedFields) -> int | None:
    return next((statement[name] for name in _TIMES if name in statement), None)


def _digest(event: Mapping[str, Any], body: Any, mapping: CompiledMapping) -> bytes:  # noqa: ANN401 (the same)
    """Return the digest of the event, and of the values that its fields take from the body around it."""
    content = _without(event, mapping.volatile)
    outer_values = {path.text: find(body, path.steps) for path in _outer(mapping)}
    return content_digest([content, outer_values] if outer_values else content)


def _outer(mapping: CompiledMapping) -> list[Path]:
    paths = [path for field in mapping.fields for path in field.paths]
    return [path for path in (*paths, *(path for _, path in mapping.metadata)) if path.is_outer]


def _without(event: Mapping[str, Any], volatile: tuple[Path, ...]) -> dict[str, Any]:
    content = dict(event)
    for path in volatile:
        inside = content
        for step in path.steps[:-1]:
            part = inside.get(cast("str", step))
            if not isinstance(part, dict):
                break
            inside[cast("str", step)] = inside = dict(part)
        else:
            inside.pop(cast("str", path.steps[-1]), None)
    return content
