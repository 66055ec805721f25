"""TOML document of a mapping that collects faults by line."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from calltally.calls.errors import Fault, InvalidInput

MAX_MAPPING_CHARS: Final = 32_768
_MAX_FAULTS: Final = 20
_HEADER: Final = re.compile(r"\s*\[{1,2}([^\[\]]{1,200})\]{1,2}\s*(?:#.*)?$")
_KEY: Final = re.compile(r"""\s*("[^"\n]{1,200}"|'[^'\n]{1,200}'|[A-Za-z0-9_.\-]{1,200})\s*=""")
_TYPE_NAMES: Final = {
    str: "text in quotes",
    bool: "true or false",
    int: "a whole number",
    list: "a list",
    dict: "a table",
}

T = TypeVar("T")


class TomlDocument:
    """TOML of a mapping, and its faults."""

    def __init__(self, text: str) -> None:
        self.faults: list[Fault] = []
        self._lines = line_numbers(text)
        self.content = _parse(text)

    def fault(self, key: str, detail: str) -> None:
        """Add a fault of a key such as `fields.status`. `detail` contains the problem and its solution."""
        line = self._lines.get(key) or self._lines.get(key.rpartition(".")[0])
        where = f"line {line}: {key}" if line else key
        self.faults.append(Fault(key, f"{where}: {detail}"))

    def check(self) -> None:
        """Raise InvalidInput if there are faults."""
        if self.faults:
            reported = self.faults[:_MAX_FAULTS]
            raise InvalidInput("\n".join(fault.detail for fault in reported), tuple(reported))

    def check_keys(self, table: Mapping[str, Any], names: Sequence[str], within: str = "") -> None:
        """Add a fault for each key that is not one of `names`."""
        for key in table:
            if key not in names:
                self.fault(within + key, f"unknown key; the keys are {', '.join(names)}")

    def table(self, within: Mapping[str, Any], key: str, path: str | None = None) -> dict[str, Any]:
        """Return a table, empty if there is none."""
        found: dict[str, Any] = self.value(within, key, dict, {}, path or key)
        return found

    def value(self, table: Mapping[str, Any], key: str, kind: type[T], default: T, path: str) -> T:
        """Return a value of a type; the default if it is missing or has another type."""
        found = table.get(key, default)
        if isinstance(found, kind) and not (kind is int and isinstance(found, bool)):
            return found
        self.fault(path, f"must be {_TYPE_NAMES.get(kind, kind.__name__)}")
        return default

    def try_call(self, path: str, make: Callable[[], T]) -> T | None:
        """Return the result of `make`; convert its ValueError to a fault."""
        try:
            return make()
        except ValueError as fault:
            self.fault(path, str(fault))
            return None


def _parse(text: str) -> dict[str, Any]:
    if len(text) > MAX_MAPPING_CHARS:
        raise InvalidInput.of("mapping", f"the mapping has more than {MAX_MAPPING_CHARS} characters")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise InvalidInput.of("mapping", f"the mapping is not TOML: {fault}") from fault


def line_numbers(text: str) -> dict[str, int]:
    """Return the line of each key by its full name; a table's line is its header."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = header[1].strip() + "."
            found.setdefault(header[1].strip(), number)
        elif key := _KEY.match(line):
            found.setdefault(table + key[1].strip("\"'"), number)
    return found
