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


def test_a_window_that_is_complete(run: Commands, tmp_path: Path) -> None:
    path = written(tmp_path, resource(SID, STARTED_US))
    assert run("import", "twilio", path, "--tenant", "acme").code == 0
    said = run("status", "--window", "2026-10")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(
        "acme, 2026-10-01 00:00 to 2026-11-01 00:00 UTC: complete\n\n  calls 1   revision 1"
    )
    (found,) = run("status", "--from", "2026-10-05", "--to", "2026-10-06", "--tenant", "acme", "--json").json
    assert (found["complete"], found["calls"], found["from"]) == (True, 1, "2026-10-05T00:00:00.000000Z")


def test_one_that_is_not_says_why_within_80_columns(run: Commands, tmp_path: Path) -> None:
    opened = [resource(f"CA{number:032x}", STARTED_US, "ringing", None) for number in range(12)]
    disputed = [
        resource("CA9" + "0" * 31, STARTED_US, "busy", 0),
        resource("CA9" + "0" * 31, STARTED_US, "failed", 0),
    ]
    run("route", "put", "acme", "r" * 64, "--number", "+14155550100")
    assert run("import", "twilio", written(tmp_path, *opened, *disputed), "--tenant", "acme").code == 0
    said = run("status", "--window", "2026-10")
    assert said.code == 1
    assert "UTC: not complete\n  - 12 calls are still open" in said.out
    assert "  - look at: 1 call has facts that contradict each other" in said.out
    assert "  and 2 more; --json lists up to 20\n" in said.out
    assert f"  {'r' * 25}…  twilio" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


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
def test_a_window_that_nobody_can_read_is_misuse(run: Commands, words: tuple[str, ...]) -> None:
    assert run("status", *words).code == 2


def test_reconcile_heal_and_reconcile_again(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(TwilioApi([resource(SID, STARTED_US)], busy_every=2)) as api:
        monkeypatch.setenv("CALLTALLY_TWILIO_API_URL", api.url)
        asked = ("reconcile", "--provider", "twilio", "--tenant", "acme", "--month", "2026-10")
        refused = run(*asked)
        assert (refused.code, "account_sid is missing" in refused.err) == (1, True)
        run("provider", "put", "acme", "twilio", stdin=f"auth_token={TOKEN}\naccount_sid={ACCOUNT}\n")
        found = run(*asked, "--json")
        assert (found.code, found.json["counts"]) == (1, {"unheard-call": 1})
        healed = run(*asked, "--heal")
        assert healed.code == 1
        assert "1 recorded" in healed.out
        assert run(*asked, "--heal").code == 0
    assert run("status", "--window", "2026-10").code == 0
