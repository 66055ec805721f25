"""Paths to values in a body: names with dots, `[0]` or `[key=value]` for an item of a list.

A leading `/` starts at the top of the body instead of the event.
Quotes enclose a name that contains dots: `labels."call.id"`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias

MAX_PATH_CHARS: Final = 200
_MAX_STEPS: Final = 16
_STEP: Final = re.compile(
    r'"([^"]+)"|([^."\[\]]+)|\[(\d{1,4})\]|\[([A-Za-z_][\w-]{0,63})=([^\[\]]{1,100})\]', re.ASCII
)


class KeyStep(NamedTuple):
    """Step to the first object of a list with this value under this key."""

    key: str
    value: str


Step: TypeAlias = str | int | KeyStep


class Path(NamedTuple):
    """Text and steps of a path. `is_outer` marks a path from the top of the body."""

    text: str
    steps: tuple[Step, ...]
    is_outer: bool


def compile_path(text: str) -> Path:
    """Compile a path; raise ValueError with a message for users."""
    rest = text.removeprefix("/").strip()
    if not rest or len(text) > MAX_PATH_CHARS:
        raise ValueError(f"a path has 1 to {MAX_PATH_CHARS} characters, such as call.id or items[0].name")
    steps: list[Step] = []
    at = 0
    while at < len(rest):
        if steps and rest[at] == ".":
            at += 1
        found = _STEP.match(rest, at)
        if not found or (steps and rest[at - 1] != "." and not rest[at] == "["):
            raise ValueError(
                f"{text!r} is not a path at character {at + 1}; write a path such as call.id, items[0].name"
                " or items[kind=agent].name"
            )
        steps.append(_step(*found.groups()))
        at = found.end()
    if len(steps) > _MAX_STEPS:
        raise ValueError(f"a path has at most {_MAX_STEPS} steps")
    return Path(text, tuple(steps), text.startswith("/"))


def _step(
    quoted: str | None, name: str | None, index: str | None, key: str | None, value: str | None
) -> Step:
    if key is not None:
        return KeyStep(key, (value or "").strip().strip("\"'"))
    return int(index) if index is not None else quoted or (name or "").strip()


def find(value: Any, steps: tuple[Step, ...]) -> Any:  # noqa: ANN401 (whatever a body holds)
    """Return the value at the steps of a path; None if there is none."""
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
        elif isinstance(step, KeyStep):
            value = _with_key(value, step)
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def _with_key(value: Any, step: KeyStep) -> Any:  # noqa: ANN401 (whatever a body holds)
    items = value if isinstance(value, list) else []
    return next(
        (each for each in items if isinstance(each, Mapping) and str(each.get(step.key)) == step.value), None
    )
