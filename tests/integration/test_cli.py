"""The commands of an operator, in a folder of their own."""

import io
import json
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import calltally
from calltally import __version__
from calltally.bootstrap.open_store import load_settings
from calltally.bootstrap.vaults import open_vault
from calltally.cli.console.session import read_once, with_store
from calltally.cli.main import main
from calltally.store.db.interface import Submission
from calltally.store.tenants.api_keys import digest_of_key, find_key
from calltally.store.tenants.vault import find_provider_secrets
from tests.integration.store.probing import direct
from tests.telling import own


class Said(NamedTuple):
    """What a command printed, and its exit status."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 (whatever a command prints)
        return json.loads(self.out)


class Terminal(io.StringIO):
    """Somebody's keyboard."""

    def isatty(self) -> bool:
        return True


class Commands:
    """Runs `calltally` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.terminal = False

    def __call__(self, *words: str, stdin: str = "") -> Said:
        self._monkeypatch.setattr(sys, "argv", ["calltally", *words])
        self._monkeypatch.setattr(sys, "stdin", Terminal() if self.terminal else io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capsys.readouterr()
        code = ended.value.code or 0
        assert isinstance(code, int)
        return Said(code, out, err)


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Commands:
    """Commands in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Commands(monkeypatch, capsys)


@pytest.fixture
def run(empty: Commands, tmp_path: Path, sqlite_template: Path) -> Commands:
    """Commands on a migrated store with the tenant `acme`."""
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "calltally.db")
    assert empty("tenant", "add", "acme", "--name", "Acme Dental").out == "Made tenant acme.\n"
    return empty


def test_the_version(empty: Commands) -> None:
    assert empty("--version") == Said(0, f"calltally {__version__}\n", "")


def test_help_lists_every_command_with_its_purpose(empty: Commands) -> None:
    shown = empty("--help").out
    listed = re.findall(r"^  ([a-z]+) +[A-Z]\w+", shown, re.MULTILINE)
    assert {"serve", "migrate", "tenant", "key", "route", "provider", "import", "demo", "replay"} <= set(
        listed
    )


@pytest.mark.parametrize("words", [("bogus",), ("key", "add", "acme"), ("tenant", "add"), ("--bogus",)])
def test_misuse_is_status_2(empty: Commands, words: tuple[str, ...]) -> None:
    said = empty(*words)
    assert (said.code, said.out) == (2, "")
    assert "Usage: " in said.err


def of_pages() -> list[str]:
    """Commands on the pages for people, for the tenant `acme`."""
    folder = Path(calltally.__file__).parent / "web" / "dashboard" / "templates"
    texts = [path.read_text() for path in sorted(folder.glob("*.html"))]
    found = [each for text in texts for each in re.findall(r"<pre[^>]*>\s*calltally (.*?)</pre>", text)]
    return [each.replace("{{ visitor.tenant }}", "acme") for each in found]


@pytest.mark.parametrize("command", of_pages())
def test_a_command_of_a_page_runs(run: Commands, tmp_path: Path, command: str) -> None:
    (tmp_path / "received.ndjson").touch()
    said = run(*shlex.split(command))
    assert (said.code, said.err) == (0, "")


def test_migrate_makes_the_store_and_its_key(empty: Commands, tmp_path: Path) -> None:
    for _ in range(2):
        said = empty("migrate")
        assert (said.code, said.err) == (0, "")
        assert re.fullmatch(r"The schema is at \w+\.\n", said.out)
    assert sorted(path.name for path in (tmp_path / "var").iterdir() if path.suffix in {".db", ".key"}) == [
        "calltally.db",
        "secret.key",
    ]


def test_a_migration_that_was_broken_off_is_finished_by_the_next(run: Commands, tmp_path: Path) -> None:
    told = own(1, "call-1", summary="Found.", status="completed", route="support")
    with_store(lambda store, _settings: store.submit([Submission("acme", told)]))
    with direct(f"sqlite:///{tmp_path}/var/calltally.db") as db:
        # As an upgrade from the first release leaves it behind the schema.
        db("DELETE FROM call_texts")
        db("DELETE FROM alert_steps")
        db("DELETE FROM quality")
        db("UPDATE calls SET measured = NULL, measured_revision = NULL")
        db("INSERT INTO refolds (tenant, after_id) VALUES ('acme', x'')")
    assert run("verify").code == 1
    assert run("migrate").code == 0
    assert run("verify").code == 0


def test_of_a_call_that_is_lost_verify_tells_and_does_not_stumble(run: Commands, tmp_path: Path) -> None:
    told = own(1, "call-1", status="completed")
    with_store(lambda store, _settings: store.submit([Submission("acme", told)]))
    with direct(f"sqlite:///{tmp_path}/var/calltally.db") as db:
        db("DELETE FROM calls")
    said = run("verify")
    assert said.code == 1
    assert "its call is missing" in said.err


def test_before_it_is_migrated_each_command_says_so(empty: Commands) -> None:
    said = empty("tenant", "list")
    assert (said.code, said.out) == (1, "")
    assert re.fullmatch(r"calltally: there is no database at .*; run `calltally migrate`\n", said.err)


def test_a_wrong_setting_is_one_line(empty: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_PORT", "eighty")
    said = empty("tenant", "list")
    assert said.code == 1
    assert said.err.startswith("calltally: CALLTALLY_PORT: ")
    assert said.err.count("\n") == 1


def test_tenants(run: Commands) -> None:
    made = run("tenant", "add", "bolt", "--json").json
    assert sorted(made) == ["created_at", "id", "masks_numbers", "name", "retention_days"]
    assert [tenant["id"] for tenant in run("tenant", "list", "--json").json] == ["acme", "bolt"]
    names, acme, bolt = run("tenant", "list").out.splitlines()
    assert names.split() == ["id", "name", "created_at", "retention_days", "masks_numbers"]
    assert acme.split()[:3] == ["acme", "Acme", "Dental"]
    assert bolt.split()[1] == "-"


def test_a_tenant_that_exists_fails_and_a_wrong_id_is_misuse(run: Commands) -> None:
    assert run("tenant", "add", "acme") == Said(1, "", "calltally: there is a tenant 'acme' already\n")
    assert run("tenant", "add", "Acme").code == 2


def test_how_long_calls_are_kept(run: Commands) -> None:
    said = run("tenant", "retention", "acme", "--days", "90")
    assert said == Said(0, "The calls of acme are kept for 90 days.\n", "")
    (acme,) = run("tenant", "list", "--json").json
    assert acme["retention_days"] == 90
    assert run("tenant", "retention", "acme", "--forever").out == "The calls of acme are kept for ever.\n"
    (acme,) = run("tenant", "list", "--json").json
    assert acme["retention_days"] is None


@pytest.mark.parametrize("words", [(), ("--days", "0"), ("--days", "9", "--forever"), ("--days", "36501")])
def test_a_wrong_retention_is_misuse_and_changes_nothing(run: Commands, words: tuple[str, ...]) -> None:
    assert run("tenant", "retention", "acme", *words).code == 2
    assert run("tenant", "list", "--json").json[0]["retention_days"] is None
    assert run("tenant", "retention", "none", "--days", "9").code == 1


def test_the_work_that_is_due_is_done_once(run: Commands) -> None:
    nothing = "0 calls and 0 dead letters expired; 0 jobs are another worker's, 0 failed"
    assert run("worker", "--once") == Said(0, f"1 tenants: 0 rows pruned, {nothing}\n", "")
    (done,) = run("worker", "--once", "--json").json
    assert (done["tenants"], done["pruned"], done["failed"], done["left"]) == (1, 0, 0, False)


def test_work_that_fails_is_status_1(run: Commands, tmp_path: Path) -> None:
    with direct(f"sqlite:///{tmp_path}/var/calltally.db") as db:
        db("DELETE FROM ledger_heads")
    said = run("worker", "--once")
    # The history and the upkeep of jobs both begin with where the ledger stands.
    assert (said.code, said.out.split()[-2:]) == (1, ["2", "failed"])
    assert json.loads(said.err.splitlines()[0])["tenant"] == "acme"


def test_a_key_is_printed_alone(run: Commands) -> None:
    said = run("key", "add", "acme", "--scope", "calls:read", "--scope", "events:write", "--name", "ci")
    text = said.out.strip()
    found = read_once(find_key("acme", digest_of_key(text)))
    assert found
    assert found.scopes == {"calls:read", "events:write"}
    assert found.key_id in said.err
    assert "not shown again" in said.err


def test_keys_are_listed_and_revoked(run: Commands) -> None:
    assert run("key", "list", "acme") == Said(0, "", "")
    made = run("key", "add", "acme", "--scope", "calls:read", "--json").json
    assert sorted(made) == ["id", "key", "scopes"]
    assert made["key"] not in run("key", "list", "acme").out
    assert run("key", "revoke", "acme", made["id"]).out == f"Revoked {made['id']}.\n"
    (listed,) = run("key", "list", "acme", "--json").json
    assert listed["revoked_at"]


def test_a_wrong_scope_is_misuse_and_an_unknown_tenant_a_failure(run: Commands) -> None:
    wrong = run("key", "add", "acme", "--scope", "all")
    assert wrong.code == 2
    assert "unknown: all" in wrong.err
    unknown = run("key", "add", "none", "--scope", "calls:read")
    assert unknown == Said(1, "", "calltally: there is no tenant 'none'\n")


def test_routes(run: Commands) -> None:
    assert run("route", "put", "acme", "sales", "--number", "+1 415 555 0100", "--agent", "ada").code == 0
    (route,) = run("route", "list", "acme", "--json").json
    assert (route["route"], route["numbers"], route["agent"]) == ("sales", ["+14155550100"], "ada")
    taken = run("route", "put", "acme", "other", "--number", "+14155550100")
    assert taken.code == 1
    assert "belongs to route 'sales'" in taken.err
    assert run("route", "put", "acme", "sales").code == 0
    assert run("route", "list", "acme").out.splitlines()[1].split()[:3] == ["sales", "-", "-"]


def secrets_of_acme() -> dict[str, str]:
    sealed = read_once(find_provider_secrets("acme", "twilio"))
    assert sealed
    return open_vault(load_settings()).open("acme", "twilio", sealed)


def test_secrets_are_read_from_standard_input(run: Commands) -> None:
    said = run("provider", "put", "acme", "twilio", stdin="auth_token = a=b\n\nauth_token_secondary=c\n")
    assert said == Said(0, "Stored auth_token, auth_token_secondary of twilio for acme.\n", "")
    assert secrets_of_acme() == {"auth_token": "a=b", "auth_token_secondary": "c"}


def test_secrets_may_be_options_and_the_help_warns(run: Commands) -> None:
    assert run("provider", "put", "acme", "twilio", "--secret", "auth_token=x").code == 0
    assert secrets_of_acme() == {"auth_token": "x"}
    assert "list of processes" in " ".join(run("provider", "put", "--help").out.split())


def test_a_terminal_is_asked(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    run.terminal = True
    monkeypatch.setattr("typer.prompt", lambda name, *, hide_input: f"typed {name} {hide_input}")
    assert run("provider", "put", "acme", "twilio").code == 0
    assert secrets_of_acme() == {"auth_token": "typed auth_token True"}


@pytest.mark.parametrize(
    ("provider", "stdin", "code"),
    [("none", "a=hush", 1), ("twilio", "hush", 2), ("twilio", "", 2), ("twilio", "token=hush", 2)],
)
def test_wrong_secrets_are_not_repeated(run: Commands, provider: str, stdin: str, code: int) -> None:
    said = run("provider", "put", "acme", provider, stdin=stdin)
    assert said.code == code
    assert "hush" not in said.err + said.out


def test_a_mapping_that_is_tried_shows_the_records_that_come_of_it(empty: Commands, tmp_path: Path) -> None:
    """A fact alone does not show by when a call is listed, nor when it ended."""
    (tmp_path / "m.toml").write_text(
        'provider = "old-pbx"\nformat = "csv"\n[fields]\ncall_sid = "id"\nstarted_at = "start"\n'
        'duration_seconds = "billsec"\nstatus = "result"\n[words.status]\nok = "completed"\n'
    )
    (tmp_path / "rows.csv").write_text("id,start,billsec,result\n7,2026-10-01T00:00:10Z,60,ok\n")
    said = empty("mapping", "try", "m.toml", "rows.csv", "--json")
    assert said.code == 0
    [record] = said.json["records"]
    assert (record["call_sid"], record["status"], record["duration_seconds"]) == ("7", "completed", 60)
    assert record["created_at"] == record["answered_at"] == "2026-10-01T00:00:10.000000Z"
    assert record["ended_at"] == "2026-10-01T00:01:10.000000Z"
    shown = empty("mapping", "try", "m.toml", "rows.csv").out
    assert "Record of 7" in shown
    assert re.search(r"ended_at\W+2026-10-01T00:01:10.000000Z", shown)
