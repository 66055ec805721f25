"""`calltally restore`: a database from a backup, with new epochs."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings
from calltally.bootstrap.outbound import erasure_ledger
from calltally.bootstrap.vaults import KEY_FILE as LIVE_KEY_FILE
from calltally.bootstrap.vaults import check_secrets
from calltally.calls.errors import InvalidInput, Misconfigured
from calltally.calls.plurals import counted
from calltally.cli.backup.command import BackupFolder, backup_faults
from calltally.cli.backup.erasures import apply_erasures
from calltally.cli.backup.manifest import DATABASE_FILES, KEY_FILE, SQLITE, BackupManifest, read_manifest
from calltally.cli.console.options import AsJson
from calltally.cli.console.output import print_rows
from calltally.cli.console.session import with_store
from calltally.cli.migrate import migrate_to_head
from calltally.settings.fields import Settings
from calltally.store.backends.open import open_store, schema_of, sqlite_path
from calltally.store.backends.schema import HEAD
from calltally.store.backends.sqlite.online_copy import copy_online, sync
from calltally.store.maintenance.erasure_ledger import ErasureLedger, RecordedErasure
from calltally.store.maintenance.ledger_heads import admin_ledger_heads
from calltally.store.maintenance.new_epoch import NewEpoch, start_epoch
from calltally.store.tenants.tenants import new_epoch

_DRAFT: Final = ".restoring"
_COPY: Final = "-copy"


def restore(
    folder: BackupFolder,
    *,
    erasures: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="The ledger of erasures. Default: that of the configured database.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into the configured database, which must not exist yet, or be empty.

    Each ledger gets a new epoch: clients that know later commits than the backup has get 410, and start
    again. Calls that were erased after the backup are erased again, by the ledger of erasures.
    """
    settings, manifest = load_settings(), read_manifest(folder)
    recorded = _recorded_erasures(settings, erasures)
    _check(settings, folder, manifest)
    _restore_key(settings, folder, manifest)
    source = folder / DATABASE_FILES[manifest.database]
    epochs, applied = _restore_database(settings, source, recorded or [])
    with_store(lambda store, opened: check_secrets(opened, store))
    print_rows(epochs, as_json=as_json)
    if not as_json:
        _print_next(manifest)
    if recorded is None:
        typer.echo("No ledger of erasures was found: erase again what was erased since.", err=True)
    else:
        typer.echo(f"{counted(applied, 'later erasure was', 'later erasures were')} applied.", err=True)


def _recorded_erasures(settings: Settings, given: Path | None) -> list[RecordedErasure] | None:
    """Return the recorded erasures, or None without a ledger. Those of another file are added to ours."""
    ledger = erasure_ledger(settings)
    own = ledger.read() if ledger is not None and ledger.path.exists() else None
    if given is None or (ledger is not None and ledger.path.absolute() == given.absolute()):
        return own
    others = ErasureLedger(given).read()
    if ledger is not None:
        ledger.path.parent.mkdir(parents=True, exist_ok=True)
        # The next restore of this backup needs them again.
        ledger.add([each for each in others if each not in (own or ())])
    return [*others, *(own or ())]


def _check(settings: Settings, folder: Path, manifest: BackupManifest) -> None:
    """Raise unless the backup is whole, of this kind of database, and the target is free."""
    path = sqlite_path(settings.database_url)
    if (manifest.database == SQLITE) is not (path is not None):
        message = f"the backup is of {manifest.database}, and CALLTALLY_DATABASE_URL names another database"
        raise Misconfigured(message)
    if manifest.schema > HEAD:
        message = (
            f"the backup is of Calltally {manifest.calltally}, and this version is older: upgrade it first"
        )
        raise Misconfigured(message)
    if faults := backup_faults(folder, manifest):
        raise InvalidInput.of("folder", f"the backup is damaged: {'; '.join(faults)}")
    taken = _taken_file(path) if path is not None else _taken_database(settings.database_url)
    if taken:
        raise Misconfigured(f"{taken}. Move it away first, or set CALLTALLY_DATABASE_URL to a new one")


def _taken_file(path: Path) -> str:
    """Return why the path is not free. A WAL of another file would be applied to the restored one."""
    companions = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    return next((f"{each} exists" for each in companions if each.exists()), "")


def _taken_database(url: str) -> str:
    if asyncio.run(schema_of(url, wall_clock)) is None:
        return ""
    database = "the database of CALLTALLY_DATABASE_URL"
    return f"{database} has tables of Calltally (empty it, if they are of an interrupted restore)"


def _restore_key(settings: Settings, folder: Path, manifest: BackupManifest) -> None:
    """Restore the key file, unless a key is set. Raises Misconfigured for a file with another key."""
    path = sqlite_path(settings.database_url)
    if path is None or settings.secret_key is not None or not manifest.has_key:
        return
    target, stored = path.parent / LIVE_KEY_FILE, (folder / KEY_FILE).read_bytes()
    if target.exists():
        if target.read_bytes() != stored:
            raise Misconfigured(f"{target} is another key than that of the backup. Move it away first")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _draft(folder / KEY_FILE, target).rename(target)


def _restore_database(
    settings: Settings, source: Path, erasures: Sequence[RecordedErasure]
) -> tuple[list[NewEpoch], int]:
    """Restore the database, begin its new epochs, migrate it and apply the erasures that it lacks.

    An SQLite file gets its name last, so an interrupted restore leaves no database with the former epochs,
    and none with erased calls.
    """
    path = sqlite_path(settings.database_url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = _draft(source, path)
        drafted = settings.model_copy(update={"database_url": f"sqlite:///{draft}"})
        epochs, applied = _complete(drafted, erasures)
        if applied:
            draft = _without_free_pages(draft)
        sync(draft)
        draft.rename(path)
        return epochs, applied
    from calltally.store.backends.postgres.dump import restore_database  # deferred: SQLite needs no driver

    restore_database(settings.database_url, source)
    return _complete(settings, erasures)


def _complete(settings: Settings, erasures: Sequence[RecordedErasure]) -> tuple[list[NewEpoch], int]:
    epochs = asyncio.run(_begin_epochs(settings.database_url))
    migrate_to_head(settings)
    apply = partial(apply_erasures, erasures=erasures, now_us=wall_clock())
    return epochs, with_store(lambda store, _settings: apply(store), settings)


def _without_free_pages(draft: Path) -> Path:
    """Replace a draft by its copy: SQLite keeps the bytes of deleted rows in free pages."""
    copy = draft.with_name(draft.name + _COPY)
    copy.unlink(missing_ok=True)
    copy_online(draft, copy)
    for suffix in ("", "-wal", "-shm"):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)
    return copy


def _draft(source: Path, target: Path) -> Path:
    """Return a synced copy beside the target, readable by its owner alone."""
    draft = target.with_name(target.name + _DRAFT)
    # A WAL that an interrupted restore left behind would be applied to this copy.
    for suffix in ("", "-wal", "-shm"):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file, source.open("rb") as read:
        shutil.copyfileobj(read, file)
    sync(draft)
    return draft


async def _begin_epochs(url: str) -> list[NewEpoch]:
    """Begin the epochs before the migration, so that no node serves the former ones meanwhile."""
    store = open_store(url, wall_clock)
    try:
        heads = await store.read(admin_ledger_heads())
        return [await store.write(start_epoch(head.tenant, new_epoch())) for head in heads]
    finally:
        await store.close()


def _print_next(manifest: BackupManifest) -> None:
    command = f"calltally reconcile --tenant TENANT --provider PROVIDER --from {manifest.created_at[:10]}"
    typer.echo(
        f"Commits after {manifest.created_at} are missing. Check the others with `calltally verify`."
        f" Record missing calls again from each provider's list with `{command} --to TOMORROW --heal`.",
        err=True,
    )
