"""Commands of an operator, run in an empty folder."""

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
from calltally.cli.console.session import read_once, with_store, write_once
from calltally.cli.main import main
from calltally.providers.generic.mapping_packs import pack_names, pack_text
from calltally.store.alerts.sinks import StoredAlertSink, add_sink
from calltally.store.db.interface import Submission
from calltally.store.maintenance import tenant_removal
from calltally.store.tenants.api_keys import digest_of_key, find_key, record_key_use
from calltally.store.tenants.vault import find_provider_secrets
from calltally.store.webhooks.endpoints import EndpointSettings, add_endpoint
from tests.integration.store.probing import direct
from tests.sample_facts import own
from tests.unit.providers.generic import pack_tables

NO_TENANT = (
    "calltally: there is no tenant 'none': `calltally tenant list` lists the tenants,"
    " and `calltally tenant add` creates one\n"
)


class CommandResult(NamedTuple):
    """Output and exit code of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 (a command prints any JSON)
        return json.loads(self.out)


class Terminal(io.StringIO):
    """Standard input that is a terminal."""

    def isatty(self) -> bool:
        return True


class Commands:
    """Runner of `calltally` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.terminal = False

    def __call__(self, *arguments: str, stdin: str = "") -> CommandResult:
        self._monkeypatch.setattr(sys, "argv", ["calltally", *arguments])
        self._monkeypatch.setattr(sys, "stdin", Terminal() if self.terminal else io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capsys.readouterr()
        code = ended.value.code or 0
        assert isinstance(code, int)
        return CommandResult(code, out, err)


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
    assert empty("tenant", "add", "acme", "--name", "Acme Dental").out == "Created tenant acme.\n"
    return empty


def test_version_is_printed(empty: Commands) -> None:
    assert empty("--version") == CommandResult(0, f"calltally {__version__}\n", "")


def test_help_lists_every_command_with_its_summary(empty: Commands) -> None:
    help_text = empty("--help").out
    listed = re.findall(r"^  ([a-z-]+) +[A-Z]\w+", help_text, re.MULTILINE)
    assert {
        "serve",
        "migrate",
        "tenant",
        "key",
        "route",
        "provider",
        "import",
        "demo",
        "dead-letters",
    } <= set(listed)


@pytest.mark.parametrize("arguments", [("bogus",), ("key", "add", "acme"), ("tenant", "add"), ("--bogus",)])
def test_misuse_has_exit_code_2(empty: Commands, arguments: tuple[str, ...]) -> None:
    result = empty(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Usage: " in result.err


def of_pages() -> list[str]:
    """Commands on the pages for people, for the tenant `acme`."""
    folder = Path(calltally.__file__).parent / "web" / "dashboard" / "templates"
    texts = [path.read_text() for path in sorted(folder.glob("*.html"))]
    found = [each for text in texts for each in re.findall(r"<pre[^>]*>\s*calltally (.*?)</pre>", text)]
    return [each.replace("{{ visitor.tenant }}", "acme") for each in found]


@pytest.mark.parametrize("command", of_pages())
def test_a_command_of_a_page_runs(run: Commands, tmp_path: Path, command: str) -> None:
    (tmp_path / "received.ndjson").touch()
    (tmp_path / "calls.json").write_text("[]")
    # The secret of a provider is read from standard input where there is no terminal.
    output = run(*shlex.split(command), stdin="auth_token=hush\n")
    assert (output.code, output.err) == (0, "")


def test_migrate_creates_store_and_key(empty: Commands, tmp_path: Path) -> None:
    for _ in range(2):
        result = empty("migrate")
        assert (result.code, result.err) == (0, "")
        assert re.fullmatch(r"The schema is at \w+\.\n", result.out)
    assert sorted(path.name for path in (tmp_path / "var").iterdir() if path.suffix in {".db", ".key"}) == [
        "calltally.db",
        "secret.key",
    ]


def test_interrupted_migration_is_finished_by_the_next(run: Commands, tmp_path: Path) -> None:
    stored = own(1, "call-1", summary="Found.", status="completed", route="support")
    with_store(lambda store, _settings: store.submit([Submission("acme", stored)]))
    with direct(f"sqlite:///{tmp_path}/var/calltally.db") as db:
        # The state after the schema step of an upgrade from the first release.
        db("DELETE FROM call_texts")
        db("DELETE FROM alert_steps")
        db("DELETE FROM quality")
        db("UPDATE calls SET measured = NULL, measured_revision = NULL")
        db("INSERT INTO refolds (tenant, after_id) VALUES ('acme', x'')")
    assert run("verify").code == 1
    assert run("migrate").code == 0
    assert run("verify").code == 0


def test_verify_reports_missing_call(run: Commands, tmp_path: Path) -> None:
    stored = own(1, "call-1", status="completed")
    with_store(lambda store, _settings: store.submit([Submission("acme", stored)]))
    with direct(f"sqlite:///{tmp_path}/var/calltally.db") as db:
        db("DELETE FROM calls")
    result = run("verify")
    assert result.code == 1
    assert "its call is missing" in result.err


def test_command_without_database_suggests_migrate(empty: Commands) -> None:
    result = empty("tenant", "list")
    assert (result.code, result.out) == (1, "")
    assert re.fullmatch(r"calltally: there is no database at .*; run `calltally migrate`\n", result.err)


def test_wrong_setting_is_one_line(empty: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLTALLY_PORT", "eighty")
    result = empty("tenant", "list")
    assert result.code == 1
    assert result.err.startswith("calltally: CALLTALLY_PORT: ")
    assert result.err.count("\n") == 1


def test_country_of_national_numbers_is_set(run: Commands) -> None:
    assert run("tenant", "country", "acme", "--set", "de").out.endswith("as numbers of DE.\n")
    assert run("tenant", "list", "--json").json[0]["default_country"] == "DE"
    assert run("tenant", "country", "acme", "--none").code == 0
    assert run("tenant", "list", "--json").json[0]["default_country"] is None
    for wrong in (["--set", "XX"], ["--set", "DE", "--none"], []):
        assert run("tenant", "country", "acme", *wrong).code != 0


def test_tenants_are_created_and_listed(run: Commands) -> None:
    made = run("tenant", "add", "bolt", "--json").json
    assert sorted(made) == [
        "bridged_is_escalation",
        "created_at",
        "default_country",
        "id",
        "masks_numbers",
        "name",
        "retention_days",
    ]
    assert [tenant["id"] for tenant in run("tenant", "list", "--json").json] == ["acme", "bolt"]
    names, acme, bolt = run("tenant", "list").out.splitlines()
    assert names.split() == [
        "id",
        "name",
        "created_at",
        "retention_days",
        "masks_numbers",
        "bridged_is_escalation",
        "default_country",
    ]
    assert acme.split()[:3] == ["acme", "Acme", "Dental"]
    assert bolt.split()[1] == "-"


def test_existing_tenant_fails_and_wrong_id_is_misuse(run: Commands) -> None:
    assert run("tenant", "add", "acme") == CommandResult(1, "", "calltally: tenant 'acme' already exists\n")
    assert run("tenant", "add", "Acme").code == 2


def test_retention_is_set_and_removed(run: Commands) -> None:
    result = run("tenant", "retention", "acme", "--days", "90")
    assert result == CommandResult(0, "The calls of acme are kept for 90 days.\n", "")
    (acme,) = run("tenant", "list", "--json").json
    assert acme["retention_days"] == 90
    assert (
        run("tenant", "retention", "acme", "--forever").out
        == "The calls of acme are kept without a time limit.\n"
    )
    (acme,) = run("tenant", "list", "--json").json
    assert acme["retention_days"] is None


def test_retention_counts_the_calls_that_it_erases(run: Commands) -> None:
    stored = own(1, "call-1", status="completed")
    with_store(lambda store, _settings: store.submit([Submission("acme", stored)]))
    counted = run("tenant", "retention", "acme", "--days", "1", "--dry-run")
    assert counted == CommandResult(0, "Calls that would be erased: 1.\n", "")
    run.terminal = True
    assert "permanently erases 1 call." in run("tenant", "retention", "acme", "--days", "1").err
    assert run("tenant", "list", "--json").json[0]["retention_days"] is None
    run.terminal = False
    assert run("tenant", "retention", "acme", "--days", "1").out.endswith("which the worker now erases: 1.\n")


@pytest.mark.parametrize(
    "arguments", [(), ("--days", "0"), ("--days", "9", "--forever"), ("--days", "36501")]
)
def test_wrong_retention_is_misuse_and_changes_nothing(run: Commands, arguments: tuple[str, ...]) -> None:
    assert run("tenant", "retention", "acme", *arguments).code == 2
    assert run("tenant", "list", "--json").json[0]["retention_days"] is None
    assert run("tenant", "retention", "none", "--days", "9").code == 1


def test_worker_once_does_due_work(run: Commands) -> None:
    nothing = "0 calls and 0 dead letters expired; 0 jobs run in another worker, 0 failed"
    assert run("worker", "--once") == CommandResult(0, f"1 tenant: 0 rows pruned, {nothing}\n", "")
    (done,) = run("worker", "--once", "--json").json
    assert (done["tenants"], done["pruned"], done["failed"], done["left"]) == (1, 0, 0, False)


def test_failed_work_has_exit_code_1(run: Commands, tmp_path: Path) -> None:
    with direct(f"sqlite:///{tmp_path}/var/calltally.db") as db:
        db("DELETE FROM ledger_heads")
    result = run("worker", "--once")
    # The pruning of history and of jobs both start by reading the ledger's head.
    assert (result.code, result.out.split()[-2:]) == (1, ["2", "failed"])
    assert json.loads(result.err.splitlines()[0])["tenant"] == "acme"


def test_only_the_key_is_on_standard_output(run: Commands) -> None:
    result = run("key", "add", "acme", "--scope", "calls:read", "--scope", "events:write", "--name", "ci")
    text = result.out.strip()
    found = read_once(find_key("acme", digest_of_key(text)))
    assert found
    assert found.scopes == {"calls:read", "events:write"}
    assert found.key_id in result.err
    assert "cannot be shown again" in result.err


def test_keys_are_listed_and_revoked(run: Commands) -> None:
    assert run("key", "list", "acme") == CommandResult(0, "", "")
    made = run("key", "add", "acme", "--scope", "calls:read", "--json").json
    assert sorted(made) == ["id", "key", "scopes"]
    assert made["key"] not in run("key", "list", "acme").out
    assert run("key", "revoke", "acme", made["id"]).out == f"Revoked {made['id']}.\n"
    (listed,) = run("key", "list", "acme", "--json").json
    assert listed["revoked_at"]
    write_once(record_key_use("acme", made["id"], 1))
    (key,) = run("key", "show", "acme", made["id"], "--json").json
    assert key == {**listed, "last_used_at": "1970-01-01T00:00:00.000001Z"}
    unknown = run("key", "show", "acme", "key_0")
    assert unknown == CommandResult(1, "", "calltally: tenant 'acme' has no key 'key_0'\n")


def test_wrong_scope_is_misuse_and_unknown_tenant_a_failure(run: Commands) -> None:
    wrong = run("key", "add", "acme", "--scope", "all")
    assert wrong.code == 2
    assert "unknown: all" in wrong.err
    unknown = run("key", "add", "none", "--scope", "calls:read")
    assert unknown == CommandResult(1, "", NO_TENANT)


def test_routes_are_set_and_listed(run: Commands) -> None:
    assert run("route", "put", "acme", "sales", "--number", "+1 415 555 0100", "--agent", "ada").code == 0
    (route,) = run("route", "list", "acme", "--json").json
    assert (route["route"], route["numbers"], route["agent"]) == ("sales", ["+14155550100"], "ada")
    taken = run("route", "put", "acme", "other", "--number", "+14155550100")
    assert taken.code == 1
    assert "belongs to route 'sales'" in taken.err


def test_route_put_keeps_what_it_does_not_name(run: Commands) -> None:
    run("route", "put", "acme", "sales", "--number", "100", "--agent", "ada", "--provider", "twilio")
    run("route", "put", "acme", "sales", "--agent", "bea")
    run("route", "put", "acme", "sales", "--provider", "")
    displayed = run("route", "show", "acme", "sales")
    assert displayed.out == "Route sales: agent bea, provider -\n100\n"
    assert run("route", "show", "acme", "sales", "--json").json["numbers"] == ["100"]


def test_route_number_without_digits_is_refused(run: Commands) -> None:
    refused = run("route", "put", "acme", "sales", "--number", "hello")
    assert refused.code == 2
    assert "number 1 is not a number or address" in refused.err
    assert run("route", "list", "acme").out == ""


def test_removed_route_frees_its_numbers(run: Commands) -> None:
    run("route", "put", "acme", "sales", "--number", "100")
    assert run("route", "remove", "acme", "sales").out == "Removed route sales of acme.\n"
    for words in (("remove",), ("show",)):
        gone = run("route", *words, "acme", "sales")
        assert gone == CommandResult(1, "", "calltally: tenant acme has no route 'sales'\n")
    assert run("route", "put", "acme", "other", "--number", "100").code == 0


def test_providers_are_listed_and_removed(run: Commands) -> None:
    run("provider", "put", "acme", "twilio", stdin="auth_token=hush\n")
    (listed,) = run("provider", "list", "acme", "--json").json
    assert listed["provider"] == "twilio"
    assert set(listed) == {"provider", "updated_at"}
    (displayed,) = run("provider", "show", "acme", "twilio", "--json").json
    assert displayed == {**listed, "secrets": ["auth_token"]}
    assert run("provider", "remove", "acme", "twilio").code == 0
    assert run("provider", "list", "acme").out == ""
    for words in (("remove",), ("show",)):
        gone = run("provider", *words, "acme", "twilio")
        assert gone == CommandResult(1, "", "calltally: tenant acme has no secrets of 'twilio'\n")


def test_tenant_is_listed(run: Commands) -> None:
    run("tenant", "retention", "acme", "--days", "30")
    (displayed,) = run("tenant", "show", "acme", "--json").json
    assert (displayed["id"], displayed["retention_days"], displayed["masks_numbers"]) == ("acme", 30, False)
    assert run("tenant", "show", "none").err == NO_TENANT


def test_dry_run_counts_and_removes_nothing(run: Commands) -> None:
    run("key", "add", "acme", "--scope", "calls:read")
    counted = run("tenant", "remove", "acme", "--dry-run", "--json").json
    assert counted == {"tenant": "acme", "rows": {"ledger_heads": 1, "api_keys": 1}}
    assert run("tenant", "remove", "acme", "--dry-run").out.splitlines()[-1].split() == ["total", "2"]
    assert run("tenant", "show", "acme").code == 0


def test_tenant_is_removed_after_its_id_was_typed(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    # No service runs, so none has to learn of it.
    monkeypatch.setattr(tenant_removal, "SETTLE_US", 0)
    stored = own(1, "call-1", status="completed")
    with_store(lambda store, _settings: store.submit([Submission("acme", stored)]))
    unconfirmed = run("tenant", "remove", "acme")
    assert (unconfirmed.code, "nothing was removed" in unconfirmed.err) == (2, True)
    run.terminal = True
    monkeypatch.setattr("typer.prompt", lambda _text, *, err: "bolt" * err)
    assert run("tenant", "remove", "acme").code == 2
    monkeypatch.setattr("typer.prompt", lambda _text, *, err: "acme" * err)
    result = run("tenant", "remove", "acme")
    assert re.fullmatch(r"Removed tenant acme with \d+ rows\.\n", result.out)
    assert "facts: 1 row removed\n" in result.err
    assert "there is no tenant 'acme'" in run("tenant", "remove", "acme", "--confirm", "acme").err
    assert run("tenant", "add", "acme").code == 0
    removed = run("tenant", "remove", "acme", "--confirm", "acme", "--json").json
    assert removed == {"tenant": "acme", "removed_rows": {}}


def secrets_of_acme() -> dict[str, str]:
    sealed = read_once(find_provider_secrets("acme", "twilio"))
    assert sealed
    return open_vault(load_settings()).open("acme", "twilio", sealed)


def test_secrets_are_read_from_standard_input(run: Commands) -> None:
    result = run("provider", "put", "acme", "twilio", stdin="auth_token = a=b\n\nauth_token_secondary=c\n")
    assert result == CommandResult(0, "Stored auth_token, auth_token_secondary of twilio for acme.\n", "")
    assert secrets_of_acme() == {"auth_token": "a=b", "auth_token_secondary": "c"}


def test_secrets_may_be_options_and_help_warns(run: Commands) -> None:
    assert run("provider", "put", "acme", "twilio", "--secret", "auth_token=x").code == 0
    assert secrets_of_acme() == {"auth_token": "x"}
    assert "list of processes" in " ".join(run("provider", "put", "--help").out.split())


def test_terminal_is_prompted_for_secret(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    run.terminal = True
    monkeypatch.setattr("typer.prompt", lambda name, *, hide_input: f"typed {name} {hide_input}")
    assert run("provider", "put", "acme", "twilio").code == 0
    assert secrets_of_acme() == {"auth_token": "typed auth_token True"}


@pytest.mark.parametrize(
    ("provider", "stdin", "code"),
    [("none", "a=hush", 1), ("twilio", "hush", 2), ("twilio", "", 2), ("twilio", "token=hush", 2)],
)
def test_wrong_secrets_are_not_printed(run: Commands, provider: str, stdin: str, code: int) -> None:
    result = run("provider", "put", "acme", provider, stdin=stdin)
    assert result.code == code
    assert "hush" not in result.err + result.out


def test_mapping_try_prints_resulting_records(empty: Commands, tmp_path: Path) -> None:
    """A fact alone does not contain the call's creation time and end."""
    (tmp_path / "m.toml").write_text(
        'provider = "old-pbx"\nformat = "csv"\n[fields]\ncall_sid = "id"\nstarted_at = "start"\n'
        'duration_seconds = "billsec"\nstatus = "result"\n[words.status]\nok = "completed"\n'
    )
    (tmp_path / "rows.csv").write_text("id,start,billsec,result\n7,2026-10-01T00:00:10Z,60,ok\n")
    result = empty("mapping", "try", "m.toml", "rows.csv", "--json")
    assert result.code == 0
    [record] = result.json["records"]
    assert (record["call_sid"], record["status"], record["duration_seconds"]) == ("7", "completed", 60)
    assert record["created_at"] == record["answered_at"] == "2026-10-01T00:00:10.000000Z"
    assert record["ended_at"] == "2026-10-01T00:01:10.000000Z"
    printed = empty("mapping", "try", "m.toml", "rows.csv").out
    assert "Record of 7" in printed
    assert re.search(r"ended_at\W+2026-10-01T00:01:10.000000Z", printed)


def test_mapping_packs_are_listed_printed_and_tried_by_name(empty: Commands, tmp_path: Path) -> None:
    listed = empty("mapping", "packs").out.splitlines()
    assert [line.split()[0] for line in listed] == pack_names()
    printed = empty("mapping", "packs", "cdr-stats").out
    assert printed == pack_text("cdr-stats")
    (tmp_path / "rows.csv").write_bytes(pack_tables.CDR_STATS)
    (tmp_path / "own.toml").write_text(printed)
    by_name = empty("mapping", "try", "cdr-stats", "rows.csv", "--json").json
    assert by_name == empty("mapping", "try", "own.toml", "rows.csv", "--json").json
    assert len(by_name["records"]) == len(pack_tables.CDR_STATS_CALLS)


def test_an_unknown_pack_is_refused_with_the_names_of_all(empty: Commands) -> None:
    for arguments in (("mapping", "packs", "none"), ("mapping", "try", "none", "-")):
        result = empty(*arguments)
        assert result.code == 2
        assert "aircall, amazon-connect" in result.err


def test_provider_put_stores_a_pack_by_its_name(run: Commands) -> None:
    stored = run("provider", "put", "acme", "generic-aircall", "--mapping", "aircall", stdin="secret=tok-1\n")
    assert (stored.code, stored.err) == (0, "")
    assert "Stored mapping, secret of generic-aircall for acme." in stored.out


def test_endpoint_is_paused_resumed_and_removed(run: Commands) -> None:
    endpoint, id_ = bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"
    settings = EndpointSettings("https://hooks.example.com/calls")
    write_once(add_endpoint("acme", endpoint, settings, b"sealed", 1))
    (listed,) = run("endpoint", "list", "acme", "--json").json
    assert (listed["id"], listed["url"], listed["state"]) == (id_, settings.url, "active")
    paused = run("endpoint", "pause", "acme", id_).out
    assert paused.startswith("Paused https://hooks.example.com/calls. Its events wait;")
    assert run("endpoint", "show", "acme", id_).json["reason"] == "paused by the command line"
    assert run("endpoint", "resume", "acme", id_).out == "Resumed https://hooks.example.com/calls.\n"
    assert run("endpoint", "remove", "acme", id_).out == f"Removed endpoint {id_} of acme.\n"
    gone = run("endpoint", "remove", "acme", id_)
    assert (gone.code, gone.err) == (1, "calltally: there is no webhook endpoint with that id\n")
    assert run("endpoint", "list", "none").err == NO_TENANT


def test_sinks_are_listed_without_secrets_and_removed(run: Commands) -> None:
    sink, id_ = bytes(range(16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"
    write_once(add_sink("acme", StoredAlertSink(sink, "slack", "Desk", b"{}", b"sealed"), 1))
    (listed,) = run("alerts", "sink", "list", "acme", "--json").json
    assert (listed["id"], listed["kind"], listed["name"]) == (id_, "slack", "Desk")
    assert run("alerts", "sink", "show", "acme", id_).json == listed
    assert run("alerts", "sink", "remove", "acme", id_).out == f"Removed sink {id_} of acme.\n"
    assert run("alerts", "sink", "show", "acme", id_).code == 1


def test_rules_are_set_from_a_file_and_reset(run: Commands, tmp_path: Path) -> None:
    defaults = run("alerts", "rules", "show", "acme").json
    (tmp_path / "rules.toml").write_text('tz = "America/Montreal"\n')
    assert run("alerts", "rules", "put", "acme", "rules.toml").out == "Stored the alert rules of acme.\n"
    assert run("alerts", "rules", "show", "acme").json == {**defaults, "tz": "America/Montreal"}
    (tmp_path / "rules.toml").write_text('tz = "Nowhere"\n')
    refused = run("alerts", "rules", "put", "acme", "rules.toml")
    assert (refused.code, "is not a time zone" in refused.err) == (2, True)
    missing = run("alerts", "rules", "put", "acme", "none.toml")
    assert (missing.code, "none.toml cannot be read" in missing.err) == (2, True)
    assert run("alerts", "rules", "reset", "acme").code == 0
    assert run("alerts", "rules", "show", "acme").json == defaults
