"""Transcript of an event: the compiler of a mapping's `[transcript]` table, and its reader."""

from collections.abc import Mapping
from typing import Any, Final

from calltally.calls.conversation import Conversation, Turn
from calltally.providers import platform_reports
from calltally.providers.generic.field_compiler import compile_path_at
from calltally.providers.generic.mapping import TranscriptRule
from calltally.providers.generic.paths import Path, find
from calltally.providers.generic.toml_document import TomlDocument

_KEYS: Final = ("turns", "role", "text", "start", "end", "unit", "roles")
_UNIT_SECONDS: Final = {"s": 1.0, "ms": 0.001}
_MAX_ROLES: Final = 50


def compile_transcript(document: TomlDocument) -> TranscriptRule | None:
    """Compile the table, if there is one; add its faults to the document."""
    if "transcript" not in document.content:
        return None
    table = document.table(document.content, "transcript")
    document.check_keys(table, _KEYS, "transcript.")
    unit = document.value(table, "unit", str, "s", "transcript.unit")
    if unit not in _UNIT_SECONDS:
        document.fault("transcript.unit", f"must be one of {', '.join(_UNIT_SECONDS)}")
    roles = document.table(table, "roles", "transcript.roles")
    if len(roles) > _MAX_ROLES or not all(isinstance(role, str) for role in roles.values()):
        document.fault("transcript.roles", f"must have at most {_MAX_ROLES} lines with text in quotes")
    turns, role, text = (
        compile_path_at(document, table.get(key, default), f"transcript.{key}")
        for key, default in (("turns", None), ("role", "role"), ("text", "text"))
    )
    start, end = (
        compile_path_at(document, table[key], f"transcript.{key}") if key in table else None
        for key in ("start", "end")
    )
    if turns is None or role is None or text is None:
        return None
    named = {str(word).casefold(): str(meaning) for word, meaning in roles.items()}
    return TranscriptRule(turns, role, text, start, end, _UNIT_SECONDS.get(unit, 1.0), named)


def conversation_of(event: Any, body: Any, rule: TranscriptRule | None) -> Conversation:  # noqa: ANN401 (whatever was sent)
    """Return the turns of an event; a conversation without turns if it has no list of them."""
    if rule is None:
        return Conversation()
    listed = find(body if rule.turns.is_outer else event, rule.turns.steps)
    if not isinstance(listed, list):
        return Conversation()
    turns = (_turn(item, rule) for item in platform_reports.objects_in(listed))
    return Conversation([turn for turn in turns if turn is not None])


def _turn(item: Mapping[str, Any], rule: TranscriptRule) -> Turn | None:
    """Return one turn. With a table of roles, turns of other roles are left out."""
    role = find(item, rule.role.steps)
    if rule.roles:
        role = rule.roles.get(str(role).casefold())
    return platform_reports.turn(
        role,
        find(item, rule.text.steps),
        start=_seconds(item, rule.start, rule.unit_s),
        end=_seconds(item, rule.end, rule.unit_s),
    )


def _seconds(item: Mapping[str, Any], path: Path | None, unit_s: float) -> float | None:
    value = None if path is None else find(item, path.steps)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) * unit_s if is_number else None  # type: ignore[arg-type] # a number
