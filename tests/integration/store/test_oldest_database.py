"""The oldest database that is supported: rows that the code of schema 0001 wrote, migrated by today's code.

`database_0001/` holds them as they were. Nothing of the code that wrote them is used here.
"""

import json
import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Final

import pytest

from calltally.store.backends.migrate import statements_of
from calltally.store.backends.open import sqlite_path
from calltally.store.tenants.vault import Vault
from tests.integration.store.probing import direct
from tests.integration.store.test_migration import empty_databases

__all__ = ["empty_databases"]

FOLDER: Final = Path(__file__).parent / "database_0001"
KEY: Final = b"k" * 32
TO_0001: Final = "import sys, calltally.store.backends.migrate as m; m.upgrade(sys.stdin.read(), '0001')"
# Direction, status, seconds and summary of each call, as the list of that code had them.
CALLS: Final = {
    "call-1": ("outbound", "completed", 240, "Customer confirmed appointment time."),
    "call-2": ("inbound", "completed", 240, None),
    "call-3": ("outbound", "completed", 240, None),
    "call-4": ("inbound", "completed", 240, None),
    "call-5": ("outbound", "completed", 240, None),
    "call-6": ("inbound", "in-progress", None, None),
    "CA" + "1" * 32: ("inbound", "completed", 42, None),
}


def run(url: str, *words: str, text: str = "") -> str:
    """Run Python with a database as its setting; return its output."""
    settings = {"CALLTALLY_DATABASE_URL": url, "CALLTALLY_SECRET_KEY": b64encode(KEY).decode()}
    done = subprocess.run(
        [sys.executable, *words],
        env=os.environ | settings,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def oldest(empty_databases: list[str]) -> str:
    """URL of a database of schema 0001 with the stored rows."""
    url = empty_databases[0]
    dialect = "postgres"
    if path := sqlite_path(url):
        path.parent.mkdir()
        path.touch()
        dialect = "sqlite"
    run(url, "-c", TO_0001, text=url)
    with direct(url) as db:
        for statement in statements_of((FOLDER / f"{dialect}.sql").read_text(encoding="utf-8")):
            db(statement)
    return url


def test_it_is_migrated_verified_and_listed_as_before(oldest: str) -> None:
    migrated = run(oldest, "-m", "calltally", "migrate")
    assert "8 calls were recomputed" in migrated
    verified = run(oldest, "-m", "calltally", "verify")
    assert "8 calls recomputed from 22 facts" in verified
    assert verified.strip().endswith("clean")
    with direct(oldest) as db:
        records = [json.loads(record) for (record,) in db("SELECT record FROM calls WHERE tenant = 'acme'")]
        [(sealed,)] = db("SELECT sealed FROM provider_secrets")
    names = ("direction", "status", "duration_seconds", "summary")
    assert {each["call_sid"]: tuple(each[name] for name in names) for each in records} == CALLS
    assert Vault(KEY).open("acme", "twilio", bytes(sealed)) == {"auth_token": "token-of-acme"}
