"""The reference pages of metrics and log fields list what the code has, neither less nor more."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import calltally
from calltally.alerts.evaluation.evaluator import EvaluationRun
from calltally.logs import RequestLine
from calltally.providers.known_fields import is_known
from calltally.providers.registry import PROVIDERS
from calltally.web.metrics.definitions import DEFINITIONS, PROCESS_DEFINITIONS
from calltally.web.metrics.metrics import Metrics
from calltally.worker.job_batches import WorkerRound
from tests.acceptance import pages
from tests.repository.test_printed_commands import strings

REFERENCE: Final = pages.ROOT / "docs" / "reference"
PACKAGE: Final = Path(calltally.__file__).parent


# -------------------------------------------------------------------------------------------------- metrics


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def documented_metrics() -> dict[str, tuple[str, list[str]]]:
    rows = pages.rows((REFERENCE / "prometheus-metrics.md").read_text())
    return {name: (cells[0], code(cells[1])) for name, cells in rows}


def test_the_metrics_are_those_that_the_service_has() -> None:
    found = {}
    # A labelled metric without samples is in no text, so the registry itself is read.
    for each in Metrics()._registry._collector_to_names:
        for family in each.collect():
            name = f"{family.name}_total" if family.type == "counter" else family.name
            found[name] = (family.type, list(getattr(each, "_labelnames", ())))
    # Others are made for each scrape, from the store.
    defined = {each.name: (each.kind, list(each.labels)) for each in (*DEFINITIONS, *PROCESS_DEFINITIONS)}
    assert documented_metrics() == defined
    assert found.items() <= defined.items()


# ------------------------------------------------------------------------------------------------------ log

_LEVELS: Final = {"debug", "info", "warning", "error", "exception"}
_LOGGERS: Final = {"log", "_log", "get_logger"}
# Whatever a call passes as a mapping.
_UNPACKED: Final = {
    "job left": {"tenant", "job", "kind"},
    "job waits": {"tenant", "job", "kind"},
    "job failed": {"tenant", "job", "kind"},
    "job ended": {"tenant", "job", "kind"},
    "worker round": set(WorkerRound.__struct_fields__),
    "alerts evaluated": set(EvaluationRun._fields),
    "worker failed": {"task", "tenant"},
    "a delivery failed with an internal error": {"endpoint", "message"},
    "an alert could not be sent because of an internal error": {"sink", "alert"},
    "listening": {"database", "workers"},
}
_ROW: Final = re.compile(r"^\| (`+)(?P<event>.+?)\1 \| (?P<level>\w+) \| (?P<fields>[^|]*)\|", re.MULTILINE)


class LoggedEvent(NamedTuple):
    """One event of the log."""

    event: str
    level: str
    fields: frozenset[str]


def logged() -> Iterator[LoggedEvent]:
    """Yield each call that logs, and each that logs by `errors_logged`."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        if "_logger" in text or "_logged" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call):
                    yield from _event_of(node)


def _event_of(call: ast.Call) -> Iterator[LoggedEvent]:
    texts = [each.value for each in call.args if isinstance(each, ast.Constant)]
    if not texts or not isinstance(texts[0], str):
        return
    fields = {each.arg for each in call.keywords if each.arg} - {"exc_info"}
    fields |= _UNPACKED.get(texts[0], set())
    if getattr(call.func, "id", "") == "errors_logged":
        yield LoggedEvent(texts[0], _level_of(call.args[0]), frozenset(fields | {"detail"}))
    elif (level := _level_of(call.func)) in _LEVELS:
        yield LoggedEvent(texts[0], level.replace("exception", "error"), frozenset(fields))


def _level_of(function: ast.expr) -> str:
    """Return the level that a method of a logger has; empty for any other function."""
    if isinstance(function, ast.IfExp):
        return _level_of(function.orelse)
    if not isinstance(function, ast.Attribute):
        return ""
    logger = function.value.func if isinstance(function.value, ast.Call) else function.value
    return function.attr if getattr(logger, "id", "") in _LOGGERS else ""


def test_the_events_of_the_log_are_those_that_the_code_writes() -> None:
    found: dict[str, tuple[str, set[str]]] = {}
    for each in logged():
        level, fields = found.setdefault(each.event, (each.level, set()))
        assert level == each.level, each
        fields |= each.fields
    listed = {
        row["event"]: (row["level"], set(code(row["fields"])))
        for row in _ROW.finditer((REFERENCE / "log-fields.md").read_text())
    }
    fixed = {"level", "event", "logger", "at", "worker"}
    found["request"] = ("info", set(RequestLine.__struct_fields__) - fixed)
    assert len(found) > 30
    assert listed == found


# ----------------------------------------------------------------------------------------- quoted messages

_QUOTED: Final = re.compile(r"(?<!`)(`{1,2})(?!`)((?:(?!\1).)+)\1(?!`)")
_FILLED: Final = "…"
# A code of three words or more, unless it is a command, is a message.
_MESSAGE: Final = re.compile(r"(?:\S+ ){2}\S+")
_COMMAND: Final = re.compile(r"calltally |psql|POST |GET ")


def quoted_messages(page: Path) -> list[str]:
    texts = (found[2] for found in _QUOTED.finditer(pages.prose(page)))
    return [text for text in texts if _MESSAGE.match(text) and not _COMMAND.match(text)]


def test_the_messages_that_troubleshooting_quotes_are_those_of_the_program() -> None:
    program = [text for path in PACKAGE.rglob("*.py") for text in strings(path)]
    quoted = quoted_messages(pages.ROOT / "docs" / "how-to" / "troubleshoot.md")
    assert len(quoted) > 25
    patterns = {text: re.compile(".*".join(map(re.escape, text.split(_FILLED)))) for text in quoted}
    assert [text for text, pattern in patterns.items() if not any(map(pattern.search, program))] == []


# ------------------------------------------------------------------------------------------------- glossary


def test_the_providers_fields_of_the_glossary_are_those_that_there_are() -> None:
    section = (REFERENCE / "glossary.md").read_text().split("## Names that providers use")[1]
    rows = re.findall(r"^\| (\w+) \|(.*)$", section, re.MULTILINE)[1:]
    assert [name for name, _ in rows] == sorted(name for name in PROVIDERS if name != "generic")
    unknown = [(name, field) for name, cells in rows for field in code(cells) if not is_known(name, field)]
    assert unknown == []
