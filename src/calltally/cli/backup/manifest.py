"""Manifest of a backup: its files with their digests, and the ledgers that it has.

It is written last, so a folder without one is an unfinished backup.
"""

from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Final

import msgspec

from calltally import __version__
from calltally.calls.errors import InvalidInput
from calltally.calls.times import utc_text
from calltally.store.backends.schema import HEAD
from calltally.store.maintenance.ledger_heads import TenantHead

MANIFEST: Final = "manifest.json"
SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
DATABASE_FILES: Final = {SQLITE: "calltally.db", POSTGRESQL: "calltally.dump"}
KEY_FILE: Final = "secret.key"
_FORMAT: Final = 1


class BackupFile(msgspec.Struct, frozen=True):
    """A file of the backup."""

    name: str
    bytes: int
    sha256: str


class LedgerInBackup(msgspec.Struct, frozen=True):
    """A tenant's ledger in the backup: all its commits up to this revision, and perhaps later ones."""

    tenant: str
    epoch: str
    revision: int


class BackupManifest(msgspec.Struct, frozen=True):
    """Contents of a backup. The backup has every commit from before `created_at`."""

    format: int
    created_at: str
    calltally: str
    schema: str
    database: str
    ledgers: Sequence[LedgerInBackup]
    files: Sequence[BackupFile]

    @property
    def has_key(self) -> bool:
        """True if the backup has the secret key; else it is in CALLTALLY_SECRET_KEY."""
        return any(each.name == KEY_FILE for each in self.files)


def write_manifest(
    folder: Path, database: str, *, heads: Sequence[TenantHead], began_us: int
) -> BackupManifest:
    """Write the manifest of the files in a folder, and return it."""
    manifest = BackupManifest(
        format=_FORMAT,
        created_at=utc_text(began_us),
        calltally=__version__,
        schema=HEAD,
        database=database,
        ledgers=[LedgerInBackup(*head) for head in heads],
        files=[described(path) for path in sorted(folder.iterdir())],
    )
    path = folder / MANIFEST
    path.touch(mode=0o600)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    return manifest


def read_manifest(folder: Path) -> BackupManifest:
    """Return the manifest of a backup. Raises InvalidInput if the folder is no whole backup."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=BackupManifest)
    except FileNotFoundError as fault:
        message = f"{folder} has no {MANIFEST}: it is no backup of Calltally, or one that was interrupted"
        raise InvalidInput.of("folder", message) from fault
    except (OSError, msgspec.DecodeError) as fault:
        raise InvalidInput.of("folder", f"{path} cannot be read: {fault}") from fault
    if manifest.format != _FORMAT:
        message = f"{path} has format {manifest.format}; this version reads {_FORMAT}. Upgrade Calltally"
        raise InvalidInput.of("folder", message)
    return manifest


def described(path: Path) -> BackupFile:
    """Return the size and the digest of a file."""
    with path.open("rb") as file:
        return BackupFile(path.name, path.stat().st_size, file_digest(file, "sha256").hexdigest())


def file_faults(folder: Path, manifest: BackupManifest) -> list[str]:
    """Return the files that are missing or changed."""
    faults = []
    for each in manifest.files:
        path = folder / each.name
        if not path.is_file():
            faults.append(f"{each.name} is missing")
        elif described(path) != each:
            faults.append(f"{each.name} has changed since the backup")
    return faults
