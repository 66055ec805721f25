"""One event of a body, or one row of a table, as a fact, as a mapping says."""

from collections.abc import Mapping
from typing import Any, Final, cast

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact, Said, content_digest
from calltally.calls.identity import Node
from calltally.calls.model import FINAL
from calltally.calls.times import SECOND_US, check_plausible
from calltally.providers import json_documents
from calltally.providers.callback import Source
from calltally.providers.generic.mapping import ANY_WORD, IGNORE, UNSAID, FieldMap, Mapped
from calltally.providers.generic.paths import Path, find
from calltally.providers.plausibility import check_times

_NOT_SAID: Final = frozenset(
    (
        *("call_sid", "event_id", "occurred_us", "sequence", "carrier_sid", "total_seconds"),
        *("transfer_target", "transfer_outcome", "cost_amount", "cost_currency"),
    )
)
_TIMES: Final = ("ended_us", "answered_us", "ringing_us", "started_us")
_MAX_METADATA_BYTES: Final = 16_384


def fact_of(event: Any, body: Any, mapped: Mapped, source: Source) -> Fact | None:  # noqa: ANN401 (whatever was sent)
    """The fact that an event of `body` is; None for one that the mapping ignores.

    Raises NotUnderstood that names our field, their path and the value.
    """
    if not isinstance(event, Mapping):
        raise NotUnderstood("not an object with names: check `events` of the mapping")
    found = _found(event, body, mapped, source)
    if found.get("status") == IGNORE:
        return None
    call_sid = found.get("call_sid")
    if not call_sid:
        paths = next((_shown(field) for field in mapped.fields if field.name == "call_sid"), "call_sid")
        raise NotUnderstood(f"call_sid is missing: nothing stands at {paths}")
    said = _said(found, event, body, mapped)
    check_times(said)
    carrier_sid = found.get("carrier_sid")
    return Fact(
        call_sid=call_sid,
        door=source.door,
        provider=mapped.provider,
        account=said.get("provider_account", source.account),
        event_id=found.get("event_id", ""),
        sequence=found.get("sequence"),
        occurred_us=found.get("occurred_us") or _latest_us(said) or source.received_us,
        received_us=source.received_us,
        digest=_digest(event, body, mapped),
        said=said,
        raw=json_documents.encode(event),
        is_carrier=mapped.is_carrier,
        links=(Node(carrier_sid, is_carrier=True),) if carrier_sid and carrier_sid != call_sid else (),
    )


def _found(event: Any, body: Any, mapped: Mapped, source: Source) -> dict[str, Any]:  # noqa: ANN401 (the same)
    found = {field.into: _value(field, event, body, mapped, source) for field in mapped.fields}
    return {name: value for name, value in found.items() if value is not None}


def _value(field: FieldMap, event: Any, body: Any, mapped: Mapped, source: Source) -> Any:  # noqa: ANN401 (the same)
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
        value: Any = field.read(text, mapped.time_zone) if field.read else text
        if value is not None and field.into.endswith("_us"):
            check_plausible(value, source.received_us)
    except (ValueError, OverflowError) as fault:
        raise NotUnderstood(f"{field.name} at {_shown(field)} is {text[:80]!r}: {fault}") from fault
    return value


def _text(field: FieldMap, event: Any, body: Any) -> str:  # noqa: ANN401 (the same)
    """The first value that there is, or all of them by slashes."""
    texts = (_plain(find(body if path.is_outer else event, path.steps)) for path in field.paths)
    if field.is_joined:
        joined = "/".join(texts)
        return joined if joined.strip("/") else ""
    return next((text for text in texts if text), "")


def _plain(value: Any) -> str:  # noqa: ANN401 (the same)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    return str(value) if isinstance(value, int | float) else ""


def _meaning(text: str, field: FieldMap) -> str:
    """Ours for their word: the whole of it, what stands before its first slash, or any."""
    words = field.words or {}
    folded = text.casefold()
    for word in (folded, folded.partition("/")[0] + "/" + ANY_WORD if field.is_joined else folded, ANY_WORD):
        if word in words:
            return words[word]
    known = ", ".join([*words][:20])
    raise ValueError(f"not in [words.{field.name}], which has {known}; add it there")


def _shown(field: FieldMap) -> str:
    return " or ".join(path.text for path in field.paths)


def _said(found: Mapping[str, Any], event: Any, body: Any, mapped: Mapped) -> Said:  # noqa: ANN401 (the same)
    said = {name: value for name, value in found.items() if name not in _NOT_SAID}
    said["provider"] = mapped.provider
    if "status" in said and said["status"] not in FINAL:
        # Before the end it is the time so far, or 0: neither is the length of the call.
        said.pop("talk_seconds", None)
    elif "total_seconds" in found and "started_us" in said:
        said.setdefault("ended_us", said["started_us"] + int(found["total_seconds"] * SECOND_US))
    if "transfer_outcome" in found or "transfer_target" in found:
        said["transfer"] = {"target": found.get("transfer_target"), "outcome": found.get("transfer_outcome")}
    if "cost_amount" in found:
        said["cost"] = {"amount": found["cost_amount"], "currency": found.get("cost_currency")}
    if metadata := _metadata(event, body, mapped):
        said["metadata"] = metadata
    return cast("Said", said)


def _metadata(event: Any, body: Any, mapped: Mapped) -> dict[str, Any]:  # noqa: ANN401 (the same)
    found = {
        name: _plain(find(body if path.is_outer else event, path.steps)) for name, path in mapped.metadata
    }
    metadata = {name: text for name, text in sorted(found.items()) if text}
    if not metadata:
        return {}
    if len(json_documents.encode(metadata)) > _MAX_METADATA_BYTES or any(
        "\0" in text for text in metadata.values()
    ):
        raise NotUnderstood(f"metadata has more than {_MAX_METADATA_BYTES} bytes, or a NUL character")
    return metadata


def _latest_us(said: Said) -> int | None:
    return next((said[name] for name in _TIMES if name in said), None)


def _digest(event: Mapping[str, Any], body: Any, mapped: Mapped) -> bytes:  # noqa: ANN401 (the same)
    """Of what was sent of this event, and of what its fields take from around it."""
    content = _without(event, mapped.volatile)
    around = {path.text: find(body, path.steps) for path in _outer(mapped)}
    return content_digest([content, around] if around else content)


def _outer(mapped: Mapped) -> list[Path]:
    paths = [path for field in mapped.fields for path in field.paths]
    return [path for path in (*paths, *(path for _, path in mapped.metadata)) if path.is_outer]


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
