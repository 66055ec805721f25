"""Every statement and every migration is shaped for tenants that may be on machines of their own.

Citus cannot be installed here. What is proven is the shape: keys, joins and conflicts that begin with the
tenant, nothing that comes out otherwise on another machine. Which of them Citus sends to one node is told by
its documents and its planner's code (docs/how-to/run-on-many-machines.md).
"""

import re
from pathlib import Path

import pytest

import calltally
from calltally.store.backends.migrate import statements_of
from calltally.store.backends.postgres.citus import LOCAL_TABLES
from calltally.store.db.operation import Statement, StatementMany
from calltally.store.db.statements import NamedSql, Statements, load, pin_to_tenant
from tests.unit.store.schema_shapes import schema_faults
from tests.unit.store.shapes import Routing, faults, parsed, routing

VERSIONS = Path(calltally.__file__).parent / "store" / "migrations" / "versions"
SCRIPTS = {
    dialect: {
        path.name: path.read_text(encoding="utf-8") for path in sorted(VERSIONS.glob(f"*.{dialect}.sql"))
    }
    for dialect in ("sqlite", "postgres")
}
TABLES = frozenset(
    name
    for scripts in SCRIPTS.values()
    for script in scripts.values()
    for name in re.findall(r"^CREATE (?:VIRTUAL )?TABLE (\w+)", script, re.MULTILINE)
)
NAMED = [(dialect, name) for dialect in ("sqlite", "postgres") for name in sorted(load(dialect))]
# Fillings of placeholders that parse in every position.
FILLINGS = {
    "sort_order": "ASC",
    "edge": "max",
    **dict.fromkeys(("each", "from_each", "to_each"), "(SELECT 1) AS k"),
    "by_index": "",
    "comparison": ">=",
    "filters": "",
    "sums": "calls = 1",
    "replaced": "calls = 1",
    "values": ":calls",
    "arrays": ":calls::integer[]",
}
# These update the word index of SQLite; a database in one file has no second machine.
TRIGGERS = {"call_texts_put", "call_texts_dropped"}


def text(dialect: str, name: str) -> str:
    """Return a statement with its placeholders filled."""
    placeholders = re.findall(r"\{(\w+)\}", load(dialect)[name].sql)
    clauses = {
        placeholder: FILLINGS.get(placeholder, "calls")
        for placeholder in placeholders
        if placeholder not in load(dialect)
    }
    return (
        Statements(dialect).find(name, tuple(clauses.items())).sql
        if placeholders
        else load(dialect)[name].sql
    )


# The only statement that writes: an unchanged row of the schema.
CHANGES_NOTHING = "UPDATE schema_support SET oldest = oldest;"


def is_across_tenants(name: str) -> bool:
    return name.startswith(("admin_", "meta_"))


@pytest.mark.parametrize(("dialect", "name"), [each for each in NAMED if not is_across_tenants(each[1])])
def test_statement_reads_one_tenant(dialect: str, name: str) -> None:
    assert faults(parsed(text(dialect, name), dialect), TABLES, dialect) == []


@pytest.mark.parametrize(("dialect", "name"), [each for each in NAMED if is_across_tenants(each[1])])
def test_statement_across_tenants_only_reads_or_sets_up(dialect: str, name: str) -> None:
    assert re.match(r"\s*(SELECT|SET LOCAL)\b", text(dialect, name)) or text(dialect, name) == CHANGES_NOTHING


@pytest.mark.parametrize("name", ["claim_lease", "renew_lease", "release_lease"])
def test_jobs_are_claimed_by_tenant(name: str) -> None:
    statement = parsed(text("postgres", name), "postgres")
    assert faults(statement, frozenset({"leases"}), "postgres") == []
    assert routing(statement, frozenset({"leases"})) is Routing.ONE_NODE


KEYS = "unnest(%(tenant)b::text[]) AS k (tenant)"
BAD = {
    "calls is not held to the tenant": (
        "SELECT * FROM calls",
        "SELECT * FROM calls WHERE id = %(tenant)b",
        "SELECT * FROM calls WHERE tenant = %(tenant)b OR id = %(id)b",
        "SELECT * FROM calls WHERE tenant = %(other)b",
        "SELECT * FROM calls WHERE tenant <> %(tenant)b",
        "SELECT 1 FROM calls AS c JOIN facts AS f ON f.tenant = c.tenant",
        f"SELECT 1 FROM {KEYS} JOIN calls AS c ON c.id = k.tenant",
        f"SELECT 1 FROM {KEYS} CROSS JOIN LATERAL (SELECT 1 FROM calls AS c WHERE c.id = k.tenant) AS r",
        "WITH a AS (SELECT id FROM calls) SELECT * FROM a",
        "UPDATE calls SET status = 1 WHERE id = %(id)b",
        f"UPDATE calls SET status = 1 FROM {KEYS} WHERE calls.id = k.tenant",
        "DELETE FROM calls USING facts AS f WHERE f.tenant = %(tenant)b",
    ),
    "facts is not held to the tenant": (
        "SELECT 1 FROM calls AS c JOIN facts AS f ON f.node = c.id WHERE c.tenant = %(tenant)b",
        "SELECT (SELECT max(node) FROM facts) FROM calls WHERE tenant = %(tenant)b",
        "SELECT 1 FROM calls WHERE tenant = %(tenant)b UNION ALL SELECT 1 FROM facts",
    ),
    "a row is given to another tenant": (
        "UPDATE calls SET tenant = %(other)b WHERE tenant = %(tenant)b",
        "INSERT INTO holds (tenant) VALUES (%(tenant)b) ON CONFLICT (tenant) DO UPDATE SET tenant = 'x'",
    ),
    "may come out otherwise each time": (
        "UPDATE calls SET updated_us = now() WHERE tenant = %(tenant)b",
        "UPDATE calls SET id = odd(id) WHERE tenant = %(tenant)b",
        "INSERT INTO holds (tenant, id) VALUES (%(tenant)b, gen_random_uuid())",
        "INSERT INTO holds (tenant, at) VALUES (%(tenant)b, clock_timestamp())",
        "INSERT INTO holds (tenant, at) VALUES (%(tenant)b, CURRENT_TIMESTAMP)",
        "INSERT INTO holds (tenant, id) VALUES (%(tenant)b, nextval('numbers'))",
        "DELETE FROM calls WHERE tenant = %(tenant)b AND random() < 0.5",
        "SELECT random() FROM calls WHERE tenant = %(tenant)b",
    ),
    "does not name the tenant": ("INSERT INTO holds (name) VALUES (%(name)b)",),
    "gives something else for the tenant": (
        "INSERT INTO holds (tenant, name) VALUES (%(name)b, %(tenant)b)",
        "INSERT INTO holds (tenant, name) VALUES (%(tenant)b, 'a'), ('b', 'b')",
        "INSERT INTO holds (name, tenant) SELECT * FROM unnest(%(tenant)b::text[], %(n)b::text[])",
        "INSERT INTO holds (tenant, name) SELECT name, tenant FROM holds WHERE tenant = %(tenant)b",
    ),
    "does not begin with the tenant": (
        "INSERT INTO holds (tenant) VALUES (%(tenant)b) ON CONFLICT (name, tenant) DO NOTHING",
        "INSERT INTO holds (tenant) VALUES (%(tenant)b) ON CONFLICT DO NOTHING",
    ),
}


@pytest.mark.parametrize(("expected", "sql"), [(fault, sql) for fault in BAD for sql in BAD[fault]])
def test_statement_over_several_tenants_is_found(expected: str, sql: str) -> None:
    assert any(expected in fault for fault in faults(parsed(sql, "postgres"), TABLES, "postgres"))


def test_only_sqlite_may_find_a_row_by_its_rowid() -> None:
    sql = (
        "SELECT r.record FROM (SELECT c.rowid AS place FROM calls AS c WHERE c.tenant = :tenant) AS p"
        " CROSS JOIN calls AS r ON r.rowid = p.place"
    )
    assert faults(parsed(sql, "sqlite"), TABLES, "sqlite") == []
    assert faults(parsed(sql.replace("r.rowid", "r.revision"), "sqlite"), TABLES, "sqlite") != []
    assert faults(parsed(sql, "postgres"), TABLES, "postgres") != []


def test_only_sqlite_may_read_the_last_rowid_of_a_range() -> None:
    sql = "SELECT max(s.rowid) FROM calls AS s WHERE s.rowid >= :lo AND s.rowid < :hi"
    assert faults(parsed(sql, "sqlite"), TABLES, "sqlite") == []
    for otherwise in (
        sql.replace("max(s.rowid)", "s.rowid"),
        sql.replace("s.rowid < :hi", "s.revision < :hi"),
    ):
        assert faults(parsed(otherwise, "sqlite"), TABLES, "sqlite") != []
    assert faults(parsed(sql, "postgres"), TABLES, "postgres") != []


# ---------------------------------------------------------------------------------------------------- nodes


@pytest.mark.parametrize("name", sorted(name for name in load("postgres") if not is_across_tenants(name)))
def test_statement_over_rows_of_one_tenant_runs_on_one_node(name: str) -> None:
    held = pin_to_tenant(NamedSql(text("postgres", name), returns_rows=True, names=())).sql
    statement = parsed(held, "postgres")
    assert routing(statement, TABLES) in {Routing.ONE_NODE, Routing.COORDINATOR}
    assert faults(statement, TABLES, "postgres") == []


def test_plain_tenant_is_added_for_rows_of_one_distributed_tenant() -> None:
    known = Statements("postgres")
    one = StatementMany("facts_of_nodes", [{"tenant": "a", "node": b"1"}, {"tenant": "a", "node": b"2"}])
    two = StatementMany("facts_of_nodes", [{"tenant": "a", "node": b"1"}, {"tenant": "b", "node": b"2"}])
    plain = known.find("facts_of_nodes")
    for is_distributed in (None, False):
        known.is_distributed = is_distributed
        assert known.resolve(one) == known.resolve(two) == plain
    known.is_distributed = True
    assert known.resolve(two) == plain
    assert known.resolve(one) == pin_to_tenant(plain) != plain
    assert known.resolve(Statement("find_tenant", {"tenant": "a"})) == known.find("find_tenant")


def test_some_statements_need_the_plain_tenant() -> None:
    """Proves that the previous test can fail, and names the statements that need the plain tenant."""
    sent = {name: routing(parsed(text("postgres", name), "postgres"), TABLES) for name in load("postgres")}
    assert {"facts_of_nodes", "move_calls", "keep_counts"} <= {
        n for n in sent if sent[n] is Routing.EVERY_NODE
    }
    assert {"page_records", "count_buckets_as_of"} <= {n for n in sent if sent[n] is Routing.REFUSED}


FIRST = "SELECT 1 FROM calls AS c WHERE c.tenant = k.tenant LIMIT 1"
SHAPES = {
    "SELECT 1 FROM calls WHERE tenant = %(tenant)b": Routing.ONE_NODE,
    "SELECT 1 FROM calls WHERE tenant = ANY(%(tenant)b::text[]) FOR UPDATE": Routing.ONE_NODE,
    "SELECT 1 FROM calls WHERE tenant = (%(tenant)b::text[])[1]": Routing.ONE_NODE,
    f"SELECT 1 FROM {KEYS} JOIN calls AS c ON c.tenant = k.tenant": Routing.EVERY_NODE,
    f"UPDATE calls AS c SET status = 1 FROM {KEYS} WHERE c.tenant = k.tenant": Routing.EVERY_NODE,
    f"SELECT 1 FROM {KEYS} JOIN calls AS c ON c.tenant = k.tenant FOR UPDATE": Routing.REFUSED,
    f"SELECT 1 FROM {KEYS} CROSS JOIN LATERAL ({FIRST}) AS r": Routing.REFUSED,
    "INSERT INTO holds (tenant) SELECT * FROM unnest(%(tenant)b::text[])": Routing.COORDINATOR,
    "INSERT INTO holds (tenant) VALUES (%(tenant)b)": Routing.ONE_NODE,
}


@pytest.mark.parametrize(("sql", "expected"), SHAPES.items())
def test_nodes_of_a_statement_shape(sql: str, expected: Routing) -> None:
    assert routing(parsed(sql, "postgres"), TABLES) is expected


# -------------------------------------------------------------------------------------------------- schemas


def test_table_without_tenant_is_listed_with_its_reason() -> None:
    with_tenant = {
        name
        for script in SCRIPTS["postgres"].values()
        for statement in statements_of(script)
        for name in re.findall(r"^\s*CREATE TABLE (\w+)\s*\(\s*tenant TEXT", statement)
    }
    made = {
        name for script in SCRIPTS["postgres"].values() for name in re.findall(r"CREATE TABLE (\w+)", script)
    }
    assert made - with_tenant == LOCAL_TABLES.keys() - {"alembic_version"}
    assert all(LOCAL_TABLES.values())


@pytest.mark.parametrize("script", SCRIPTS["postgres"])
def test_migration_has_only_statements_that_citus_can_distribute(script: str) -> None:
    text = SCRIPTS["postgres"][script]
    found = [schema_faults(statement) for statement in statements_of(text)]
    # No statement is missed: each kind is found as often as it begins a line.
    assert len(found) >= len(re.findall(r"^(?:CREATE|ALTER|INSERT|UPDATE|DROP)\b", text, re.MULTILINE)) > 0
    assert [each for each in found if each] == []


@pytest.mark.parametrize("script", SCRIPTS["sqlite"])
def test_only_the_word_index_of_sqlite_has_triggers(script: str) -> None:
    triggers = re.findall(r"CREATE (?:TEMP )?TRIGGER (\w+)", SCRIPTS["sqlite"][script])
    assert set(triggers) <= TRIGGERS


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE TABLE odd (id BIGINT PRIMARY KEY, tenant TEXT)", "begins with id"),
        ("CREATE TABLE odd (id BIGINT, tenant TEXT, PRIMARY KEY (id, tenant))", "begins with id"),
        ("CREATE TABLE odd (tenant TEXT, id BIGINT UNIQUE, PRIMARY KEY (tenant, id))", "begins with id"),
        ("CREATE TABLE odd (tenant TEXT, id BIGINT, UNIQUE (id))", "begins with id"),
        ("CREATE UNIQUE INDEX odd ON calls (id, tenant)", "begins with id"),
        ("ALTER TABLE calls ADD COLUMN odd BIGINT UNIQUE", "begins with odd"),
        ("CREATE TABLE odd (tenant TEXT, id BIGINT REFERENCES calls (id))", "a foreign key"),
        ("CREATE TABLE odd (tenant TEXT, id INT, FOREIGN KEY (id) REFERENCES calls (id))", "a foreign key"),
        ("ALTER TABLE calls ADD COLUMN one BIGINT, ADD COLUMN two BIGINT", "two changes in one statement"),
        ("ALTER TABLE calls ADD COLUMN at_us TIMESTAMP NOT NULL DEFAULT now()", "may come out otherwise"),
        ("CREATE TABLE odd (tenant TEXT, id BIGSERIAL)", "a sequence"),
        ("CREATE TABLE odd (tenant TEXT, id BIGINT GENERATED ALWAYS AS IDENTITY)", "a sequence"),
        (
            "CREATE TRIGGER odd AFTER INSERT ON calls FOR EACH ROW EXECUTE FUNCTION f()",
            "no table and no index",
        ),
        ("CREATE FUNCTION odd() RETURNS int LANGUAGE sql AS 'SELECT 1'", "no table and no index"),
        ("CREATE SEQUENCE odd", "no table and no index"),
        ("CREATE TABLE one (tenant TEXT); CREATE TABLE two (tenant TEXT)", "not one statement"),
        ("CREATE INDEX CONCURRENTLY odd ON calls (tenant)", "outside of a transaction"),
    ],
)
def test_statement_that_citus_cannot_distribute_is_found(sql: str, expected: str) -> None:
    assert any(expected in fault for fault in schema_faults(sql))
