"""Tables of a provider's words, read from its `words` module."""

import importlib.util
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

from calltally.providers.values import FieldRule

# Providers whose callbacks have Twilio's names and words.
_TWIML: Final = frozenset({"twilio", "signalwire", "telnyx"})


class WordTable(NamedTuple):
    """Table of one kind of words: its title, and each word with our reading; empty for a plain list."""

    title: str
    rows: list[tuple[str, str]]


def word_tables(provider: str) -> Iterator[WordTable]:
    """Yield the tables of a provider's words, in the order of its module, and those that it shares."""
    modules = [f"calltally.providers.{provider}.words"]
    modules += ["calltally.providers.twiml_callbacks"] * (provider in _TWIML)
    for module in modules:
        if importlib.util.find_spec(module) is not None:
            yield from _tables(module)


def _tables(module: str) -> Iterator[WordTable]:
    for name, value in vars(import_module(module)).items():
        # Names of no word table: one of the modules' own, or a tuple of rules that read fields.
        if name.isupper() and not name.startswith("_") and not _has_field_rules(value):
            rows = list(_rows(value))
            if rows:
                yield WordTable(name.replace("_", " ").capitalize(), rows)


def _has_field_rules(value: object) -> bool:
    return isinstance(value, tuple) and any(isinstance(each, FieldRule) for each in value)


def _rows(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        yield from ((str(word), _reading(ours)) for word, ours in value.items())
    elif isinstance(value, frozenset):
        yield from ((str(word), "") for word in sorted(map(str, value)))
    elif isinstance(value, tuple):
        yield from (_item(each) for each in value)


def _item(item: Any) -> tuple[str, str]:  # noqa: ANN401 (words, or patterns with their reading)
    if isinstance(item, tuple):
        pattern, *readings = item
        return getattr(pattern, "pattern", str(pattern)), ", ".join(map(_reading, readings))
    return str(item), ""


def _reading(ours: object) -> str:
    if ours is None:
        return "not stated"
    if isinstance(ours, bool):
        return str(ours).lower()
    return ", ".join(map(_reading, ours)) if isinstance(ours, tuple) else str(ours)
