"""Facts from events and table rows, by the rules of a mapping."""

from collections.abc import Mapping
from typing import Any, Final, cast

from calltally.calls.conversation import pack_conversation
from calltally.calls.errors import NotUnderstood
from calltally.calls.events import UNREAD, Fact, StatedFields, content_digest
from calltally.calls.identity import Node
from calltally.calls.times import check_plausible
from calltally.providers import json_documents
from calltally.providers.callback import RecordSource
from calltally.providers.generic.mapping import (
    ANY_WORD,
    IGNORE,
    UNSAID,
    CompiledMapping,
    EventRule,
    MappedField,
)
from calltally.providers.generic.paths import Path, find
from calltally.providers.generic.statements import add_session, as_text, statement_of
from calltally.providers.generic.transcript import conversation_of
from calltally.providers.plausibility import check_times

# An unreadable value of another field is left out and named in `unread_fields`.
_REQUIRED: Final = frozenset(
    ("call_sid", "event_id", "carrier_sid", "sequence", "talk_seconds", "total_seconds")
)
_TIMES: Final = ("ended_us", "answered_us", "ringing_us", "started_us")


def fact_of(event: Any, body: Any, mapping: CompiledMapping, source: RecordSource) -> Fact | None:  # noqa: ANN401 (whatever was sent)
    """Return the fact of an event of `body`; None if the mapping ignores the event.

    Raises NotUnderstood with our field, the path and the value.
    """
    if not isinstance(event, Mapping):
        raise NotUnderstood("not a JSON object: check `events` of the mapping")
    rule = _rule_of(event, body, mapping)
    if rule is not None and rule.is_ignored:
        return None
    found = _values(event, body, mapping if rule is None else mapping._replace(fields=rule.fields), source)
    if found.get("status") == IGNORE:
        return None
    call_sid = found.get("call_sid")
    if not call_sid:
        paths = next((_path_text(field) for field in mapping.fields if field.name == "call_sid"), "call_sid")
        raise NotUnderstood(f"call_sid is missing: there is no value at {paths}")
    statement = statement_of(found, event, body, mapping)
    conversation = conversation_of(event, body, mapping.transcript)
    add_session(statement, found, conversation)
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
        conversation=pack_conversation(conversation),
    )


def _rule_of(event: Any, body: Any, mapping: CompiledMapping) -> EventRule | None:  # noqa: ANN401 (the same)
    """Return the first rule for the kind of an event."""
    for rule in mapping.rules:
        kind = as_text(find(body if rule.path.is_outer else event, rule.path.steps))
        if kind.casefold() in rule.kinds:
            return rule
    return None


def _values(event: Any, body: Any, mapping: CompiledMapping, source: RecordSource) -> dict[str, Any]:  # noqa: ANN401 (the same)
    found: dict[str, Any] = {}
    for field in mapping.fields:
        try:
            value = _value(field, event, body, mapping, source)
        except NotUnderstood:
            if field.into in _REQUIRED or field.into.endswith("_us") or field.words is not None:
                raise
            found[UNREAD] = [*found.get(UNREAD, ()), field.name]
            continue
        if value is not None:
            found[field.into] = value
    return found


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
    texts = (as_text(find(body if path.is_outer else event, path.steps)) for path in field.paths)
    if field.is_joined:
        joined = "/".join(texts)
        return joined if joined.strip("/") else ""
    return next((text for text in texts if text), "")


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


def _latest_us(statement: StatedFields) -> int | None:
    return next((statement[name] for name in _TIMES if name in statement), None)


def _digest(event: Mapping[str, Any], body: Any, mapping: CompiledMapping) -> bytes:  # noqa: ANN401 (the same)
    """Return the digest of the event, and of the values that fields and rules take from around it."""
    content = _without(event, mapping.volatile)
    outer_values = {path.text: find(body, path.steps) for path in _outer(mapping)}
    return content_digest([content, outer_values] if outer_values else content)


def _outer(mapping: CompiledMapping) -> list[Path]:
    fields = [*mapping.fields, *(field for rule in mapping.rules for field in rule.fields)]
    paths = [path for field in fields for path in field.paths]
    kinds = [rule.path for rule in mapping.rules]
    return [path for path in (*paths, *(path for _, path in mapping.metadata), *kinds) if path.is_outer]


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
