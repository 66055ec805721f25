"""`calltally status` and `calltally reconcile --provider`, as an operator runs them."""

import json
from pathlib import Path

import pytest

from calltally.calls.times import parse_instant
from tests.integration.test_cli import Commands, empty, run
from tests.twilio_api import ACCOUNT, TOKEN, TwilioApi, resource, served

__all__ = ["empty", "run"]
SID = "CA" + "1" * 32
STARTED_US = parse_instant("2026-10-05T09:00:00Z")


def written(folder: Path, *calls: object) -> str:
    path = folder / "calls.ndjson"
    path.write_text("".join(f"{json.dumps(call)}\n" for call in calls))
    return str(path)


def test_complete_window(run: Commands, tmp_path: Path) -> None:
    path = written(tmp_path, resource(SID, STARTED_US))
    assert run("import", "twilio", path, "--tenant", "acme").code == 0
    result = run("status", "--window", "2026-10")
    assert (result.code, result.err) == (0, "")
    assert run("status", "--month", "2026-10") == result
    assert result.out.startswith(
        "acme, 2026-10-01 00:00 to 2026-11-01 00:00 UTC: complete\n\n  calls 1   revision 1"
    )
    (found,) = run("status", "--from", "2026-10-05", "--to", "2026-10-06", "--tenant", "acme", "--json").json
    assert (found["complete"], found["calls"], found["from"]) == (True, 1, "2026-10-05T00:00:00.000000Z")


def test_incomplete_window_prints_reasons_within_80_columns(run: Commands, tmp_path: Path) -> None:
    opened = [resource(f"CA{number:032x}", STARTED_US, "ringing", None) for number in range(12)]
    disputed = [
        resource("CA9" + "0" * 31, STARTED_US, "busy", 0),
        resource("CA9" + "0" * 31, STARTED_US, "failed", 0),
    ]
    run("route", "put", "acme", "r" * 64, "--number", "+14155550100")
    assert run("import", "twilio", written(tmp_path, *opened, *disputed), "--tenant", "acme").code == 0
    result = run("status", "--window", "2026-10")
    assert result.code == 1
    assert "UTC: not complete\n  - 12 calls are still open" in result.out
    assert "  - look at: 1 call has contradicting facts" in result.out
    assert "  and 2 more; --json lists up to 20\n" in result.out
    assert f"  {'r' * 25}…  twilio" in result.out
    assert max(map(len, result.out.splitlines())) <= 80


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--window", "october"),
        ("--window", "9999-12"),
        ("--window", "2026-10", "--to", "2026-10-02"),
        ("--from", "2026-10-01"),
    ],
)
def test_invalid_window_is_misuse(run: Commands, words: tuple[str, ...]) -> None:
    assert run("status", *words).code == 2


def test_reconcile_heal_and_reconcile_again(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(TwilioApi([resource(SID, STARTED_US)], busy_every=2)) as api:
        monkeypatch.setenv("CALLTALLY_TWILIO_API_URL", api.url)
        command = ("reconcile", "--provider", "twilio", "--tenant", "acme", "--month", "2026-10")
        refused = run(*command)
        assert (refused.code, "account_sid is missing" in refused.err) == (1, True)
        run("provider", "put", "acme", "twilio", stdin=f"auth_token={TOKEN}\naccount_sid={ACCOUNT}\n")
        found = run(*command, "--json")
        assert (found.code, found.json["counts"]) == (1, {"unheard-call": 1})
        healed = run(*command, "--heal")
        assert healed.code == 1
        assert "1 recorded" in healed.out
        assert run(*command, "--heal").code == 0
    assert run("status", "--window", "2026-10").code == 0
