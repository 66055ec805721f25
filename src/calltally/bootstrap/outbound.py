"""Outgoing requests and job files: allowed destinations, mail, provider APIs and folders."""

from typing import Final

from calltally.bootstrap.vaults import open_vault
from calltally.net.addresses import parse_networks
from calltally.net.http_client import TIMEOUT_S, OutgoingPolicy
from calltally.net.mail import SendMail, send_mail
from calltally.reconcile.provider_reconciliation import ProviderContext
from calltally.settings.fields import Settings
from calltally.store.backends.open import sqlite_path
from calltally.store.db.interface import Store
from calltally.store.jobs.folders import JobFolders
from calltally.store.maintenance.erasure_ledger import SUFFIX, ErasureLedger

FILES_FOLDER: Final = "files"


def outgoing_policy(settings: Settings, timeout_s: float = TIMEOUT_S) -> OutgoingPolicy:
    """Return the policy for requests to URLs that tenants configure."""
    allowed = parse_networks(settings.outgoing_allow_networks or "")
    return OutgoingPolicy(settings.outgoing_allow_http, allowed, timeout_s)


def mail_sender(settings: Settings) -> SendMail:
    """Return the function that sends mail. The same destinations are allowed."""
    allowed = parse_networks(settings.outgoing_allow_networks or "")
    return lambda server, mail: send_mail(server, mail, allowed)


def provider_access(settings: Settings, store: Store) -> ProviderContext:
    return ProviderContext(store, lambda: open_vault(settings), settings.api_urls())


def erasure_ledger(settings: Settings) -> ErasureLedger | None:
    """Return the ledger of erasures; None on PostgreSQL without a configured file."""
    if settings.erasures_file is not None:
        return ErasureLedger(settings.erasures_file)
    database = sqlite_path(settings.database_url)
    return ErasureLedger(database.with_name(database.name + SUFFIX)) if database else None


def job_folders(settings: Settings) -> JobFolders | None:
    """Return the folders of job files; None without a configured folder and without a database file."""
    if settings.files_folder is not None:
        return JobFolders(settings.files_folder)
    database = sqlite_path(settings.database_url)
    return JobFolders(database.parent / FILES_FOLDER) if database else None
