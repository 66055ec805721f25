import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

COMMAND = (sys.executable, "-m", "calltally")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `calltally` in a folder of its own, with a migrated database and the tenant `acme`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLTALLY_")}

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert run("migrate").returncode == 0
    assert run("tenant", "add", "acme").returncode == 0
    return run


def test_a_file_imported_twice_is_known_the_second_time(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "calls.json"
    file.write_text('{"calls": [{"sid": "CA1", "status": "busy"}, {"sid": "CA2", "status": "failed"}]}')
    first = run("import", "twilio", file, "--tenant", "acme")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("2 read: ")
    assert first.stdout.endswith(", 0 refused.\n")
    second = run("import", "twilio", file, "--tenant", "acme", "--json")
    assert second.returncode == 0
    expected = {"recorded": 0, "known": 2, "unchanged": 0, "refused": 0, "refusals": []}
    assert json.loads(second.stdout) == expected


def test_refusals_are_told_with_their_place_and_the_rest_goes_in(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "calls.ndjson"
    file.write_text('{"sid": "CA1", "status": "busy"}\n{"sid": "CA2", "status": "lost"}\nnonsense\n')
    done = run("import", "twilio", file, "--tenant", "acme")
    assert done.returncode == 1
    assert done.stdout == "3 read: 1 recorded, 0 known already, 0 with nothing new, 2 refused.\n"
    assert "refused: calls.ndjson: line 2: status 'lost': not one of queued" in done.stderr
    assert "refused: calls.ndjson: line 3: not JSON" in done.stderr
    shown = json.loads(run("import", "twilio", file, "--tenant", "acme", "--json").stdout)
    places = [refusal["position"] for refusal in shown["refusals"]]
    assert places == ["calls.ndjson: line 2", "calls.ndjson: line 3"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody", __file__, "--tenant", "acme"), "there is no provider 'nobody'; there are twilio"),
        (("twilio", __file__, "--tenant", "nobody"), "there is no tenant 'nobody'"),
        (("twilio", "absent.json", "--tenant", "acme"), "absent.json"),
        (("twilio", __file__), "--tenant"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_words(run: Run, arguments: tuple[str, ...], words: str) -> None:
    done = run("import", *arguments)
    assert done.returncode in {1, 2}
    assert words in done.stderr
    assert "Traceback" not in done.stderr
