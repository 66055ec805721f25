"""Checks of an installation: facts in, findings out."""

from typing import Any, Final

import pytest

from calltally.calls.times import DAY_US, SECOND_US
from calltally.doctor.checks import CHECKS, DoctorFinding, examine
from calltally.doctor.facts import ConnectionLimits, Disk, Facts, Growth, OpenFile, ProviderContact

NOW_US: Final = 1_795_000_000 * SECOND_US
GIB: Final = 1 << 30
MIB: Final = 1 << 20
FINE: Final[dict[str, Any]] = {
    "now_us": NOW_US,
    "database": "SQLite",
    "other_clocks": {"the database": NOW_US - 2 * SECOND_US},
    "disks": [Disk("var", 100 * GIB)],
    "wal_bytes": 100 * MIB,
    "connections": ConnectionLimits(97, 20, 9),
    "public_url": "https://calls.example.com",
    "providers": [ProviderContact("acme", "twilio", NOW_US - DAY_US)],
    "growth": Growth(10 * GIB, 1_000_000, 70_000),
}
WRONG: Final = ProviderContact("acme", "twilio", NOW_US, wrong_signatures=7)
FINDINGS: Final[list[tuple[str, dict[str, Any], str, str]]] = [
    (
        "schema",
        {"schema_fault": "it is at 0022"},
        "does not fit this version: it is at 0022.",
        "calltally migrate",
    ),
    ("schema", {"tenants_to_refold": list("abcdefg")}, "for a, b, c, d, e and 2 more.", "continues"),
    ("secrets", {"secret_faults": ["twilio of acme"]}, "decrypted: twilio of acme.", "FORMER_SECRET_KEY"),
    ("writes", {"write_fault": "read-only"}, "no writes: read-only.", "Make it writable"),
    ("writes", {"tables_without_rights": ["calls"]}, "lacks rights on calls.", "GRANT SELECT"),
    ("workers", {"missing_worker": "No worker"}, "no background worker reports", "calltally worker"),
    ("clock", {"other_clocks": {"twilio": NOW_US + 9 * SECOND_US}}, "is 9 s behind twilio.", "Synchronise"),
    ("clock", {"other_clocks": {"twilio": NOW_US - 6 * SECOND_US}}, "is 6 s ahead of twilio.", "Synchronise"),
    (
        "disk",
        {"disks": [Disk("var", 900 * MIB)], "growth": None},
        "of var has 900 MiB left.",
        "enlarge the disk",
    ),
    ("disk", {"disks": [Disk("var", 2 * GIB)]}, "full on 2026-12-08.", "calltally tenant retention"),
    ("write-ahead log", {"wal_bytes": 600 * MIB}, "has 600 MiB.", "calltally backup create"),
    (
        "file modes",
        {"open_files": [OpenFile("var/secret.key", 0o644)]},
        "(mode 644).",
        "chmod go= var/secret.key",
    ),
    ("indexes", {"missing_indexes": {"calls_to": "CREATE INDEX x"}}, "calls_to is missing", "CREATE INDEX x"),
    ("connections", {"connections": ConnectionLimits(97, 90, 9)}, "others use 90", "max_connections"),
    (
        "signatures",
        {"providers": [WRONG]},
        "7 callbacks of twilio (tenant acme)",
        "callback URL at the provider",
    ),
    (
        "signatures",
        {"providers": [WRONG._replace(provider="vapi")]},
        "7 callbacks of vapi",
        "Store the secret again with `calltally provider put acme vapi`.",
    ),
    (
        "silent providers",
        {"providers": [ProviderContact("acme", "bland")]},
        "arrived yet.",
        "provider remove",
    ),
    (
        "silent providers",
        {"providers": [ProviderContact("acme", "bland", NOW_US - 8 * DAY_US)]},
        "No callback of bland (tenant acme) has arrived since 2026-11-10.",
        "Check the callback URL",
    ),
]


def findings(**facts: Any) -> list[DoctorFinding]:  # noqa: ANN401 (fields of every type)
    return examine(Facts(**{**FINE, **facts})).findings


def test_an_installation_without_faults_passes_every_check() -> None:
    found = examine(Facts(**FINE))
    assert (found.findings, found.passed) == ([], list(CHECKS))
    assert (found.database_bytes, found.bytes_a_day) == (10 * GIB, round(GIB / 10))
    assert found.disk_full_at == "2029-08-14T11:06:40.000000Z"


@pytest.mark.parametrize(("check", "facts", "what", "remedy"), FINDINGS)
def test_each_finding_has_a_remedy(check: str, facts: dict[str, Any], what: str, remedy: str) -> None:
    [found] = findings(**facts)
    assert found.check == check
    assert what in found.what
    assert remedy in found.remedy
    assert found.why.endswith((".", "No worker"))
    assert check not in examine(Facts(**{**FINE, **facts})).passed


def test_every_check_has_an_example() -> None:
    assert {check for check, *_ in FINDINGS} == set(CHECKS)


def test_the_url_that_signatures_were_made_over_is_named() -> None:
    [configured] = findings(providers=[WRONG])
    assert configured.why.endswith("CALLTALLY_PUBLIC_URL is https://calls.example.com.")
    [by_request] = findings(providers=[WRONG], public_url=None)
    assert by_request.why.endswith(
        "CALLTALLY_PUBLIC_URL is not set, so that the URL of each request is used."
    )


def test_growth_that_cannot_fill_the_disk_has_no_day() -> None:
    unlike: dict[str, Any]
    for unlike in (
        {"growth": Growth(GIB, 10, 0)},
        {"growth": Growth(0, 0, 0)},
        {"disks": []},
        {"growth": None},
    ):
        assert examine(Facts(**{**FINE, **unlike})).disk_full_at is None
