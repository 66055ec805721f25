"""`calltally alerts`: lists alerts, acknowledges them, and back-tests rules."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from calltally.alerts.model.series import Dimension, SeriesKey
from calltally.calls.errors import InvalidInput, NotFound
from calltally.cli.main import app
from tests.conftest import TENANT, Bench
from tests.integration.alerts.test_alert_api import open_alerts
from tests.integration.store.probing import submit
from tests.sample_facts import fact

ROUTE = SeriesKey(Dimension.ROUTE, "support-de")


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["alerts", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_alerts_are_listed_and_acknowledged(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", bench.url)
    assert run("list", TENANT) == "0 alerts\n"
    open_alerts(bench, ROUTE)
    listed = run("list", TENANT)
    assert "Firing  No-answer on support-de: 40 %" in listed
    assert listed.endswith("1 alert\n")
    alert = listed.split()[0]
    assert "Acknowledged  No-answer" in run("acknowledge", TENANT, alert, "--note", "seen")
    (acknowledged,) = json.loads(run("list", TENANT, "--state", "acknowledged", "--json"))
    assert acknowledged["id"] == alert
    assert [run("list", TENANT, "--state", state) for state in ("firing", "open")] == ["0 alerts\n"] * 2


def test_unknown_tenant_and_unknown_state_are_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", bench.url)
    for words in (("list", "acmee"), ("backtest", "acmee", "--from", "2026-09-21", "--to", "2026-09-22")):
        refused = CliRunner().invoke(app, ["alerts", *words])
        assert isinstance(refused.exception, NotFound)
    refused = CliRunner().invoke(app, ["alerts", "list", TENANT, "--state", "fring"])
    assert refused.exit_code == 2
    assert "a state is one of firing" in refused.output


def test_backtest_command_compares_rules(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", bench.url)
    strict = tmp_path / "strict.toml"
    strict.write_text("false_alarms_a_week = 0.1\n")
    # Steps before the first call are skipped: two hours, not the four weeks before them.
    submit(bench, fact(0, "first", status="no-answer", route="support-de"))
    window = ("--from", "2026-09-21T12:00:00Z", "--to", "2026-09-21T15:00:00Z", "--rules", str(strict))
    printed = run("backtest", TENANT, *window)
    assert printed.startswith("as set: 0 alerts in 0.0 weeks")
    assert "\nstrict.toml: 0 alerts" in printed
    done = json.loads(run("backtest", TENANT, *window, "--json"))
    assert [each["name"] for each in done] == ["as set", "strict.toml"]
    for wrong in ("missing.toml", str(tmp_path)):
        refused = CliRunner().invoke(app, ["alerts", "backtest", TENANT, *window, "--rules", wrong])
        assert isinstance(refused.exception, InvalidInput)


def test_backtest_command_plots_two_settings(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", bench.url)
    names = [str(tmp_path / name / "rules.toml") for name in ("one", "two")]
    for name in names:
        Path(name).parent.mkdir()
        Path(name).write_text("false_alarms_a_week = 0.1\n")
    window = ("--from", "2026-09-21", "--to", "2026-09-22", "--rules", names[0], "--against", names[1])
    page = tmp_path / "plot.html"
    done = json.loads(run("backtest", TENANT, *window, "--plot", str(page), "--json"))
    assert [each["name"] for each in done] == [names[1], names[0]]
    assert "2026-09-21 00:00 to 2026-09-22 00:00, UTC" in page.read_text()
    nowhere = ("--plot", str(tmp_path / "no" / "plot.html"))
    refused = CliRunner().invoke(app, ["alerts", "backtest", TENANT, *window, *nowhere])
    assert isinstance(refused.exception, InvalidInput)
