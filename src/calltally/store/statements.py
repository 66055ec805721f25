"""The named statements of `sql/`, in the words of one database."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import aiosql
from aiosql.types import SQLOperationType

_FOLDER: Final = Path(__file__).parent / "sql"
_DRIVERS: Final = {"sqlite": "apsw", "postgres": "psycopg"}
_SILENT: Final = {SQLOperationType.INSERT_UPDATE_DELETE, SQLOperationType.INSERT_UPDATE_DELETE_MANY}
_PLACE: Final = re.compile(r"\{(\w+)\}")
_PARAMETER: Final = re.compile(r"(?<!:):([a-z_]\w*)")


class NamedSql(NamedTuple):
    """One statement as its database takes it.

    `answers` is whether rows come back; `names` are its parameters in the order in which SQLite
    numbers them, so that rows can be bound by place: by name it takes twice as long.
    """

    sql: str
    answers: bool
    names: tuple[str, ...]


class Statements:
    """Statements of one dialect by name, with their clauses filled in and kept."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._named = load(dialect)
        self._filled: dict[tuple[str, tuple[tuple[str, str], ...]], NamedSql] = {}

    def find(self, name: str, clauses: tuple[tuple[str, str], ...] = ()) -> NamedSql:
        """The statement, its `{place}`s filled by `clauses`: constant SQL of ours, never input."""
        if not clauses:
            return self._named[name]
        known = self._filled.get((name, clauses))
        return known or self._fill(name, clauses)

    def _fill(self, name: str, clauses: tuple[tuple[str, str], ...]) -> NamedSql:
        named = self._named[name]
        texts = {place: _in_words_of(self._dialect, text) for place, text in clauses}
        filled = _named(_PLACE.sub(lambda place: texts[place[1]], named.sql), answers=named.answers)
        self._filled[name, clauses] = filled
        return filled


@cache
def load(dialect: str) -> Mapping[str, NamedSql]:
    """Every statement of `dialect` ("sqlite" or "postgres"): the shared ones and its own."""
    return {**_from_folder("shared", dialect), **_from_folder(dialect, dialect)}


def _from_folder(folder: str, dialect: str) -> dict[str, NamedSql]:
    queries = aiosql.from_path(_FOLDER / folder, _DRIVERS[dialect], mandatory_parameters=False)
    named = {
        name: getattr(queries, name) for name in queries.available_queries if not name.endswith("_cursor")
    }
    return {
        name: _named(_typed(query.sql, dialect), answers=query.operation not in _SILENT)
        for name, query in named.items()
    }


def _named(sql: str, *, answers: bool) -> NamedSql:
    return NamedSql(sql, answers, tuple(dict.fromkeys(_PARAMETER.findall(sql))))


def _in_words_of(dialect: str, clause: str) -> str:
    return _PARAMETER.sub(r"%(\1)b", clause) if dialect == "postgres" else clause


def _typed(sql: str, dialect: str) -> str:
    # Binary parameters spare PostgreSQL the escaping of every blob, at half the bytes.
    return re.sub(r"%\((\w+)\)s", r"%(\1)b", sql) if dialect == "postgres" else sql
