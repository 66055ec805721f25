"""Paths to values in a body: names with dots, `[0]` for an item of a list.

A leading `/` starts at the top of the body instead of the event.
Quotes enclose a name that contains dots: `labels."call.id"`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

MAX_PATH_CHARS: Final = 200
_MAX_STEPS: Final = 16
_STEP: Final = re.compile(r'"([^"]+)"|([^."\[\]]+)|\[(\d{1,4})\]')


class Path(NamedTuple):
    """Text and steps of a path. `is_outer` marks a path from the top of the body."""

    text: str
    steps: tuple[str | int, ...]
    is_outer: bool


def compile_path(text: str) -> Path:
    """Compile a path; raise ValueError with a message for users."""
    rest = text.removeprefix("/").strip()
    if not rest or len(text) > MAX_PATH_CHARS:
        raise ValueError(f"a path has 1 to {MAX_PATH_CHARS} characters, such as call.id or items[0].name")
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        if steps and rest[at] == ".":
            at += 1
        found = _STEP.match(rest, at)
        if not found or (steps and rest[at - 1] != "." and not rest[at] == "["):
            raise ValueError(
                f"{text!r} is not a path at character {at + 1}; write a path such as call.id or items[0].name"
            )
        quoted, name, index = found.groups()
        steps.append(int(index) if index is not None else quoted or name.strip())
        at = found.end()
    if len(steps) > _MAX_STEPS:
        raise ValueError(f"a path has at most {_MAX_STEPS} steps")
    return Path(text, tuple(steps), text.startswith("/"))


def find(value: Any, steps: tuple[str | int, ...]) -> Any:  # noqa: ANN401 (whatever a body holds)
    """Return the value at the steps of a path; None if there is none."""
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value
