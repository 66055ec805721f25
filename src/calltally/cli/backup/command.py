"""`calltally backup`: backups of the database and the secret key, and their check."""

import asyncio
import shutil
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.filesize import decimal

from calltally.bootstrap.clocks import wall_clock
from calltally.bootstrap.open_store import load_settings, opened_store
from calltally.bootstrap.vaults import KEY_FILE as LIVE_KEY_FILE
from calltally.calls.errors import InvalidInput
from calltally.calls.plurals import counted
from calltally.cli.backup.manifest import (
    DATABASE_FILES,
    KEY_FILE,
    POSTGRESQL,
    SQLITE,
    BackupManifest,
    file_faults,
    read_manifest,
    write_manifest,
)
from calltally.cli.console.options import AsJson
from calltally.cli.console.output import print_json, print_result
from calltally.settings.fields import Settings
from calltally.store.backends.open import sqlite_path
from calltally.store.backends.sqlite.online_copy import copy_online, integrity_faults, sync
from calltally.store.backends.sqlite.store import read_file
from calltally.store.maintenance.ledger_heads import TenantHead, admin_ledger_heads

commands: Final = typer.Typer(
    help="Back up the database and the secret key, and check backups.", no_args_is_help=True
)
BackupFolder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the backup.")]


@commands.command("create")
def create(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or empty folder.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Copy the state of one moment into a folder, while the service runs.

    The folder has the secret key of an SQLite database too, so only its owner can read it.
    """
    settings, began_us = load_settings(), wall_clock()
    _make_folder(folder)
    path = sqlite_path(settings.database_url)
    if path is not None:
        database, heads = SQLITE, _copy_sqlite(settings, path, folder)
    else:
        database, heads = POSTGRESQL, _dump_postgres(settings, folder)
    manifest = write_manifest(folder, database, heads=heads, began_us=began_us)
    print_result(manifest, lambda made: _print(made, folder), as_json=as_json)


@commands.command("verify")
def verify(folder: BackupFolder, *, as_json: AsJson = False) -> None:
    """Check that a backup is whole: its files, the structure of the database, and the ledgers.

    `calltally restore` and then `calltally verify` check every call too. The exit code is 1 with faults.
    """
    manifest = read_manifest(folder)
    faults = backup_faults(folder, manifest)
    if as_json:
        print_json({"faults": faults})
    for fault in faults:
        typer.echo(f"calltally: {fault}", err=True)
    if faults:
        raise typer.Exit(1)
    if not as_json:
        typer.echo(
            f"The backup of {manifest.created_at} is whole: {counted(len(manifest.ledgers), 'tenant')}."
        )


def backup_faults(folder: Path, manifest: BackupManifest) -> list[str]:
    """Return what is wrong with a backup: files first, since a changed database may not be readable."""
    database = folder / DATABASE_FILES[manifest.database]
    if faults := file_faults(folder, manifest):
        return faults
    if manifest.database == SQLITE:
        return integrity_faults(database)
    from calltally.store.backends.postgres.dump import dump_faults  # deferred: SQLite needs no driver

    return dump_faults(database)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as fault:
        raise InvalidInput.of("folder", f"{folder} cannot be used: {fault.strerror}") from fault
    if not is_empty:
        raise InvalidInput.of("folder", f"{folder} is not empty; name a new folder for each backup")
    folder.chmod(0o700)


def _copy_sqlite(settings: Settings, path: Path, folder: Path) -> list[TenantHead]:
    """Copy the file, then the key: a key that is made meanwhile is older than the secrets of the copy."""
    target = folder / DATABASE_FILES[SQLITE]
    copy_online(path, target)
    key = path.parent / LIVE_KEY_FILE
    if settings.secret_key is None and key.exists():
        shutil.copyfile(key, folder / KEY_FILE)
        (folder / KEY_FILE).chmod(0o600)
        sync(folder / KEY_FILE)
    heads = read_file(target, admin_ledger_heads())
    # Opening it to read made it a database with a WAL, whose files are empty again.
    for companion in ("-wal", "-shm"):
        target.with_name(target.name + companion).unlink(missing_ok=True)
    return heads


def _dump_postgres(settings: Settings, folder: Path) -> list[TenantHead]:
    """Dump the database. The heads are read before it, so the dump has at least these revisions."""
    from calltally.store.backends.postgres.dump import dump_database  # deferred: SQLite needs no driver

    async def read_heads() -> list[TenantHead]:
        async with opened_store(settings, wall_clock) as store:
            return await store.read(admin_ledger_heads())

    heads = asyncio.run(read_heads())
    dump_database(settings.database_url, folder / DATABASE_FILES[POSTGRESQL])
    return heads


def _print(made: BackupManifest, folder: Path) -> None:
    size = decimal(sum(each.bytes for each in made.files))
    tenants = counted(len(made.ledgers), "tenant")
    typer.echo(f"{folder}: {tenants}, {size}, all commits until {made.created_at}")
    if not made.has_key:
        typer.echo(
            "The secret key is not in it: keep CALLTALLY_SECRET_KEY with your other secrets.", err=True
        )
