"""Where a value stands in a body: names with dots, `[0]` for an item of a list.

A `/` in front leads from the top of the body, and not from the event.
A name that has dots itself is written in quotes: `labels."call.id"`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

MAX_PATH_CHARS: Final = 200
_MAX_STEPS: Final = 16
_STEP: Final = re.compile(r'"([^"]+)"|([^."\[\]]+)|\[(\d{1,4})\]')


class Path(NamedTuple):
    """A path as it was written, and its steps. `is_outer` is one from the top of the body."""

    text: str
    steps: tuple[str | int, ...]
    is_outer: bool


def compile_path(text: str) -> Path:
    """A path that was written; raises ValueError with words for the reader."""
    rest = text.removeprefix("/").strip()
    if not rest or len(text) > MAX_PATH_CHARS:
        raise ValueError(f"a path has 1 to {MAX_PATH_CHARS} characters, like call.id or items[0].name")
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        if steps and rest[at] == ".":
            at += 1
        found = _STEP.match(rest, at)
        if not found or (steps and rest[at - 1] != "." and not rest[at] == "["):
            raise ValueError(
                f"{text!r} is no path at character {at + 1}; write it like call.id or items[0].name"
            )
        quoted, name, index = found.groups()
        steps.append(int(index) if index is not None else quoted or name.strip())
        at = found.end()
    if len(steps) > _MAX_STEPS:
        raise ValueError(f"a path has at most {_MAX_STEPS} steps")
    return Path(text, tuple(steps), text.startswith("/"))


def find(value: Any, steps: tuple[str | int, ...]) -> Any:  # noqa: ANN401 (whatever a body holds)
    """What stands there; None where there is nothing."""
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value
