"""Size on disk of a call with four facts, once everything is written."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import apsw
import msgspec

from bench.dataset import FILE, add_tenants
from bench.lab import Lab
from bench.live import FACTS_A_CALL, Message, messages, submission
from bench.rows.ingest import SEED, through_ledger
from bench.table import Row, context, within
from bench.timing import wall_us
from calltally.store.backends.open import migrate, open_store

_DAYS: Final = 90
_SECONDS_A_DAY: Final = 86_400
_MOST_BYTES: Final = 3_000
_MOST_CALLS: Final = 20_000
_IN_FLIGHT: Final = 256


async def disk(lab: Lab) -> list[Row]:
    """Calls as dense in time as the whole data has them; in full batches, and one fact a commit."""
    calls = min(lab.size // 2, _MOST_CALLS)
    per_s = lab.size / _DAYS / _SECONDS_A_DAY
    bare = _bare_bytes(_facts(calls, per_s), lab.new_folder()) / calls
    grouped, outbox = await _bytes_a_call(lab, calls, per_s, in_flight=_IN_FLIGHT)
    single, _ = await _bytes_a_call(lab, calls // 10, per_s, in_flight=1)
    against = f"bare rows and raw JSON: {bare:,.0f} bytes"
    what = "disk, a call with four facts"
    return [
        _row(f"{what}, outbox emptied", grouped - outbox, against),
        context(f"{what}, with its outbox rows", f"{grouped:,.0f} bytes", against),
        context(f"{what}, each fact a commit of its own", f"{single:,.0f} bytes", against),
    ]


def _row(what: str, taken: float, against: str) -> Row:
    return within(
        what,
        f"{taken:,.0f} bytes",
        against=against,
        target=f"at most {_MOST_BYTES:,} bytes",
        met=taken <= _MOST_BYTES,
    )


def _facts(calls: int, per_s: float) -> Iterator[Message]:
    return islice(messages(SEED, per_s=per_s), calls * FACTS_A_CALL)


async def _bytes_a_call(lab: Lab, calls: int, per_s: float, *, in_flight: int) -> tuple[float, float]:
    """All bytes of the file a call, and those of the outbox among them."""
    folder = lab.new_folder()
    url = f"sqlite:///{folder / FILE}"
    await asyncio.to_thread(migrate, url)
    store = open_store(url, wall_us)
    try:
        await add_tenants(store, folder)
        await through_ledger(store, [submission(each) for each in _facts(calls, per_s)], in_flight)
    finally:
        await store.close()
    return (folder / FILE).stat().st_size / calls, _bytes_of(folder / FILE, "outbox") / calls


def _bytes_of(path: Path, table: str) -> int:
    """The pages of a table and of its indexes."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    names = [
        name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE tbl_name = ?", (table,))
    ]
    sizes = [
        connection.execute("SELECT sum(pgsize) FROM dbstat WHERE name = ?", (name,)).get for name in names
    ]
    connection.close()
    return sum(size or 0 for size in sizes)


def _bare_bytes(facts: Iterator[Message], folder: Path) -> int:
    """The rows that a plain receiver keeps: each callback as JSON, each call in columns, an index each."""
    folder.mkdir(parents=True)
    path = folder / "bare.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE events (sid TEXT, at_us INTEGER, status TEXT, body TEXT)")
    connection.execute("CREATE INDEX events_of_call ON events (sid)")
    connection.execute(
        "CREATE TABLE calls (sid TEXT PRIMARY KEY, tenant TEXT, created_us INTEGER, status TEXT,"
        " direction TEXT, from_number TEXT, to_number TEXT, duration_seconds INTEGER, updated_us INTEGER)"
    )
    connection.execute("CREATE INDEX calls_listed ON calls (tenant, created_us)")
    with connection:
        for fact in facts:
            _write_bare(connection, fact)
    connection.close()
    return path.stat().st_size


def _write_bare(connection: apsw.Connection, fact: Message) -> None:
    form = dict(fact.form)
    sid, status, body = form["CallSid"], form["CallStatus"], msgspec.json.encode(form).decode()
    connection.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (sid, fact.at_us, status, body))
    parties = (form["Direction"], form["From"], form["To"], form.get("CallDuration"))
    connection.execute(
        "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (sid) DO UPDATE SET status = excluded.status,"
        " duration_seconds = excluded.duration_seconds, updated_us = excluded.updated_us",
        (sid, fact.tenant, fact.at_us, status, *parties, fact.at_us),
    )
