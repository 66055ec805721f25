"""`calltally replay` as an operator runs it."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from calltally.ingest.callbacks import write_letter
from calltally.providers.callback import Callback
from calltally.providers.registry import PROVIDERS
from calltally.store.backends.open import open_store
from calltally.store.tenants.dead_letters import put_dead_letter

COMMAND = (sys.executable, "-m", "calltally")
NOW_US = 1_795_000_000_000_000
FORM = {"content-type": "application/x-www-form-urlencoded"}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLTALLY_")}
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def put_letters(url: str, *statuses: str) -> None:
    store = open_store(url, lambda: NOW_US)
    for status in statuses:
        body = f"CallSid=CA{'1' * 32}&CallStatus={status}".encode()
        callback = Callback("POST", f"https://calls.example.com/{status}", FORM, body, NOW_US)
        await store.write(
            put_dead_letter("acme", write_letter("twilio", callback, "an older version said no"))
        )
    await store.close()


@pytest.fixture
def folder(folder: Path) -> Path:
    """A migrated database, a tenant, one letter that can be read by now, and one that cannot."""
    assert run(folder, "tenant", "add", "acme").returncode == 0
    asyncio.run(put_letters(f"sqlite:///{folder / 'var' / 'calltally.db'}", "ringing", "parked"))
    return folder


def test_readable_records_are_stored_and_the_rest_is_reported(folder: Path) -> None:
    first = run(folder, "replay", "--tenant", "acme")
    assert first.returncode == 1
    assert first.stdout == "1 understood (1 applied), 1 not understood.\n"
    assert first.stderr.startswith("not understood: twilio ")
    assert "CallStatus 'parked': not one of queued" in first.stderr
    second = run(folder, "replay", "--tenant", "acme", "--provider", "twilio", "--json")
    report = json.loads(second.stdout)
    assert (report["understood"], report["still_dead"], report["facts"]) == (0, 1, {})
    assert list(report["listed"][0]) == ["letter_id", "provider", "reason"]


def test_misuse_is_one_line(folder: Path) -> None:
    names = ", ".join(PROVIDERS)
    for arguments, code, expected in (
        (("--tenant", "nobody"), 1, "there is no tenant 'nobody'"),
        (
            ("--tenant", "acme", "--provider", "none"),
            2,
            f"there is no provider 'none'; choose one of {names}",
        ),
    ):
        done = run(folder, "replay", *arguments)
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr == f"calltally: {expected}\n"
