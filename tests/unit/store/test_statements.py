"""The named statements: the same in both databases, within one tenant, on keys that begin with it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

import calltally
from calltally.store import statements
from calltally.store.statements import Statements, load

PACKAGE = Path(calltally.__file__).parent
MIGRATIONS = sorted((PACKAGE / "store" / "migrations" / "versions").glob("*.sql"))
DIALECTS = ("sqlite", "postgres")
SQL = {dialect: {name: named.sql for name, named in load(dialect).items()} for dialect in DIALECTS}
NAMES = sorted(SQL["sqlite"])
ACROSS_TENANTS = ["admin_list_tenants", "meta_schema_version"]
# What the ledger names in the rows that it gathers, rather than where it says them.
GATHERED = re.compile(r'self\._put\(\s*"(\w+)"')
USED = {kind: re.compile(rf'\b{kind}\(\s*"(\w+)"') for kind in ("Many", "Statement")}
PARAMETER = {"sqlite": re.compile(r"(?<!:):([a-z_]\w*)"), "postgres": re.compile(r"%\((\w+)\)b")}
# In place of what is filled in: something that parses wherever it stands.
FILLINGS = {"way": "ASC", "filters": "", "sums": "queued_unknown = 1", "replaced": "queued_unknown = 1"}


def used(kind: str) -> set[str]:
    """The statements that the code runs as a `Many`, or as a `Statement`."""
    texts = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    names = {name for text in texts for name in USED[kind].findall(text)}
    return names | {name for text in texts for name in GATHERED.findall(text) if kind == "Many"}


def parameters(dialect: str, name: str) -> set[str]:
    return set(PARAMETER[dialect].findall(SQL[dialect][name]))


def parsed(name: str) -> exp.Expr:
    """A PostgreSQL statement with its places filled and its parameters numbered."""
    filled = re.sub(
        r"\{(\w+)\}", lambda place: FILLINGS.get(place[1], "queued_unknown"), SQL["postgres"][name]
    )
    return sqlglot.parse_one(re.sub(r"%\(\w+\)b", "$1", filled), dialect="postgres")


def test_both_databases_have_every_statement() -> None:
    assert sorted(SQL["postgres"]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_takes_and_gives_the_same_in_both(name: str) -> None:
    assert parameters("sqlite", name) == parameters("postgres", name)
    answers = [load(dialect)[name].answers for dialect in DIALECTS]
    assert answers[0] == answers[1]


def test_every_statement_is_run_and_every_one_that_is_run_exists() -> None:
    assert used("Many") | used("Statement") == set(NAMES)


def test_none_is_run_both_for_one_row_and_for_many() -> None:
    """PostgreSQL hands a `Many` arrays, and a `Statement` values."""
    assert not used("Many") & used("Statement")


@pytest.mark.parametrize("name", sorted(used("Many")))
def test_what_is_run_for_many_rows_takes_arrays_of_postgres(name: str) -> None:
    assert re.search(r"\bunnest\(|= ANY\(", SQL["postgres"][name])


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_statement_names_the_tenant_unless_it_says_that_it_does_not(name: str, dialect: str) -> None:
    assert ("tenant" in parameters(dialect, name)) == (name not in ACROSS_TENANTS)
    assert name.startswith(("admin_", "meta_")) == (name in ACROSS_TENANTS)


@pytest.mark.parametrize("name", NAMES)
def test_postgres_reads_each_and_its_conflicts_are_within_a_tenant(name: str) -> None:
    statement = parsed(name)
    for conflict in statement.find_all(exp.OnConflict):
        keys = [key.name for key in conflict.args["conflict_keys"]]
        assert keys[0] == "tenant"


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_joined_within_a_tenant(name: str) -> None:
    """A join that forgets the tenant reads across the wall, whatever its WHERE says."""
    for join in parsed(name).find_all(exp.Join):
        if isinstance(join.this, exp.Table) and not isinstance(join.this.this, exp.Anonymous):
            on = join.args.get("on")
            assert on is not None
            equal = [(each.left.name, each.right.name) for each in on.find_all(exp.EQ)]
            assert ("tenant", "tenant") in equal


def keys() -> Iterator[tuple[str, list[str]]]:
    """Every primary key, unique constraint and index of the migrations, with its columns."""
    for path in MIGRATIONS:
        dialect = path.name.split(".")[1]
        script = re.sub(r"\) (STRICT|WITHOUT ROWID|WITH \(.*\)).*;", ");", path.read_text(encoding="utf-8"))
        for statement in sqlglot.parse(script, dialect=dialect):
            if isinstance(statement, exp.Create):
                yield from _keys_of(f"{path.name} {statement.this.sql()[:60]}", statement)


def _keys_of(subject: str, statement: exp.Create) -> Iterator[tuple[str, list[str]]]:
    for index in [statement.this] if isinstance(statement.this, exp.Index) else []:
        yield subject, [column.name for column in index.args["params"].args["columns"]]
    for key in statement.find_all(exp.PrimaryKey):
        yield subject, [column.name for column in key.expressions]
    for unique in statement.find_all(exp.UniqueColumnConstraint):
        yield subject, [column.name for column in unique.this.expressions]
    for constraint in statement.find_all(exp.PrimaryKeyColumnConstraint):
        yield subject, [constraint.find_ancestor(exp.ColumnDef).name]  # type: ignore[union-attr]


def test_every_key_and_index_begins_with_the_tenant() -> None:
    found = list(keys())
    tables = sum(path.read_text(encoding="utf-8").count("CREATE ") for path in MIGRATIONS)
    assert len(found) >= tables
    assert [subject for subject, columns in found if columns[0] != "tenant"] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_places_are_filled_with_our_own_sql_once(dialect: str) -> None:
    known = Statements(dialect)
    clauses = (("filters", "AND c.status IN (4)"), ("way", "DESC"))
    filled = known.find("scan_records", clauses)
    assert "AND c.status IN (4)" in filled.sql
    assert "{" not in filled.sql
    assert known.find("scan_records", clauses) is filled


def test_every_file_of_statements_is_read() -> None:
    folder = Path(statements.__file__).parent / "sql"
    written = {
        name
        for path in folder.rglob("*.sql")
        for name in re.findall(r"^-- name: (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert written == set(NAMES)
