"""`calltally dead-letters` as an operator runs it."""

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


def test_letters_are_listed_and_shown(folder: Path) -> None:
    listed = json.loads(run(folder, "dead-letters", "list", "acme", "--json").stdout)
    assert {row["reason"] for row in listed} == {"an older version said no"}
    shown = run(folder, "dead-letters", "show", "acme", listed[0]["id"])
    assert shown.stdout.startswith(
        "twilio, received 2026-11-18T11:06:40.000000Z, 0 repeats\nReason: an older "
    )
    assert "POST https://calls.example.com/" in shown.stdout
    assert "content-type: application/x-www-form-urlencoded" in shown.stdout
    assert f"CallSid=CA{'1' * 32}&CallStatus=" in shown.stdout
    gone = run(folder, "dead-letters", "show", "acme", "00" * 16)
    assert (gone.returncode, gone.stderr) == (1, f"calltally: tenant acme has no dead letter {'00' * 16}\n")
    wrong = run(folder, "dead-letters", "show", "acme", "x")
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_control_characters_of_a_request_are_escaped(folder: Path) -> None:
    asyncio.run(put_letters(f"sqlite:///{folder / 'var' / 'calltally.db'}", "\x1b[2J\x9b"))
    listed = json.loads(run(folder, "dead-letters", "list", "acme", "--json").stdout)
    shown = [run(folder, "dead-letters", "show", "acme", row["id"]).stdout for row in listed]
    assert any("CallStatus=\\x1b[2J\\x9b" in text for text in shown)
    assert not any("\x1b" in text or "\x9b" in text for text in shown)


def test_readable_letters_are_recorded_and_the_others_printed(folder: Path) -> None:
    first = run(folder, "dead-letters", "retry", "acme")
    assert first.returncode == 1
    assert first.stdout == "1 understood (1 applied), 1 not understood.\n"
    assert first.stderr.startswith("not understood: twilio ")
    assert "CallStatus 'parked': not one of queued" in first.stderr
    # By its former name.
    second = run(folder, "replay", "--tenant", "acme", "--provider", "twilio", "--json")
    report = json.loads(second.stdout)
    assert (report["understood"], report["still_dead"], report["facts"]) == (0, 1, {})
    assert list(report["listed"][0]) == ["letter_id", "provider", "reason"]
    assert len(json.loads(run(folder, "dead-letters", "list", "acme", "--json").stdout)) == 1


def test_misuse_is_one_line(folder: Path) -> None:
    names = ", ".join(PROVIDERS)
    for arguments, code, message in (
        (("nobody",), 1, "there is no tenant 'nobody': `calltally tenant list` lists the tenants"),
        (("acme", "--provider", "none"), 2, f"there is no provider 'none'; choose one of {names}"),
    ):
        done = run(folder, "dead-letters", "retry", *arguments)
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.startswith(f"calltally: {message}")
