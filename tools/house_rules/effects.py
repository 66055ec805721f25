"""Rules about what may touch the database and the clock."""

import ast
import re
from collections.abc import Iterator

from tools.house_rules.source import Finding, Source

PRODUCT = "src/calltally"
STORE = "src/calltally/store"
# The ledger of effects lies in its user's own database, which the store knows nothing of.
LEDGER_OF_EFFECTS = "src/calltally/client/once"
STATEMENTS = ("src/calltally/store/sql", LEDGER_OF_EFFECTS)
RIM = ("src/calltally/cli", "src/calltally/bootstrap", "src/calltally/web/app.py")

SQL = re.compile(
    r"""\s*(?:
        SELECT\s.*\bFROM\b
        | SELECT\s+\w+\s*(?:\(.*)?$
        | INSERT\s+(?:OR\s+\w+\s+)?INTO\s+\S
        | UPDATE\s+\S+\s+(?:AS\s+\w+\s+)?SET\s
        | DELETE\s+FROM\s+\S
        | WITH\s+(?:RECURSIVE\s+)?\w+\s*(?:\(.*?\))?\s*AS\s
        | (?:CREATE|ALTER|DROP)\s+(?:\w+\s+)*?(?:TABLE|INDEX|VIEW|TRIGGER|FUNCTION|SCHEMA|TYPE|ROLE)\s+\S
        | TRUNCATE\s+(?:TABLE\s+)?\w
        | PRAGMA\s+\w
        | (?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT\s+\w+)\s*;?\s*$
    )""",
    re.DOTALL | re.VERBOSE,
)

CLOCKS = {
    "time": frozenset({"time", "time_ns", "localtime", "gmtime"}),
    "datetime": frozenset({"now", "utcnow", "today"}),
    "date": frozenset({"today"}),
}

STATEMENT_NAME = re.compile(r"^--\s*name\s*:\s*(?P<name>\w+)", re.MULTILINE)
SQL_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
EXEMPT_STATEMENTS = ("admin_", "meta_")
TENANT_KEY = re.compile(
    r"""
    # tenant = :tenant, tenant IN (...)
    \btenant(?:_\w+)?\b["\s]*(?:=|IN\b|IS\s+NOT\s+DISTINCT\b)
    # x = :tenant, x = other.tenant
    | =\s*(?:ANY\s*\(\s*)?(?:[:%$@]\(?|\w+\.)?\s*tenant(?:_\w+)?\b
    # (tenant, call) > (:tenant, :call)
    | \(\s*(?:\w+\.)?tenant(?:_\w+)?\b[^()]*\)\s*(?:=|IN\b|[<>])
    # INSERT INTO calls (tenant, ...)
    | INSERT\s+(?:OR\s+\w+\s+)?INTO\s+[\w.{}"]+\s*(?:AS\s+\w+\s*)?\([^)]*\btenant(?:_\w+)?\b
    # JOIN ... USING (tenant, call)
    | \bUSING\s*\([^)]*\btenant(?:_\w+)?\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def _literal(node: ast.AST) -> str | None:
    """The text of a string literal, with `x` for what an f-string fills in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_literal(part) or "x" for part in node.values)
    return None


def sql_in_store(source: Source) -> Iterator[Finding]:
    """SQL in one package can be read, reviewed for the tenant, and run by the same tests on each database.

    The client cannot call the store, and its ledger of effects is in a database of its user's own.
    """
    if not source.within(PRODUCT) or source.within(STORE, LEDGER_OF_EFFECTS):
        return
    lines = {getattr(node, "lineno", 1) for node in source.nodes if SQL.match(_literal(node) or "")}
    for line in sorted(lines):
        remedy = "make it a named statement under store/sql and call the store"
        yield Finding(source.path, line, "sql-in-store", remedy)


def _reads_clock(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "time" and any(name.name in CLOCKS["time"] for name in node.names)
    if not isinstance(node, ast.Attribute):
        return False
    owner = node.value
    name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
    return node.attr in CLOCKS.get(name, ())


def clock_at_the_rim(source: Source) -> Iterator[Finding]:
    """Code that is handed `now` can be tested at any time and replayed; code that asks for it cannot."""
    if not source.within(PRODUCT) or source.within(*RIM):
        return
    for node in source.nodes:
        if _reads_clock(node) and not source.has_reason(node, "clock"):
            remedy = "take the time as an argument, or end the line with '# clock: <reason>'"
            yield Finding(source.path, getattr(node, "lineno", 1), "clock-at-the-rim", remedy)


def tenant_in_every_statement(source: Source) -> Iterator[Finding]:
    """A tenant is a wall, and a statement without its key reads across it. Administrators' say so by name."""
    if not (source.path.endswith(".sql") and source.within(*STATEMENTS)):
        return
    starts = list(STATEMENT_NAME.finditer(source.text))
    # A file may have no name in it: a schema.
    ends = [start.start() for start in starts[1:]] + [len(source.text)] * bool(starts)
    for start, end in zip(starts, ends, strict=True):
        name = start["name"]
        body = SQL_COMMENT.sub("", source.text[start.end() : end])
        if not name.startswith(EXEMPT_STATEMENTS) and not TENANT_KEY.search(body):
            line = source.text.count("\n", 0, start.start()) + 1
            remedy = f"compare or insert the tenant in {name}, or name it admin_… or meta_… and list it"
            yield Finding(source.path, line, "tenant-in-every-statement", remedy)
