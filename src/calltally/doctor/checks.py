"""Checks of an installation: pure functions from facts to findings, in the order in which they are listed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from calltally import __version__
from calltally.calls.times import DAY_US, SECOND_US, utc_text
from calltally.calls.wire_types import Timestamp
from calltally.doctor.facts import Facts
from calltally.providers.registry import registered_name

# Signed times of callbacks are accepted for a few minutes, and alerts date calls to the minute.
_MAX_CLOCK_DIFFERENCE_US: Final = 5 * SECOND_US
_MIN_FREE_BYTES: Final = 1 << 30
# Above the size at which the service itself waits for a checkpoint.
_MAX_WAL_BYTES: Final = 512 << 20
_MIN_LEFT_US: Final = 30 * DAY_US
_MAX_DAYS: Final = 3_650
_MAX_SILENT_US: Final = 7 * DAY_US
_MAX_TABLES: Final = 5
# Providers that sign the URL which they call.
_SIGN_URLS: Final = frozenset({"plivo", "signalwire", "twilio", "vonage"})


class DoctorFinding(msgspec.Struct, frozen=True):
    """A finding of a check: what happened, why it matters or what caused it, and what to do."""

    check: str
    what: str
    why: str
    remedy: str


class Examination(msgspec.Struct, frozen=True):
    """All findings of one moment, and the names of the checks without one.

    `bytes_a_day` is the growth by the calls of the last week. It fills the disk at `disk_full_at`, which is
    null if it is far off, or if the disk is not that of this machine.
    """

    at: Timestamp
    version: str
    database: str
    database_bytes: int | None
    bytes_a_day: int | None
    disk_full_at: Timestamp | None
    findings: list[DoctorFinding]
    passed: list[str]


Check: TypeAlias = Callable[[Facts], Iterator[tuple[str, str, str]]]


def examine(facts: Facts) -> Examination:
    """Run all checks."""
    findings = [DoctorFinding(name, *each) for name, check in CHECKS.items() for each in check(facts)]
    failed = {each.check for each in findings}
    full_us, growth = _disk_full_us(facts), facts.growth
    return Examination(
        at=utc_text(facts.now_us),
        version=__version__,
        database=facts.database,
        database_bytes=growth.bytes if growth else None,
        bytes_a_day=round(growth.bytes_a_day) if growth else None,
        disk_full_at=utc_text(full_us) if full_us else None,
        findings=findings,
        passed=[name for name in CHECKS if name not in failed],
    )


def _disk_full_us(facts: Facts) -> int | None:
    """Return the time at which the growth fills the disk; None without growth, or in more than ten years."""
    if facts.growth is None or not facts.disks or not facts.growth.bytes_a_day:
        return None
    days = facts.disks[0].free_bytes / facts.growth.bytes_a_day
    return facts.now_us + int(days * DAY_US) if days < _MAX_DAYS else None


def _schema(facts: Facts) -> Iterator[tuple[str, str, str]]:
    if facts.schema_fault:
        yield (
            f"The database does not fit this version: {facts.schema_fault}.",
            "Calltally refuses to work on a schema that it does not know. Other checks of the database wait.",
            "Run `calltally migrate`, or upgrade Calltally where its version is the older one.",
        )
    if facts.tenants_to_refold:
        yield (
            f"A migration is not finished for {_listed(facts.tenants_to_refold)}.",
            "It was interrupted, so some calls have the fields of the earlier version.",
            "Run `calltally migrate` again. It continues where it was.",
        )


def _secrets(facts: Facts) -> Iterator[tuple[str, str, str]]:
    for fault in facts.secret_faults:
        yield (
            f"A stored secret cannot be decrypted: {fault}.",
            "It was encrypted with another secret key. Callbacks of its provider, or deliveries, fail.",
            "Restore the key, or set CALLTALLY_FORMER_SECRET_KEY to it. Else store the secret anew.",
        )


def _writes(facts: Facts) -> Iterator[tuple[str, str, str]]:
    if facts.write_fault:
        yield (
            f"The database accepts no writes: {facts.write_fault}.",
            "It may be read-only, a standby, locked by another program, or its disk may be full.",
            "Make it writable: no callback is recorded meanwhile. Providers repeat most of them for a while.",
        )
    if facts.tables_without_rights:
        yield (
            f"The database user lacks rights on {_listed(facts.tables_without_rights)}.",
            "Each request that needs one of these tables fails.",
            "As its owner, GRANT SELECT, INSERT, UPDATE, DELETE on these tables to the user.",
        )


def _workers(facts: Facts) -> Iterator[tuple[str, str, str]]:
    if facts.missing_worker:
        yield (
            "Due work waits, and no background worker reports.",
            facts.missing_worker,
            "Start `calltally worker`, or run `calltally serve` without --no-worker.",
        )


def _clock(facts: Facts) -> Iterator[tuple[str, str, str]]:
    for name, other_us in facts.other_clocks.items():
        difference_us = facts.now_us - other_us
        if abs(difference_us) > _MAX_CLOCK_DIFFERENCE_US:
            direction = "ahead of" if difference_us > 0 else "behind"
            yield (
                f"The clock of this machine is {abs(difference_us) / SECOND_US:.0f} s {direction} {name}.",
                "Signed times can be refused as too old, and times of a call from several machines disagree.",
                "Synchronise the clocks of all machines, for example with chrony or systemd-timesyncd.",
            )


def _disk(facts: Facts) -> Iterator[tuple[str, str, str]]:
    for disk in facts.disks:
        if disk.free_bytes < _MIN_FREE_BYTES:
            yield (
                f"The disk of {disk.folder} has {_mib(disk.free_bytes)} left.",
                "On a full disk no callback is recorded.",
                "Free space or enlarge the disk. A shorter retention frees pages of the file for new calls.",
            )
    full_us = _disk_full_us(facts)
    if full_us is not None and facts.growth is not None and full_us < facts.now_us + _MIN_LEFT_US:
        yield (
            f"The disk of {facts.disks[0].folder} will be full on {utc_text(full_us)[:10]}.",
            f"The database grows by {_mib(facts.growth.bytes_a_day)} a day, by the calls of the last week.",
            "Enlarge the disk, or set a retention with `calltally tenant retention`.",
        )


def _wal(facts: Facts) -> Iterator[tuple[str, str, str]]:
    if facts.wal_bytes is not None and facts.wal_bytes > _MAX_WAL_BYTES:
        yield (
            f"The write-ahead log of the database has {_mib(facts.wal_bytes)}.",
            "Another program reads the file in one long transaction, or checkpoints fail (see the log).",
            "End that program. For long reads, copy the database with `calltally backup create`.",
        )


def _files(facts: Facts) -> Iterator[tuple[str, str, str]]:
    for each in facts.open_files:
        yield (
            f"Other users of this machine can use {each.path} (mode {each.mode:o}).",
            "It contains calls, or the key that opens the stored secrets.",
            f"Run `chmod go= {each.path}` as its owner.",
        )


def _indexes(facts: Facts) -> Iterator[tuple[str, str, str]]:
    for name, create in facts.missing_indexes.items():
        yield (
            f"The index {name} is missing or not valid.",
            "Requests that need it read whole tables, and fail on SQLite. Somebody removed it by hand.",
            f"Drop what is left of it, then run this statement on the database: {create}",
        )


def _connections(facts: Facts) -> Iterator[tuple[str, str, str]]:
    limits = facts.connections
    if limits is not None and limits.in_use + limits.by_node > limits.accepted:
        used = f"others use {limits.in_use}, and this node opens up to {limits.by_node}"
        yield (
            f"PostgreSQL accepts {limits.accepted} connections, {used}.",
            "This node, or a further one, may get no connection under load.",
            "Raise max_connections of PostgreSQL, or lower CALLTALLY_DATABASE_CONNECTIONS.",
        )


def _signatures(facts: Facts) -> Iterator[tuple[str, str, str]]:
    url = facts.public_url or "not set, so that the URL of each request is used"
    for each in facts.providers:
        if not each.wrong_signatures:
            continue
        why, remedy = "The stored secret is not that of the provider, or somebody forges callbacks.", ""
        if registered_name(each.provider) in _SIGN_URLS:
            why = f"It signs the URL that it calls. CALLTALLY_PUBLIC_URL is {url}."
            remedy = (
                "Compare it with the callback URL at the provider: scheme, host, port, path. If they agree: "
            )
        yield (
            f"{each.wrong_signatures} callbacks of {each.name} had a wrong signature in 24 hours.",
            why,
            f"{remedy}Store the secret again with `calltally provider put {each.tenant} {each.provider}`.",
        )


def _silence(facts: Facts) -> Iterator[tuple[str, str, str]]:
    for each in facts.providers:
        if each.received_us is None:
            when = "has arrived yet"
        elif facts.now_us - each.received_us > _MAX_SILENT_US:
            when = f"has arrived since {utc_text(each.received_us)[:10]}"
        else:
            continue
        unused = f"If it is not used, run `calltally provider remove {each.tenant} {each.provider}`."
        yield (
            f"No callback of {each.name} {when}.",
            "Its secrets are stored, but it does not call, or its callbacks do not reach this service.",
            f"Check the callback URL at the provider, and the proxy in front. {unused}",
        )


CHECKS: Final[Mapping[str, Check]] = {
    "schema": _schema,
    "secrets": _secrets,
    "writes": _writes,
    "workers": _workers,
    "clock": _clock,
    "disk": _disk,
    "write-ahead log": _wal,
    "file modes": _files,
    "indexes": _indexes,
    "connections": _connections,
    "signatures": _signatures,
    "silent providers": _silence,
}


def _listed(names: Sequence[str]) -> str:

    more = len(names) - _MAX_TABLES
    return ", ".join(names[:_MAX_TABLES]) + (f" and {more} more" if more > 0 else "")


def _mib(size_bytes: float) -> str:
    return f"{size_bytes / (1 << 20):,.0f} MiB"
