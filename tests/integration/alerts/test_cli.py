"""`calltally alerts`: what fires, and who looks after it, from the command line."""

import json

import pytest
from typer.testing import CliRunner

from calltally.alerts.series import Dimension, SeriesKey
from calltally.cli.main import app
from tests.conftest import TENANT, Bench
from tests.integration.alerts.test_alert_api import began

ROUTE = SeriesKey(Dimension.ROUTE, "support-de")


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["alerts", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_alerts_are_listed_and_acknowledged(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", bench.url)
    assert run("list", TENANT) == "0 alerts\n"
    began(bench, ROUTE)
    listed = run("list", TENANT)
    assert "open  No-answer on support-de: 40 %" in listed
    assert listed.endswith("1 alert\n")
    alert = listed.split()[0]
    assert "acknowledged  No-answer" in run("acknowledge", TENANT, alert, "--note", "seen")
    (shown,) = json.loads(run("list", TENANT, "--state", "acknowledged", "--json"))
    assert shown["id"] == alert
    assert run("list", TENANT, "--state", "open") == "0 alerts\n"
