"""Each house rule passes one sample and fails another."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from tools.house_rules import effects, honesty, mirror, shape, vocabulary
from tools.house_rules.__main__ import RULES, TREE_RULES, findings
from tools.house_rules.source import Finding, Source, tree

Rule = Callable[[Source], Iterator[Finding]]

CALLS = "src/calltally/calls/model.py"
SQL = "src/calltally/store/sql/calls.sql"
ONCE = "src/calltally/client/once/statements.sql"
TEST = "tests/unit/test_any.py"
DOC = "docs/install.md"


class Sample(NamedTuple):
    """A file that a rule accepts (`line` is 0), or the line it objects to."""

    rule: Rule
    path: str
    text: str
    line: int


def function(lines: int) -> str:
    return "def work():\n    '''What it is for.'''\n" + "    x = 1\n" * lines


SHAPE = [
    Sample(shape.short_functions, CALLS, function(50), 0),
    Sample(shape.short_functions, CALLS, function(51), 1),
    Sample(shape.short_functions, CALLS, "\nasync " + function(51), 2),
    Sample(shape.short_functions, CALLS, "def stub():\n    '''Only a docstring.'''\n", 0),
    Sample(shape.short_files, CALLS, "x = 1\n" * 400, 0),
    Sample(shape.short_files, CALLS, "x = 1\n" * 401, 1),
    Sample(shape.short_files, TEST, "x = 1\n" * 401, 0),
    Sample(shape.subject_names, CALLS, "", 0),
    Sample(shape.subject_names, "src/calltally/web/helpers.py", "", 1),
    Sample(shape.subject_names, "src/calltally/common/model.py", "", 1),
    Sample(shape.subject_names, "docs/utils.md", "", 0),
    Sample(shape.imports_at_the_top, CALLS, "import json\n", 0),
    Sample(shape.imports_at_the_top, CALLS, "def f():\n    import json\n", 2),
    Sample(shape.imports_at_the_top, CALLS, "def f():\n    def g():\n        from json import loads\n", 3),
    Sample(shape.imports_at_the_top, CALLS, "def f():\n    import json  # deferred: slow to load\n", 0),
    Sample(shape.imports_at_the_top, CALLS, "def f():\n    import json  # deferred:\n", 2),
    Sample(shape.imports_at_the_top, CALLS, "def f():\n    import json  # deferred: \n", 2),
    Sample(shape.no_type_checking, CALLS, "import typing\nx: typing.Any\n", 0),
    Sample(shape.no_type_checking, CALLS, "from typing import TYPE_CHECKING\n", 1),
    Sample(shape.no_type_checking, CALLS, "import typing\nif typing.TYPE_CHECKING:\n    import json\n", 2),
]

SHAPE += [
    Sample(shape.named_parameters, CALLS, "def f(row: tuple[int, ...], ends: tuple[int, int]): ...\n", 0),
    Sample(shape.named_parameters, CALLS, "def f(x: list[tuple[str, int]]) -> tuple[str, int]: ...\n", 0),
    Sample(shape.named_parameters, CALLS, "\ndef f(node: tuple[str, bytes]): ...\n", 2),
    Sample(shape.named_parameters, CALLS, "def f(*, old: tuple[str, bytes | None] | None = None): ...\n", 1),
    Sample(shape.named_parameters, TEST, "def f(node: tuple[str, bytes]): ...\n", 0),
]

WORDS = [
    Sample(vocabulary.plain_names, CALLS, "def parse(text):\n    return text.asked\n", 0),
    Sample(vocabulary.plain_names, CALLS, "class Turn: ...\n", 0),
    Sample(vocabulary.plain_names, "src/calltally/worker/loop.py", "class Turn: ...\n", 1),
    Sample(vocabulary.plain_names, CALLS, "class Fact:\n    said: str\n    door: str\n", 0),
    Sample(vocabulary.plain_names, CALLS, "x = 1\nwhatSaid = 2\n", 2),
    Sample(vocabulary.plain_names, CALLS, "def _tell_all(): ...\n", 1),
    Sample(vocabulary.plain_names, CALLS, "def f(asked): ...\n", 1),
    Sample(vocabulary.plain_names, CALLS, "class SessionTold: ...\n", 1),
    Sample(vocabulary.plain_names, CALLS, "import json as had\n", 1),
    Sample(vocabulary.plain_names, CALLS, "self.begun = 1\n", 1),
    Sample(vocabulary.plain_names, CALLS, "match x:\n    case [*shown]: ...\n", 2),
    Sample(vocabulary.plain_names, CALLS, "seesaw = hadoop = 1\n", 0),
    Sample(vocabulary.plain_names, "src/calltally/web/beside_index.py", "", 1),
    Sample(vocabulary.plain_names, "docs/beside.md", "", 0),
    Sample(vocabulary.plain_openings, CALLS, '"""Facts of a call."""\n', 0),
    Sample(vocabulary.plain_openings, CALLS, "'''Whatsoever.'''\n", 0),
    *(
        Sample(vocabulary.plain_openings, TEST, f"x = 1\nclass A:\n    '''{word} it is for.'''\n", 2)
        for word in ("What", "Whether", "Where", "Who", "Whose", "Whatever", "Whoever")
    ),
]

STATEMENTS = [
    "SELECT status FROM calls",
    "SELECT 1",
    "INSERT INTO calls VALUES (1)",
    "INSERT OR IGNORE INTO calls VALUES (1)",
    "UPDATE calls SET status = 1",
    "DELETE FROM calls",
    "CREATE TABLE calls (id int)",
    "CREATE UNIQUE INDEX IF NOT EXISTS by_day ON calls (day)",
    "DROP TABLE calls",
    "WITH recent AS (SELECT id FROM calls) SELECT id FROM recent",
    "PRAGMA journal_mode = wal",
    "BEGIN",
]
PROSE = ["SELECT", "select a call from the list", "UPDATE: see below", "DELETE", "CREATE A CALL", "WITH CARE"]

EFFECTS = [
    *(Sample(effects.sql_in_store, CALLS, f"x = {text!r}\n", 1) for text in STATEMENTS),
    *(Sample(effects.sql_in_store, CALLS, f"x = {text!r}\n", 0) for text in PROSE),
    Sample(effects.sql_in_store, CALLS, "x = f'SELECT id FROM {table}'\n", 1),
    Sample(effects.sql_in_store, CALLS, "x = '''\n  SELECT id\n  FROM calls\n'''\n", 1),
    Sample(effects.sql_in_store, "src/calltally/store/ledger/record.py", "x = 'SELECT id FROM calls'\n", 0),
    Sample(effects.sql_in_store, "src/calltally/client/once/claims.py", "x = 'SELECT id FROM calls'\n", 0),
    Sample(effects.sql_in_store, "src/calltally/client/once.py", "x = 'SELECT id FROM calls'\n", 1),
    Sample(effects.sql_in_store, "src/calltally/client/paging.py", "x = 'SELECT id FROM calls'\n", 1),
    Sample(effects.sql_in_store, TEST, "x = 'SELECT id FROM calls'\n", 0),
    Sample(effects.clock_at_the_rim, CALLS, "import time\nx = time.monotonic()\n", 0),
    Sample(effects.clock_at_the_rim, CALLS, "import time\nx = time.time()\n", 2),
    Sample(effects.clock_at_the_rim, CALLS, "import time\ndef f(clock=time.time_ns): ...\n", 2),
    Sample(effects.clock_at_the_rim, CALLS, "from time import time\n", 1),
    Sample(effects.clock_at_the_rim, CALLS, "x = datetime.now(UTC)\n", 1),
    Sample(effects.clock_at_the_rim, CALLS, "x = datetime.datetime.utcnow()\n", 1),
    Sample(effects.clock_at_the_rim, CALLS, "x = self.clock.now()\n", 0),
    Sample(effects.clock_at_the_rim, CALLS, "x = time.time()  # clock: stamps the log line\n", 0),
    Sample(effects.clock_at_the_rim, CALLS, "x = time.time()  # clock:\n", 1),
    Sample(effects.clock_at_the_rim, "src/calltally/bootstrap/clocks.py", "clock = time.time_ns\n", 0),
    Sample(effects.clock_at_the_rim, "src/calltally/cli/demo/command.py", "clock = time.time_ns\n", 0),
    Sample(effects.clock_at_the_rim, "src/calltally/web/app.py", "clock = time.time_ns\n", 0),
    Sample(effects.clock_at_the_rim, "src/calltally/web/api/calls.py", "clock = time.time_ns\n", 1),
]

WALLED = [
    "SELECT doc FROM calls WHERE tenant = :tenant",
    "SELECT c.doc FROM calls AS c WHERE c.tenant_id = :tenant_id",
    "SELECT doc FROM calls WHERE (tenant, call) > (:tenant, :call)",
    "SELECT doc FROM calls WHERE tenant IN (1, 2)",
    "SELECT c.doc FROM facts JOIN calls AS c USING (tenant, call)",
    "UPDATE calls SET doc = new.doc FROM new WHERE new.tenant = calls.tenant",
    "INSERT INTO calls (tenant, call, doc) VALUES (:tenant, :call, :doc)",
    "INSERT OR IGNORE INTO calls (call, tenant) VALUES (:call, :tenant)",
    "INSERT INTO calls AS c (tenant, call) SELECT * FROM unnest(:tenants, :calls)",
    "SELECT id FROM tenants WHERE id = :tenant",
]
OPEN = [
    "SELECT doc FROM calls WHERE call = :call",
    "SELECT tenant, doc FROM calls",
    "SELECT doc FROM calls ORDER BY tenant",
    "INSERT INTO calls (call, doc) VALUES (:call, :doc) -- tenant = :tenant",
    "/* tenant = :tenant */ DELETE FROM calls",
]

TENANTS = [
    *(Sample(effects.tenant_in_every_statement, SQL, f"-- name: one\n{text};\n", 0) for text in WALLED),
    *(Sample(effects.tenant_in_every_statement, SQL, f"-- name: one\n{text};\n", 1) for text in OPEN),
    *(Sample(effects.tenant_in_every_statement, SQL, f"-- name: admin_one\n{text};\n", 0) for text in OPEN),
    Sample(
        effects.tenant_in_every_statement, SQL, "-- name: meta_version^\nSELECT version FROM schema;\n", 0
    ),
    Sample(
        effects.tenant_in_every_statement,
        SQL,
        f"-- name: first\n{WALLED[0]};\n\n-- name: second^\n-- What it is for.\n{OPEN[0]};\n",
        4,
    ),
    Sample(effects.tenant_in_every_statement, ONCE, f"-- name: one\n{WALLED[0]};\n", 0),
    Sample(effects.tenant_in_every_statement, ONCE, f"-- name: one\n{OPEN[0]};\n", 1),
    Sample(effects.tenant_in_every_statement, ONCE, "-- No name.\nCREATE TABLE effects (tenant TEXT);\n", 0),
    Sample(effects.tenant_in_every_statement, "docs/example.sql", f"-- name: one\n{OPEN[0]};\n", 0),
]

HOST = "https://files." + "pythonhosted" + ".org/simple"
HONESTY = [
    Sample(honesty.no_skipped_tests, TEST, "@pytest.mark.parametrize('x', [1])\ndef test(x): ...\n", 0),
    *(
        Sample(honesty.no_skipped_tests, TEST, text, 1)
        for text in (
            "@pytest.mark.skip\ndef test(): ...\n",
            "@pytest.mark.skipif(True, reason='')\ndef test(): ...\n",
            "pytestmark = pytest.mark.xfail(reason='')\n",
            "json = pytest.importorskip('json')\n",
            "pytest.skip('later')\n",
        )
    ),
    Sample(honesty.no_skipped_tests, CALLS, "rows.skip(3)\n", 0),
    Sample(honesty.no_skipped_tests, TEST, "rows.skip(3)\n", 0),
    Sample(honesty.no_sleeping_tests, TEST, "await asyncio.sleep(0)\n", 0),
    Sample(honesty.no_sleeping_tests, TEST, "await asyncio.sleep(0.1)\n", 1),
    Sample(honesty.no_sleeping_tests, TEST, "time.sleep(1)\n", 1),
    Sample(honesty.no_sleeping_tests, TEST, "from time import sleep\nsleep(1)\n", 2),
    Sample(honesty.no_sleeping_tests, CALLS, "time.sleep(1)\n", 0),
    Sample(honesty.no_registry_hosts, DOC, "pip install calltally\n", 0),
    Sample(honesty.no_registry_hosts, DOC, f"pip install -i {HOST} calltally\n", 1),
    Sample(
        honesty.no_machine_paths, DOC, "Copy it to /usr/local/bin, or to network/work/ or /workers/.\n", 0
    ),
    *(
        Sample(honesty.no_machine_paths, DOC, f"# Run\n\ncd {path}\n", 3)
        for path in ("/" + "work/main", "/" + "root/.config", "/" + "tmp/w/v")
    ),
]

SAMPLES = [*SHAPE, *WORDS, *EFFECTS, *TENANTS, *HONESTY]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.rule.__name__}-{sample.line}")
def test_rule_accepts_or_names_the_line(sample: Sample) -> None:
    found = list(sample.rule(Source(sample.path, sample.text)))
    assert [finding.line for finding in found] == ([sample.line] if sample.line else [])


def test_every_rule_has_a_reason_and_both_samples() -> None:
    passing = {sample.rule for sample in SAMPLES if sample.line == 0}
    failing = {sample.rule for sample in SAMPLES if sample.line}
    assert set(RULES) == passing == failing
    assert all(rule.__doc__ for rule in (*RULES, *TREE_RULES))


def classes(*paths_and_texts: tuple[str, str]) -> list[Finding]:
    return list(vocabulary.unique_classes(Source(path, text) for path, text in paths_and_texts))


def test_two_packages_cannot_share_a_public_class_name() -> None:
    first, second = (CALLS, "class Window: ...\n"), ("src/calltally/net/wire.py", "\nclass Window: ...\n")
    [finding] = classes(first, second)
    assert (finding.path, finding.line, finding.rule) == (second[0], 2, "unique-classes")
    assert "src/calltally/calls/model.py" in finding.remedy


def test_private_classes_tests_and_single_classes_may_have_any_name() -> None:
    private = [(path, "class _Window: ...\n") for path in (CALLS, "src/calltally/net/wire.py")]
    assert classes(*private, (CALLS, "class Call: ...\n"), (TEST, "class Call: ...\n")) == []


SMALL = Source("src/calltally/calls/part.py", "def part(): ...\n")
USER = Source("src/calltally/calls/whole.py", "from calltally.calls.part import part\n" + "x = 1\n" * 40)


def test_small_file_with_one_user_in_its_folder_is_found() -> None:
    [finding] = shape.whole_files([SMALL, USER])
    assert (finding.path, finding.rule) == (SMALL.path, "whole-files")
    assert "whole.py" in finding.remedy


@pytest.mark.parametrize(
    "sources",
    [
        [SMALL],
        [SMALL, USER, Source("src/calltally/calls/other.py", USER.text)],
        [SMALL, Source("src/calltally/net/other.py", USER.text)],
        [SMALL, Source(USER.path, "def f():\n    from calltally.calls.part import part  # deferred: slow\n")],
        [Source(SMALL.path, "class Part: ...\n"), USER],
        [Source(SMALL.path, SMALL.text * 30), USER],
        [Source("src/calltally/calls/__init__.py", SMALL.text), USER],
    ],
    ids=["unused", "two users", "another folder", "deferred", "declarations", "long", "face"],
)
def test_small_file_that_is_no_part_of_a_neighbour_may_stay(sources: list[Source]) -> None:
    assert [each for each in shape.whole_files(sources) if each.path == sources[0].path] == []


PACKAGE = [Source("src/calltally/calls/model.py", ""), Source("src/calltally/net/wire.py", "")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tests/unit/calls/test_model.py", ""),
        ("tests/unit/calls/test_model_of_old_calls.py", ""),
        ("tests/unit/calls/test_whole_lives.py", "from calltally.calls.model import Call\n"),
        ("tests/unit/calls/test_whole_lives.py", "from calltally.calls import model\n"),
        ("tests/unit/test_calls.py", ""),
        ("tests/unit/calls/samples.py", ""),
        ("tests/integration/test_anything.py", ""),
    ],
)
def test_unit_test_may_lie_where_its_subject_lies(path: str, text: str) -> None:
    assert list(mirror.mirrored_tests([*PACKAGE, Source(path, text)])) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tests/unit/phones/test_model.py", ""),
        ("tests/unit/net/test_model.py", "from calltally.calls.model import Call\n"),
        ("tests/unit/test_model.py", "from calltally.calls.model import Call\n"),
    ],
)
def test_unit_test_elsewhere_is_found(path: str, text: str) -> None:
    [finding] = mirror.mirrored_tests([*PACKAGE, Source(path, text)])
    assert (finding.path, finding.rule) == (path, "mirrored-tests")


def test_every_exception_of_a_rule_is_needed() -> None:
    files = {source.path for source in tree()}
    assert all(any(path.startswith(folder) for path in files) for folder in vocabulary.CONVERSATIONS)


def test_findings_run_every_rule_and_print_where_and_what() -> None:
    source = Source("src/calltally/utils.py", "import time\nnow = time.time()\n")
    first, second = findings([source])
    assert (
        str(first) == "src/calltally/utils.py:1: subject-names: name it after what it is about, not 'utils'"
    )
    assert str(second).startswith("src/calltally/utils.py:2: clock-at-the-rim: take the time as an argument")


def test_tree_has_this_file_and_no_environment() -> None:
    paths = {source.path for source in tree()}
    assert "tests/unit/tools/test_house_rules.py" in paths
    assert not any(path.startswith((".venv", ".git/")) for path in paths)
