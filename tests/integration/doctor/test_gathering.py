"""Facts of a real installation on each database, and the findings that come of them."""

from base64 import b64encode
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from calltally.bootstrap.examination import examine_installation
from calltally.calls.times import DAY_US
from calltally.doctor.checks import CHECKS, Examination
from calltally.settings.fields import Settings
from calltally.store.backends.open import sqlite_path
from calltally.store.tenants.dead_letters import record_failures
from calltally.store.tenants.vault import Vault, put_provider_secrets, record_receipt
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.store.probing import direct, submit
from tests.sample_facts import own

KEY = b"k" * 32


def settings_of(bench: Bench) -> Settings:
    given: dict[str, Any] = {"database_url": bench.url, "secret_key": b64encode(KEY).decode()}
    return Settings(**given)


def examined(bench: Bench) -> Examination:
    """Examine as `calltally doctor` does, without its clock: the clock of the bench is another one."""
    found = bench.run(examine_installation(settings_of(bench), bench.store, bench.now_us))
    findings = [each for each in found.findings if each.check != "clock"]
    passed = [name for name in CHECKS if name not in {each.check for each in findings}]
    return replace(found, findings=findings, passed=passed)


def close_files(bench: Bench) -> None:
    """Give the files of the template the mode of files that `calltally migrate` makes."""
    if (path := sqlite_path(bench.url)) is not None:
        for each in path.parent.iterdir():
            each.chmod(0o600)


def test_a_fresh_installation_has_no_finding(bench: Bench) -> None:
    close_files(bench)
    found = examined(bench)
    assert (found.findings, found.passed) == ([], list(CHECKS))
    assert (found.bytes_a_day, found.disk_full_at) == (0, None)
    assert (found.database_bytes or 0) > 100_000
    assert found.database == "SQLite" or found.database.startswith("PostgreSQL ")


def test_growth_is_that_of_the_last_week(bench: Bench) -> None:
    submit(bench, *(own(number, f"call-{number}", status="completed") for number in range(7)))
    bench.now_us = NOW_US - NOW_US % DAY_US
    assert examined(bench).bytes_a_day == 0
    recent = examine_installation(settings_of(bench), bench.store, 1_790_000_000_000_000 + DAY_US)
    found = bench.run(recent)
    assert found.bytes_a_day == round((found.database_bytes or 0) / 7)


def test_faults_of_a_database_are_found(bench: Bench) -> None:
    close_files(bench)
    write = bench.store.write
    for operation in (
        put_provider_secrets(
            TENANT, "twilio", Vault(b"o" * 32).seal(TENANT, "twilio", {"auth_token": "t"}), 1
        ),
        put_provider_secrets(TENANT, "vapi", b"damaged", 2),
        record_receipt((TENANT, "vapi"), bench.now_us - 9 * DAY_US),
        record_failures((TENANT, "twilio"), 3, bench.now_us),
    ):
        bench.run(write(operation))
    with direct(bench.url) as db:
        db("DROP INDEX calls_to")
        db("INSERT INTO refolds (tenant, after_id) VALUES (?, ?)", TENANT, b"")
    found = examined(bench)
    assert [each.check for each in found.findings] == [
        *("schema", "secrets", "indexes", "signatures", "silent providers", "silent providers")
    ]
    assert "is not finished for acme" in found.findings[0].what
    assert "no stored secret can be decrypted with the secret key" in found.findings[1].what
    assert found.findings[2].remedy.endswith("WHERE to_number IS NOT NULL;")
    with direct(bench.url) as db:
        db(found.findings[2].remedy.partition("database: ")[2])
    assert "indexes" in examined(bench).passed


def test_another_schema_ends_the_checks_of_the_contents(bench: Bench) -> None:
    close_files(bench)
    with direct(bench.url) as db:
        db("UPDATE alembic_version SET version_num = '0022'")
    [found] = examined(bench).findings
    assert "does not fit this version: the schema is at version 0022" in found.what


def test_open_files_and_a_database_without_writes_are_found(bench: Bench) -> None:
    path = sqlite_path(bench.url)
    close_files(bench)
    if path is None:
        with direct(bench.url) as db:
            db("ALTER TABLE schema_support RENAME TO other_support")
            db("CREATE VIEW schema_support AS SELECT 'x'::text || '' AS oldest")
        assert "writes" not in examined(bench).passed
        return
    Path(f"{path.parent}/secret.key").touch(mode=0o600)
    Path(f"{path.parent}/secret.key").chmod(0o640)
    path.chmod(0o604)
    modes = [each.what.rpartition(" (")[2] for each in examined(bench).findings]
    assert modes == ["mode 604).", "mode 640)."]
