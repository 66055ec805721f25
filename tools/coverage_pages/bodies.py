"""Bodies of a provider's samples as trees of values, and the same bodies without or with another leaf."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlencode

from calltally.providers.form import is_form
from tests.unit.providers.sampling import Sent

# Names of a leaf from the top; `[]` stands for every element of a list.
Path: TypeAlias = tuple[str, ...]
ELEMENT: Final = "[]"


class Tree(NamedTuple):
    """Value of a body, and the function that encodes such a value again."""

    value: Any
    encode: Callable[[Any], bytes]


def tree_of_body(sent: Sent) -> Tree | None:
    """Return the body of a request as a tree; None for a request without a readable one."""
    if sent.body and sent.content_type and is_form({"content-type": sent.content_type}):
        return _form(sent.body.decode())
    return tree_of_text(sent.body) if sent.body else None


def tree_of_query(sent: Sent) -> Tree | None:
    """Return the parameters of a URL as a tree; None if there are none."""
    return _form(sent.query) if sent.query else None


def tree_of_text(text: bytes) -> Tree | None:
    """Return a JSON document, JSON lines, or a table with a header as a tree; None for any other text."""
    try:
        return Tree(json.loads(text), lambda value: json.dumps(value).encode())
    except ValueError:
        pass
    try:
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        return _table(text)
    return Tree(rows, lambda value: b"\n".join(json.dumps(row).encode() for row in value))


def _form(text: str) -> Tree:
    return Tree(dict(parse_qsl(text, keep_blank_values=True)), lambda value: urlencode(value).encode())


def _table(text: bytes) -> Tree | None:
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    if not rows or any(None in row or None in row.values() for row in rows):
        return None

    def encode(value: Sequence[dict[str, str]]) -> bytes:
        written = io.StringIO()
        writer = csv.DictWriter(written, list(value[0]))
        writer.writeheader()
        writer.writerows(value)
        return written.getvalue().encode()

    return Tree(rows, encode)


def leaves(value: object, path: Path = ()) -> Iterator[Path]:
    """Yield the path of each leaf, once for all elements of a list. An empty object or list is a leaf."""
    if isinstance(value, dict) and value:
        for name, child in value.items():
            yield from leaves(child, (*path, name))
    elif isinstance(value, list) and value:
        yield from dict.fromkeys(each for child in value for each in leaves(child, (*path, ELEMENT)))
    elif path:
        yield path


def changed(value: object, path: Path, change: Callable[[Any], Any]) -> object:
    """Return a copy of the value in which `change` replaced each leaf at the path; None removes it."""
    if isinstance(value, list):
        if path[:1] != (ELEMENT,):
            return value
        children = (change(child) if len(path) == 1 else changed(child, path[1:], change) for child in value)
        return [child for child in children if child is not None or len(path) > 1]
    if not isinstance(value, dict) or not path or path[0] not in value:
        return value
    name, rest = path[0], path[1:]
    child = changed(value[name], rest, change) if rest else change(value[name])
    if child is None and not rest:
        return {key: each for key, each in value.items() if key != name}
    return {**value, name: child}


def other_value(value: object) -> object:
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return f"{value}x" if isinstance(value, str) else "x"
