"""Vault of the configured keys, or of a key file beside the SQLite database."""

import os
import secrets
from base64 import b64encode
from pathlib import Path
from typing import Final

from calltally.calls.errors import Misconfigured
from calltally.settings.checks import SECRET_KEY_BYTES, decode_secret_key
from calltally.settings.fields import Settings, secret_text
from calltally.store.backends.open import holds_secrets, sqlite_path
from calltally.store.db.interface import Store
from calltally.store.maintenance.key_rotation import failing_secrets, newest_secrets
from calltally.store.tenants.vault import Vault

KEY_FILE: Final = "secret.key"


def open_vault(settings: Settings) -> Vault:
    """Open the vault of the configured keys. SQLite without stored secrets gets a new key file.

    Raises Misconfigured for PostgreSQL without a key, since all its processes need the same one, and if the
    key of stored secrets is missing.
    """
    given = secret_text(settings.secret_key) or _key_of_file(sqlite_path(settings.database_url))
    former = secret_text(settings.former_secret_key)
    return Vault(decode_secret_key(given), decode_secret_key(former) if former else None)


async def check_secrets(settings: Settings, store: Store) -> None:
    """Raise Misconfigured if no stored secret can be decrypted; log those that cannot if others can."""
    from calltally.logs import get_logger  # deferred: commands that make keys log nothing

    stored = await store.read(newest_secrets())
    for fault in failing_secrets(open_vault(settings), stored) if stored else ():
        get_logger(__name__).warning("a stored secret cannot be decrypted", reason=fault)


def _key_of_file(database: Path | None) -> str:
    if database is None:
        message = (
            "set CALLTALLY_SECRET_KEY, the same for every process of this database; "
            "make one with: openssl rand -base64 32"
        )
        raise Misconfigured(message)
    path = database.parent / KEY_FILE
    if not path.exists():
        _refuse_to_replace(path, database)
        _make_key(path)
    text = path.read_text(encoding="ascii", errors="replace")
    try:
        decode_secret_key(text)
    except ValueError as fault:
        message = f"{path} does not contain a valid secret key: {fault}"
        raise Misconfigured(message) from fault
    return text


def _refuse_to_replace(path: Path, database: Path) -> None:
    """Raise Misconfigured where secrets are stored: a new key would open none of them."""
    if holds_secrets(database):
        message = (
            f"{path} is missing, and {database} holds secrets that were encrypted with it. Restore it from"
            " the backup of the database, or set CALLTALLY_SECRET_KEY to the text that it held. If it is lost"
            f" for good, make a new key with `openssl rand -base64 32 > {path}`, and store the providers'"
            " secrets again with `calltally provider put`"
        )
        raise Misconfigured(message)


def _make_key(path: Path) -> None:
    """Write a new key file atomically. If two processes do so at once, one of them wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(b64encode(secrets.token_bytes(SECRET_KEY_BYTES)) + b"\n")
        file.flush()
        # Losing the key in a power cut would make every secret sealed with it unreadable.
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
