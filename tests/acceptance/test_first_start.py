"""`calltally serve` in an empty folder is a service that answers; without its key it does not start again."""

import json
import os
import subprocess
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from calltally.bootstrap.open_store import create_first_database
from calltally.settings.fields import Settings
from tests.acceptance.live import COMMAND
from tests.unmeasured import unmeasured

ENDS_WITHIN_S = 20
ANSWERS_WITHIN_S = 30


def environment() -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("CALLTALLY_")}
    return unmeasured(others)


def calltally(folder: Path, *words: str, text: str = "") -> str:
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env=environment(),
        check=True,
        input=text,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def fetch(url: str, key: str = "") -> str:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urlopen(Request(url, headers=headers), timeout=ANSWERS_WITHIN_S) as answer:  # noqa: S310 (our own)
        return str(answer.read(), "utf-8")


def test_first_start_answers_the_list(tmp_path: Path) -> None:
    command = [*COMMAND, "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr
            created = json.loads(process.stderr.readline())
            assert (created["event"], created["level"]) == ("created an empty database", "warning")
            assert created["path"] == f"{tmp_path}/var/calltally.db"
            base = f"http://127.0.0.1:{json.loads(process.stderr.readline())['port']}"
            fetch(f"{base}/healthz")
            calltally(tmp_path, "tenant", "add", "acme")
            key = calltally(tmp_path, "key", "add", "acme", "--scope", "calls:read")
            page = json.loads(fetch(f"{base}/api/v1/call-logs?limit=25&offset=0", key))
            assert (page["data"], page["total"]) == ([], 0)
        finally:
            process.terminate()
            process.wait(ENDS_WITHIN_S)


def test_database_that_may_be_elsewhere_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A named database is missing by mistake; other files in the folder are of a database that was there."""
    monkeypatch.chdir(tmp_path)
    assert (
        create_first_database(Settings.model_validate({"database_url": "sqlite:///other/calltally.db"}))
        is None
    )
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret.key").touch()
    assert create_first_database(Settings.model_validate({})) is None
    assert [path.name for path in tmp_path.rglob("*.db")] == []


@pytest.mark.parametrize("key", ["", "A" * 43 + "="])
def test_serve_refuses_to_start_where_the_key_opens_no_stored_secret(tmp_path: Path, key: str) -> None:
    calltally(tmp_path, "migrate")
    calltally(tmp_path, "tenant", "add", "acme")
    calltally(tmp_path, "provider", "put", "acme", "twilio", text="auth_token=secret")
    file = tmp_path / "var" / "secret.key"
    file.unlink()
    settings = {"CALLTALLY_SECRET_KEY": key} if key else {}
    refused = subprocess.run(
        [*COMMAND, "serve", "--port", "0"],
        cwd=tmp_path,
        env=environment() | settings,
        check=False,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
    )
    assert refused.returncode == 1
    assert "Restore the key" in refused.stderr if key else "Restore it from the backup" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not file.exists()
