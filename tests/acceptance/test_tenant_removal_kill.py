"""`kill -9` in the middle of a tenant's removal: the same command continues, and others are whole."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from calltally.store.maintenance.tenant_removal import LAST_TABLES, SETTLE_US, TABLES
from tests.acceptance.live import COMMAND, calltally, own_environment
from tests.integration.store.probing import Direct, direct
from tests.unmeasured import unmeasured

CALLS = 1_500
REMOVE = ("tenant", "remove", "acme", "--confirm", "acme")


def rows_of(db: Direct, tenant: str) -> dict[str, int]:
    counts = {
        table: db(f"SELECT count(*) FROM {table} WHERE tenant = ?", tenant)[0][0]
        for table in (*TABLES, *LAST_TABLES)
    }
    return {table: count for table, count in counts.items() if count}


def kill_after_first_table(folder: Path, environment: dict[str, str]) -> None:
    """Start the removal, and kill it when its first table is empty and another is not."""
    command = [*COMMAND, *REMOVE]
    with subprocess.Popen(
        command, cwd=folder, env=unmeasured(environment), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().endswith("rows removed\n")
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def test_killed_removal_is_continued(new_database: Callable[[], str], tmp_path: Path) -> None:
    url = new_database()
    environment = own_environment(DATABASE_URL=url, SECRET_KEY="A" * 43 + "=")
    lines = (json.dumps({"sid": f"CA{number:032x}", "status": "busy"}) for number in range(CALLS))
    (tmp_path / "calls.ndjson").write_text("\n".join(lines))
    for tenant in ("acme", "bolt"):
        assert calltally(tmp_path, "tenant", "add", tenant, environment=environment).returncode == 0
        words = ("import", "twilio", "calls.ndjson", "--tenant", tenant)
        assert calltally(tmp_path, *words, environment=environment).returncode == 0
    with direct(url) as db:
        others = rows_of(db, "bolt")
        kill_after_first_table(tmp_path, environment)
        left = rows_of(db, "acme")
        assert set(LAST_TABLES) - {"leases"} <= set(left)
        assert len(left) > len(LAST_TABLES)
        assert calltally(tmp_path, "verify", environment=environment).returncode == 0
        # As if the removal had begun long ago: then the command does not wait for services.
        db("UPDATE tenants SET removed_us = removed_us - ? WHERE tenant = 'acme'", SETTLE_US)
        again = calltally(tmp_path, *REMOVE, environment=environment)
        assert (again.returncode, again.stdout.startswith("Removed tenant acme with ")) == (0, True)
        assert rows_of(db, "acme") == {}
        assert rows_of(db, "bolt") == others
    assert calltally(tmp_path, "verify", environment=environment).returncode == 0
