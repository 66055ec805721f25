"""The named statements: the same in both databases, each of them run. Their shape is in test_shapes."""

import re
from pathlib import Path

import pytest

import calltally
from calltally.store.db import statements
from calltally.store.db.operation import StatementMany
from calltally.store.db.statements import Statements, for_one_row, load

PACKAGE = Path(calltally.__file__).parent
# The ledger of effects lies in its user's own database, and has statements of its own.
MODULES = [path for path in PACKAGE.rglob("*.py") if "client" not in path.relative_to(PACKAGE).parts]
DIALECTS = ("sqlite", "postgres")
SQL = {dialect: {name: named.sql for name, named in load(dialect).items()} for dialect in DIALECTS}
NAMES = sorted(SQL["sqlite"])
ACROSS_TENANTS = [
    "admin_list_tenants",
    "admin_newest_endpoint_secrets",
    "admin_newest_provider_secrets",
    "admin_newest_sink_secrets",
    "admin_sids_of_tenants",
    "admin_tenants_to_deliver",
    "admin_tenants_with_open_jobs",
    "admin_unresolved_by_tenant",
    "meta_oldest_schema",
    "meta_schema_version",
    "meta_try_write",
]
# Parts of other statements, which each database says in its own words.
PARTS = {"has_words", "ids_of_words"}
# Where in its file a row lies SQLite is told; a table of PostgreSQL has it wherever there is room.
OF_SQLITE = {"put_calls": {"segment"}}
# What the ledger names in the rows that it gathers, rather than where it says them.
GATHERED = re.compile(r'self\._put\(\s*"(\w+)"')
USED = {kind: re.compile(rf'\b{kind}\(\s*"(\w+)"') for kind in ("StatementMany", "Statement")}
PARAMETER = {"sqlite": re.compile(r"(?<!:):([a-z_]\w*)"), "postgres": re.compile(r"%\((\w+)\)b")}


def used(kind: str) -> set[str]:
    """The statements that the code runs as a `Many`, or as a `Statement`."""
    texts = [path.read_text(encoding="utf-8") for path in MODULES]
    names = {name for text in texts for name in USED[kind].findall(text)}
    return names | {name for text in texts for name in GATHERED.findall(text) if kind == "StatementMany"}


def parameters(dialect: str, name: str) -> set[str]:
    return set(PARAMETER[dialect].findall(SQL[dialect][name]))


def test_both_databases_have_every_statement() -> None:
    """Only to spread tables over machines takes one that can be."""
    assert set(NAMES) <= SQL["postgres"].keys()
    assert all(name.startswith("meta_") for name in SQL["postgres"].keys() - set(NAMES))


@pytest.mark.parametrize("name", sorted(set(NAMES) - PARTS))
def test_a_statement_takes_and_gives_the_same_in_both(name: str) -> None:
    assert parameters("sqlite", name) - OF_SQLITE.get(name, set()) == parameters("postgres", name)
    answers = [load(dialect)[name].returns_rows for dialect in DIALECTS]
    assert answers[0] == answers[1]


def test_every_statement_that_is_run_exists() -> None:
    assert used("StatementMany") | used("Statement") <= SQL["postgres"].keys()


def test_every_statement_is_named_somewhere() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in MODULES)
    assert {name for name in SQL["postgres"] if f'"{name}"' not in text} == PARTS


def test_none_is_run_both_for_one_row_and_for_many() -> None:
    """PostgreSQL hands a `Many` arrays, and a `Statement` values."""
    assert not used("StatementMany") & used("Statement")


@pytest.mark.parametrize("name", sorted(used("StatementMany")))
def test_what_is_run_for_many_rows_takes_arrays_of_postgres(name: str) -> None:
    assert re.search(r"\bunnest\(|= ANY\(", SQL["postgres"][name])


@pytest.mark.parametrize("name", sorted(used("StatementMany")))
def test_one_row_that_is_read_for_is_bound_as_it_is(name: str) -> None:
    """As values, of the same types and under the same names."""
    named = load("postgres")[name]
    one = for_one_row(named)
    assert set(PARAMETER["postgres"].findall(one.sql)) == set(PARAMETER["postgres"].findall(named.sql))
    if named.returns_rows and "unnest(" in named.sql and named.sql.split()[0] == "SELECT":
        assert one.binds_one_row
        assert "unnest" not in one.sql
        assert "[]" not in one.sql
    elif not named.returns_rows:
        assert one is named


def test_rows_on_several_machines_stay_arrays() -> None:
    """There the tenant has to be seen in them."""
    known = Statements("postgres")
    request = StatementMany("facts_of_nodes", [{"tenant": "acme", "node": b"1"}])
    assert "unnest(" in known.resolve(request).sql
    known.is_distributed = True
    assert "(%(tenant)b::text[])[1]" in known.resolve(request).sql
    known.is_distributed = False
    assert known.resolve(request).binds_one_row
    assert "unnest(" in known.resolve(StatementMany(request.name, [*request.rows, *request.rows])).sql


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_statement_names_the_tenant_unless_it_says_that_it_does_not(name: str, dialect: str) -> None:
    assert ("tenant" in parameters(dialect, name)) == (name not in ACROSS_TENANTS)
    assert name.startswith(("admin_", "meta_")) == (name in ACROSS_TENANTS)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_places_are_filled_with_our_own_sql_once(dialect: str) -> None:
    known = Statements(dialect)
    clauses = (("filters", "AND c.status IN (4)"), ("sort_order", "DESC"))
    filled = known.find("scan_records", clauses)
    assert "AND c.status IN (4)" in filled.sql
    assert "{" not in filled.sql
    assert known.find("scan_records", clauses) is filled


def test_every_file_of_statements_is_read() -> None:
    folder = Path(statements.__file__).parents[1] / "sql"
    written = {
        name
        for path in folder.rglob("*.sql")
        for name in re.findall(r"^-- name: (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert written == SQL["postgres"].keys()
