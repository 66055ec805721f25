"""A form of the settings page that was refused: it comes back with what was typed, and its faults."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from calltally.calls.errors import CalltallyError
from calltally.web.request.query import Pairs

# The decoder of a body names the path of a value.
_PATH: Final = re.compile(r" - at `\$\.(\w+)")
# Fields that have another name in the API.
_FIELDS: Final[Mapping[str, str]] = {"scopes": "scope", "events": "event", "default_country": "country"}


class SubmittedForm(NamedTuple):
    """Form that was refused: its path, its fields, and the faults by field. Without a path: none was."""

    path: str = ""
    pairs: Pairs = ()
    faults: Mapping[str, str] = {}
    detail: str = ""

    def value(self, path: str, name: str, default: str | None = "") -> str:
        """Return what was typed into a field, or its default in another form."""
        if path != self.path:
            return default or ""
        return next((value for each, value in self.pairs if each == name), "")

    def has(self, path: str, name: str, value: str, default: object = False) -> bool:  # noqa: FBT002 (a template's call)
        """Return whether a choice was made, or its default in another form."""
        return (name, value) in self.pairs if path == self.path else bool(default)

    def fault(self, path: str, name: str) -> str:
        """Return the fault of a field; a prefix such as `setting.` is the form's own."""
        faults = self.faults if path == self.path else {}
        return faults.get(name) or faults.get(name.rpartition(".")[2], "")


NOTHING_SUBMITTED: Final = SubmittedForm()


def refused_form(path: str, pairs: Pairs, error: CalltallyError) -> SubmittedForm:
    faults = {_field(fault.parameter, fault.detail): fault.detail for fault in error.faults}
    return SubmittedForm(path, pairs, faults, error.detail)


def _field(parameter: str, detail: str) -> str:
    """Return the name of the field that a fault is about."""
    found = _PATH.search(detail)
    name = found[1] if found else parameter
    return _FIELDS.get(name, name)
