"""`calltally db distribute` and the writer on many machines.

No Citus can be installed here. These tests run on a real PostgreSQL with a stand-in for the catalogue and the
function of Citus that are used (tests/integration/store/citus.py). What they prove is that the right
questions are asked and the right commands given, in an order that can be taken up again; not what Citus
makes of them.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from calltally.store.backends.postgres.citus import LOCAL_TABLES
from calltally.store.db.interface import Submission
from tests.conftest import Bench
from tests.integration.store.citus import note_spread, spread_tables, stand_in
from tests.integration.store.probing import direct, found, listed, verdict
from tests.integration.store.test_filled_statements import fill
from tests.integration.test_cli import CommandResult, Commands
from tests.sample_facts import fact

_numbers = count()
_FAILS_AT_COUNTS = """
CREATE FUNCTION citus_stand_in.create_distributed_table(spread regclass, by_column text, colocate_with text)
RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    IF spread = 'counts'::regclass THEN RAISE lock_not_available; END IF;
    PERFORM distribute_really(spread, by_column, colocate_with => colocate_with);
END $$
"""


@pytest.fixture
def url(postgres_server: str) -> Iterator[str]:
    """A migrated PostgreSQL database of its own."""
    name = f"spread_{next(_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template_calltally')
        yield urlsplit(postgres_server)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, url: str
) -> Callable[..., CommandResult]:
    """`calltally db distribute` on that database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", url)
    commands = Commands(monkeypatch, capsys)
    return lambda *words: commands("db", "distribute", *words)


@pytest.fixture
def distributed_bench(url: str) -> Iterator[Bench]:
    """Store on that database after its tables are distributed."""
    with direct(url) as db:
        stand_in(db)
        note_spread(db, tenants=("h", "tenant", 1), facts=("h", "tenant", 1))
    with asyncio.Runner() as runner:
        bench = Bench(url, runner)
        yield bench
        bench.close()


def tables(url: str) -> set[str]:
    with direct(url) as db:
        return {name for (name,) in db("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def test_sqlite_is_refused(run: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", "sqlite:///calltally.db")
    Path("calltally.db").touch()
    output = run()
    assert (output.code, output.out) == (1, "")
    assert (
        output.err == "calltally: the database is SQLite, a file on one machine; move to PostgreSQL first\n"
    )


def test_without_citus_nothing_changes(run: Callable[..., CommandResult], url: str) -> None:
    before = tables(url)
    for words in ((), ("--check",)):
        output = run(*words)
        assert output.code == 1
        assert "Citus is not installed" in output.err
        assert "facts" in output.out
    assert tables(url) == before


def test_all_missing_prerequisites_are_reported_at_once(run: Callable[..., CommandResult], url: str) -> None:
    with direct(url) as db:
        stand_in(db, nodes=0)
        db("CREATE TABLE odd (tenant TEXT, number BIGINT UNIQUE)")
        note_spread(
            db,
            facts=("h", "node", 1),
            routes=("n", None, 2),
            tenants=("h", "tenant", 3),
            calls=("h", "tenant", 4),
        )
        db("UPDATE alembic_version SET version_num = '0001'")
        [(name,)] = db("SELECT current_database()")
        db(f'ALTER DATABASE "{name}" SET citus.shard_replication_factor = 2')
        before = spread_tables(db)
        output = run()
        assert spread_tables(db) == before
    assert output.code == 1
    for expected in (
        "Citus has no node for rows",
        "citus.shard_replication_factor is 2 and has to be 1",
        "the key odd_number_key of odd begins with number, not with the tenant",
        "facts is distributed by node already: run SELECT undistribute_table('facts') first",
        "routes is a reference table already",
        "calls is not colocated with tenants",
        "the schema is at version 0001, this code needs",
    ):
        assert expected in output.err
    assert len(output.err.splitlines()) == 7


def test_schema_is_distributed_by_tenant_in_one_group(run: Callable[..., CommandResult], url: str) -> None:
    with direct(url) as db:
        stand_in(db)
        checked = run("--check")
        assert (checked.code, checked.err, spread_tables(db)) == (0, "", {})
        output = run()
        assert (output.code, output.err) == (0, "")
        spread = spread_tables(db)
    assert spread.keys() == tables(url) - LOCAL_TABLES.keys()
    assert set(spread.values()) == {("tenant", 1)}
    moved = [line.removeprefix("moved ") for line in output.out.splitlines() if line.startswith("moved ")]
    assert moved == ["tenants", *sorted(spread.keys() - {"tenants"})]


def test_interrupted_distribution_is_resumed(run: Callable[..., CommandResult], url: str) -> None:
    """The fake refuses a table that is distributed already, as Citus does."""
    with direct(url) as db:
        stand_in(db)
        db("ALTER FUNCTION citus_stand_in.create_distributed_table RENAME TO distribute_really")
        db(_FAILS_AT_COUNTS)
        broken = run()
        assert broken.code == 1
        assert "cannot answer now" in broken.err
        done = spread_tables(db)
        assert "counts" not in done
        assert "calls" in done
        db("DROP FUNCTION citus_stand_in.create_distributed_table(regclass, text, text)")
        db("ALTER FUNCTION citus_stand_in.distribute_really RENAME TO create_distributed_table")
        output = run()
        assert (output.code, output.err) == (0, "")
        assert spread_tables(db).keys() == tables(url) - LOCAL_TABLES.keys()
    assert "moved calls" not in output.out
    assert "moved counts" in output.out


def test_check_reports_tables_as_json(run: Callable[..., CommandResult], url: str) -> None:
    with direct(url) as db:
        stand_in(db)
    reported = json.loads(run("--check", "--json").out)
    assert reported["missing"] == []
    assert reported["tables"][0]["table"] == "tenants"
    assert {table["moves"] for table in reported["tables"]} == {True}
    assert json.loads(run("--json").out)["missing"] == []
    assert {table["moves"] for table in json.loads(run("--check", "--json").out)["tables"]} == {False}


def submissions(*tenants: str) -> list[Submission]:
    return [Submission(tenant, fact(1, f"call-{position}")) for position, tenant in enumerate(tenants)]


def transactions(url: str) -> dict[str, set[str]]:
    """Return the transactions that wrote the facts of each tenant."""
    with direct(url) as db:
        written: dict[str, set[str]] = {}
        for tenant, transaction in db("SELECT tenant, xmin::text FROM facts"):
            written.setdefault(tenant, set()).add(transaction)
        return written


async def submit_at_once(bench: Bench, *requests: list[Submission]) -> None:
    await asyncio.gather(*(bench.store.submit(request) for request in requests))


def test_no_transaction_contains_two_distributed_tenants(distributed_bench: Bench) -> None:
    bench = distributed_bench
    tenants = [bench.add_tenant(name) for name in ("bolt", "cold", "dawn")]
    bench.run(
        submit_at_once(bench, *(submissions(tenant) for tenant in tenants), submissions(*tenants, *tenants))
    )
    written = transactions(bench.url)
    assert sorted(written) == tenants
    for tenant in tenants:
        others = set().union(*(each for name, each in written.items() if name != tenant))
        assert not written[tenant] & others
    assert [len(listed(bench, tenant)) for tenant in tenants] == [2, 3, 3]
    assert verdict(bench, *tenants).is_clean


def test_statements_pinned_to_a_tenant_find_the_same_rows(distributed_bench: Bench) -> None:
    """Runs the statements of distributed tables on a database without Citus."""
    fill(distributed_bench)
    assert distributed_bench.store._statements.is_distributed  # type: ignore[attr-defined]
    reported = [call["call_sid"] for call in listed(distributed_bench)]
    assert sorted(reported) == ["call-1", "call-2"]
    assert found(distributed_bench, "call-1") == listed(distributed_bench)[reported.index("call-1")]


def test_undistributed_tenants_share_a_transaction(url: str) -> None:
    """Proves that the test of distributed tenants can fail."""
    with asyncio.Runner() as runner:
        bench = Bench(url, runner)
        tenants = [bench.add_tenant(name) for name in ("bolt", "cold")]
        bench.run(submit_at_once(bench, *(submissions(tenant) for tenant in tenants)))
        bench.close()
    written = transactions(url)
    assert written["bolt"] == written["cold"]
