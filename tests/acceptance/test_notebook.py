"""The example notebook runs from its first cell to its last, on a server with a few hundred calls."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calltally.client import Client
from tests.acceptance import pages
from tests.acceptance.live import Live
from tests.unmeasured import unmeasured

NOTEBOOK = pages.ROOT / "examples/notebook/calls.ipynb"
RUNS_WITHIN_S = 120
CALLS = 240
STATUSES = ("completed", "completed", "completed", "no-answer", "busy", "failed")
# What a kernel does with each cell, and a plot that is shown becomes a file.
RUN = """
import json, sys
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

pictures = []
def show():
    for number in plt.get_fignums():
        pictures.append(f"{len(pictures)}.png")
        plt.figure(number).savefig(pictures[-1])
    plt.close("all")
plt.show = show
names = {}
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
print(json.dumps({"rows": len(names["calls"]), "pictures": pictures, "rates": len(names["rates"]),
                  "costs": str(names["costs"]["amount"].sum())}))
"""


def event(number: int, now: datetime) -> Any:  # noqa: ANN401 (fields of an event)
    started = now - timedelta(hours=2 * number + 3)
    status = STATUSES[number % len(STATUSES)]
    is_completed = status == "completed"
    return {
        "id": f"evt-{number}",
        "call_sid": f"call-{number}",
        "occurred_at": started + timedelta(minutes=5),
        "started_at": started,
        "status": status,
        "direction": "inbound" if number % 3 else "outbound",
        "route": ("sales", "support", "billing")[number % 3],
        "duration_seconds": 30 + number % 200 if is_completed else None,
        "cost": {"amount": "0.0140", "currency": "USD"} if is_completed else None,
    }


@pytest.fixture
def key(live: Live) -> str:
    """Return a key of a tenant with calls of the last three weeks."""
    key = live.new_key(live.new_tenant(), "calls:read", "events:write")
    now = datetime.now(UTC)
    with Client(live.base, key) as client:
        outcomes = client.send_events(event(number, now) for number in range(CALLS))
    assert {each.outcome for each in outcomes} == {"applied"}
    return key


def test_notebook_runs_and_plots(live: Live, key: str, tmp_path: Path) -> None:
    reached = {"CALLTALLY_BASE_URL": live.base, "CALLTALLY_API_KEY": key}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, str(NOTEBOOK)],
        cwd=tmp_path,
        env={**unmeasured(), **reached, "MPLCONFIGDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=RUNS_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["rows"], result["rates"]) == (CALLS, 3)
    assert float(result["costs"]) == pytest.approx(CALLS / 2 * 0.014)
    assert len(result["pictures"]) == 3
    assert all((tmp_path / name).stat().st_size > 5_000 for name in result["pictures"])


def test_notebook_holds_no_key_and_no_calls() -> None:
    notebook = json.loads(NOTEBOOK.read_text())
    assert "CALLTALLY_API_KEY" in NOTEBOOK.read_text()
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert not [cell for cell in notebook["cells"] if cell.get("execution_count")]
