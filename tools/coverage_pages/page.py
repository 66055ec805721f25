"""Text of a provider's coverage page."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from calltally.providers.provider import Provider
from tests.unit.providers.sampling import published_fields, published_words, records_of, samples_of
from tools.coverage_pages.fields import Effects, record_effects, text_of, webhook_effects
from tools.coverage_pages.words import WordTable, word_tables

Tables: TypeAlias = Sequence[tuple[str, Effects]]

_UNREAD: Final = "kept in the body"
_HEADER: Final = ("| field | used for |", "| --- | --- |")
_INTRODUCTION: Final = """The fields and words that Calltally reads from this provider, and their use. The
command `make pages` generates this page from the reader and its samples: it removes and changes each field of
a sample, and lists the parts of the record that change. `required` means that the body or the event is
refused without a valid value. Calltally keeps every body unchanged, so a field that is not read is not lost:
a later version can read it."""


def page_of(provider: Provider, tables: Tables) -> str:
    """Return the coverage page of a provider as Markdown."""
    return "\n".join(_lines(provider, tables)) + "\n"


def listed_fields(provider: Provider, tables: Tables) -> list[str]:
    """Return all field paths that the page lists, sorted."""
    read = {text_of(path) for _, effects in tables for path in effects}
    return sorted(read | set(published_fields(provider.name)))


def _lines(provider: Provider, tables: Tables) -> Iterator[str]:
    yield from (f"# Fields and words of {provider.name}", "")
    yield _INTRODUCTION
    listed: set[str] = set()
    for title, effects in tables:
        listed |= {text_of(path) for path in effects}
        yield from ("", f"## {title}", "", *_HEADER, *_field_rows(effects))
    unread = sorted(set(published_fields(provider.name)) - listed)
    if unread:
        yield from ("", "## Other published fields", "", *_HEADER)
        yield from (f"| `{name}` | {_UNREAD} |" for name in unread)
    for table in word_tables(provider.name):
        yield from ("", f"## {table.title}", "", *_word_rows(table))
    if rows := published_words(provider.name):
        yield from ("", "## Published reasons of ends", "", *_published_rows(rows))


def _published_rows(rows: list[list[str]]) -> Iterator[str]:
    """Yield a table of words and readings. The readings are those of a call with a start time."""
    header, *readings = rows
    yield f"| {' | '.join(name.replace('_', ' ') for name in header)} |"
    yield "| --- " * len(header) + "|"
    yield from (f"| `{word}` | {' | '.join(reading)} |" for word, *reading in readings)


def tables_of(provider: Provider) -> list[tuple[str, Effects]]:
    """Return the tables of a provider's fields, each with its title. Takes up to half a second."""
    return list(_tables(provider))


def _tables(provider: Provider) -> Iterator[tuple[str, Effects]]:
    if provider.webhook is not None:
        yield "Fields of callbacks", webhook_effects(provider, samples_of(provider.name))
    if provider.list_facts is not None:
        records = record_effects(provider, records_of(provider.name))
        if records:
            yield "Fields of lists and files", records


def _field_rows(effects: Effects) -> Iterator[str]:
    for path, names in effects.items():
        yield f"| `{text_of(path)}` | {', '.join(sorted(names)) or _UNREAD} |"


def _word_rows(table: WordTable) -> Iterator[str]:
    yield from ("| word | reading |", "| --- | --- |")
    yield from (f"| `{_cell(word)}` | {_cell(reading)} |" for word, reading in table.rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
