"""Named statements: the same in both databases, and all of them used. test_shapes checks their shape."""

import re
from pathlib import Path

import pytest

import calltally
from calltally.store.db import statements
from calltally.store.db.operation import StatementMany
from calltally.store.db.statements import Statements, for_one_row, load

PACKAGE = Path(calltally.__file__).parent
# The client's ledger of effects is in its user's own database and has its own statements.
MODULES = [path for path in PACKAGE.rglob("*.py") if "client" not in path.relative_to(PACKAGE).parts]
DIALECTS = ("sqlite", "postgres")
SQL = {dialect: {name: named.sql for name, named in load(dialect).items()} for dialect in DIALECTS}
NAMES = sorted(SQL["sqlite"])
ACROSS_TENANTS = [
    "admin_count_dead",
    "admin_count_notifications",
    "admin_count_waiting",
    "admin_count_waiting_deliveries",
    "admin_count_waiting_evaluations",
    "admin_count_waiting_jobs",
    "admin_count_waiting_letters",
    "admin_earliest_delivery",
    "admin_leases",
    "admin_ledger_heads",
    "admin_list_tenants",
    "admin_newest_endpoint_secrets",
    "admin_newest_provider_secrets",
    "admin_newest_sink_secrets",
    "admin_open_jobs",
    "admin_removals",
    "admin_sids_of_tenants",
    "admin_tenants_to_deliver",
    "admin_tenants_with_open_jobs",
    "admin_unresolved_by_tenant",
    "meta_database_bytes",
    "meta_index_names",
    "meta_oldest_schema",
    "meta_schema_version",
    "meta_try_write",
]
# Fragments of other statements, which each dialect defines.
PARTS = {
    *("id_in_prefix", "ids_of_prefix"),
    *("has_words", "ids_of_words"),
    *("from_is", "to_is", "from_listed", "to_listed", "from_unlisted", "each_caller", "each_called"),
    *("from_ends", "to_ends", "from_ending_is", "to_ending_is"),
    *("caller_is", "called_is", "caller_ends", "called_ends", "caller_ending_is", "called_ending_is"),
}
# Parameters of SQLite alone: the segment determines the position of a row in the file.
OF_SQLITE = {"put_calls": {"segment"}}
# Statements that the ledger names when it collects their rows.
COLLECTED = re.compile(r'self\._put\(\s*"(\w+)"')
USED = {kind: re.compile(rf'\b{kind}\(\s*"(\w+)"') for kind in ("StatementMany", "Statement")}
PARAMETER = {"sqlite": re.compile(r"(?<!:):([a-z_]\w*)"), "postgres": re.compile(r"%\((\w+)\)b")}


def used(kind: str) -> set[str]:
    """Return the statements that the code runs as a `StatementMany`, or as a `Statement`."""
    texts = [path.read_text(encoding="utf-8") for path in MODULES]
    names = {name for text in texts for name in USED[kind].findall(text)}
    return names | {name for text in texts for name in COLLECTED.findall(text) if kind == "StatementMany"}


def parameters(dialect: str, name: str) -> set[str]:
    return set(PARAMETER[dialect].findall(SQL[dialect][name]))


def test_both_databases_have_every_statement() -> None:
    """Only the distribution of tables by Citus has statements that PostgreSQL alone has."""
    assert set(NAMES) <= SQL["postgres"].keys()
    assert all(name.startswith("meta_") for name in SQL["postgres"].keys() - set(NAMES))


@pytest.mark.parametrize("name", sorted(set(NAMES) - PARTS))
def test_statement_has_the_same_interface_in_both(name: str) -> None:
    assert parameters("sqlite", name) - OF_SQLITE.get(name, set()) == parameters("postgres", name)
    returns_rows = [load(dialect)[name].returns_rows for dialect in DIALECTS]
    assert returns_rows[0] == returns_rows[1]


def test_every_used_statement_exists() -> None:
    assert used("StatementMany") | used("Statement") <= SQL["postgres"].keys()


def test_every_statement_is_used() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in MODULES)
    assert {name for name in SQL["postgres"] if f'"{name}"' not in text} == PARTS


def test_no_statement_is_used_for_both_one_row_and_many() -> None:
    """On PostgreSQL a `StatementMany` binds arrays, and a `Statement` values."""
    assert not used("StatementMany") & used("Statement")


@pytest.mark.parametrize("name", sorted(used("StatementMany")))
def test_statement_for_many_rows_takes_arrays_on_postgres(name: str) -> None:
    assert re.search(r"\bunnest\(|= ANY\(", SQL["postgres"][name])


@pytest.mark.parametrize("name", sorted(used("StatementMany")))
def test_single_row_of_a_read_is_bound_as_values(name: str) -> None:
    """The values have the same types and names as the arrays."""
    named = load("postgres")[name]
    one = for_one_row(named)
    assert set(PARAMETER["postgres"].findall(one.sql)) == set(PARAMETER["postgres"].findall(named.sql))
    if named.returns_rows and "unnest(" in named.sql and named.sql.split()[0] == "SELECT":
        assert one.binds_one_row
        assert "unnest" not in one.sql
        assert "[]" not in one.sql
    elif not named.returns_rows:
        assert one is named


def test_rows_of_distributed_tenants_stay_arrays() -> None:
    """Citus needs the tenant in the statement."""
    catalogue = Statements("postgres")
    request = StatementMany("facts_of_nodes", [{"tenant": "acme", "node": b"1"}])
    assert "unnest(" in catalogue.resolve(request).sql
    catalogue.is_distributed = True
    assert "(%(tenant)b::text[])[1]" in catalogue.resolve(request).sql
    catalogue.is_distributed = False
    assert catalogue.resolve(request).binds_one_row
    assert "unnest(" in catalogue.resolve(StatementMany(request.name, [*request.rows, *request.rows])).sql


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", NAMES)
def test_statement_names_the_tenant_unless_its_prefix_exempts_it(name: str, dialect: str) -> None:
    assert ("tenant" in parameters(dialect, name)) == (name not in ACROSS_TENANTS)
    assert name.startswith(("admin_", "meta_")) == (name in ACROSS_TENANTS)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_placeholders_are_filled_once(dialect: str) -> None:
    catalogue = Statements(dialect)
    clauses = (
        *(("filters", "AND c.status IN (4)"), ("sort_order", "DESC")),
        *(("by_index", ""), ("each", "(SELECT 1) AS k"), ("among", "TRUE"), ("of_version", "TRUE")),
    )
    filled = catalogue.find("scan_records", clauses)
    assert "AND c.status IN (4)" in filled.sql
    assert "{" not in filled.sql
    assert catalogue.find("scan_records", clauses) is filled


def test_every_file_of_statements_is_loaded() -> None:
    folder = Path(statements.__file__).parents[1] / "sql"
    written = {
        name
        for path in folder.rglob("*.sql")
        for name in re.findall(r"^-- name: (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert written == SQL["postgres"].keys()
