"""`calltally config`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from calltally.cli.main import app
from calltally.settings.fields import Settings

HIDDEN = ("hush", "a" * 40)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CALLTALLY_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calltally.toml").write_text("rate_limit_per_minute = 10\n")
    monkeypatch.setenv("CALLTALLY_ADMIN_KEY", "a" * 40)


def rows() -> dict[str, tuple[str | None, str]]:
    result = CliRunner().invoke(app, ["config", "show", "--json"])
    assert not any(secret in result.stdout for secret in HIDDEN)
    return {row["setting"]: (row["value"], row["source"]) for row in json.loads(result.stdout)}


def test_all_settings_are_listed_with_their_sources(tmp_path: Path) -> None:
    found = rows()
    assert list(found) == list(Settings.model_fields)
    assert found["rate_limit_per_minute"] == (
        "10",
        f"{tmp_path / 'calltally.toml'}: rate_limit_per_minute",
    )
    assert found["admin_key"] == ("(hidden)", "CALLTALLY_ADMIN_KEY")
    assert found["trust_proxy"] == ("false", "default")
    assert found["public_url"] == (None, "default")


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("postgresql://u:hush@h:5/n", "postgresql://u:(hidden)@h:5/n"),
        ("postgresql://:hush@h/n", "postgresql://:(hidden)@h/n"),
        ("postgresql://u@h/n?password=hush&a=b", "postgresql://u@h/n?password=(hidden)&a=b"),
        ("postgresql://u@h/n?sslpassword=hush", "postgresql://u@h/n?sslpassword=(hidden)"),
        ("postgresql://u@h1:1,h2:2/n", "postgresql://u@h1:1,h2:2/n"),
    ],
)
def test_passwords_in_urls_are_hidden(url: str, listed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_DATABASE_URL", url)
    assert rows()["database_url"] == (listed, "CALLTALLY_DATABASE_URL")


def test_check_accepts_valid_settings() -> None:
    result = CliRunner().invoke(app, ["config", "check"])
    assert (result.exit_code, result.stdout) == (0, "All settings are valid.\n")


def test_check_refuses_a_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_PORT", "x")
    result = CliRunner().invoke(app, ["config", "check"])
    assert result.exit_code == 1
    assert "CALLTALLY_PORT: Input should be a valid integer" in str(result.exception)
