"""Rehearse the newest migration: `python -m tools.rehearsal [--calls 1000000] [--database postgres]`.

Makes a database at the schema before it, fills it, migrates it while somebody writes and somebody
reads, and prints how long each statement took and how long the two were kept waiting.
"""

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlalchemy
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import event

from calltally.store import migrations
from calltally.store.backends.migrate import upgrade
from calltally.store.backends.schema import HEAD
from tools.rehearsal.databases import engine_of, fill, is_empty, rehearsal_database, size_bytes
from tools.rehearsal.waits import Waited, waiting

_MAX_CHARS: Final = 90
_SETTLE_S: Final = 0.5


class Statement(NamedTuple):
    """One statement of a migration, and how long it took."""

    sql: str
    seconds: float


def main() -> int:
    """Returns the exit status."""
    arguments = _arguments().parse_args()
    with rehearsal_database(arguments.database) as url:
        engine = engine_of(url)
        if not is_empty(engine):
            print("there are tables in that database; name an empty one", file=sys.stderr)
            return 1
        before = before_head()
        upgrade(url, before)
        began = time.perf_counter()
        fill(engine, arguments.calls)
        filled = f"filled in {time.perf_counter() - began:,.0f} s"
        print(f"{arguments.calls:,} calls at {before}: {size_bytes(engine) / 1e9:.1f} GB, {filled}")
        _rehearse(engine, url)
        engine.dispose()
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.rehearsal", description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000, help="how many calls to make (1,000,000)")
    where = "sqlite or postgres for one that is thrown away, or the URL of an empty one (sqlite)"
    parser.add_argument("--database", default="sqlite", help=where)
    return parser


def before_head() -> str:
    """The schema that the newest migration starts from."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    revision: Any = ScriptDirectory.from_config(config).get_revision(HEAD).down_revision
    return str(revision)


def _rehearse(engine: sqlalchemy.Engine, url: str) -> None:
    with waiting(engine) as (writer, reader):
        time.sleep(_SETTLE_S)
        with timed_statements() as statements:
            began = time.perf_counter()
            upgrade(url)
            took_s = time.perf_counter() - began
    print(f"\n{'seconds':>8}  statement")
    for statement in statements:
        print(f"{statement.seconds:8.2f}  {_short(statement.sql)}")
    print(f"\nmigrated to {HEAD} in {took_s:.2f} s")
    print(f"a writer waited {_in_words(writer.waited)}")
    print(f"a reader waited {_in_words(reader.waited)}")


@contextmanager
def timed_statements() -> Iterator[list[Statement]]:
    """Log the statements of this thread, with their durations."""
    done: list[Statement] = []
    began: list[float] = []
    ours = threading.get_ident()

    def before(*_about: object) -> None:
        if threading.get_ident() == ours:
            began.append(time.perf_counter())

    def after(_connection: object, _cursor: object, sql: str, *_about: object) -> None:
        if threading.get_ident() == ours:
            done.append(Statement(sql, time.perf_counter() - began.pop()))

    event.listen(sqlalchemy.Engine, "before_cursor_execute", before)
    event.listen(sqlalchemy.Engine, "after_cursor_execute", after)
    try:
        yield done
    finally:
        event.remove(sqlalchemy.Engine, "before_cursor_execute", before)
        event.remove(sqlalchemy.Engine, "after_cursor_execute", after)


def _short(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= _MAX_CHARS else f"{line[: _MAX_CHARS - 1]}…"


def _in_words(waited: Waited) -> str:
    return f"{waited.longest_s:.2f} s at the longest, and came through {waited.times:,} times"


if __name__ == "__main__":
    sys.exit(main())
