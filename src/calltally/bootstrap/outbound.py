"""Where things lie and may go: files of jobs, requests to places that others named, lists of providers."""

from typing import Final

from calltally.bootstrap.vaults import open_vault
from calltally.net.addresses import parse_networks
from calltally.net.http_client import TIMEOUT_S, OutgoingPolicy
from calltally.net.mail import SendMail, send_mail
from calltally.reconcile.provider_reconciliation import Place
from calltally.settings import Settings
from calltally.store.backends.open import sqlite_path
from calltally.store.db.interface import Store
from calltally.store.jobs.folders import JobFolders

FILES_FOLDER: Final = "files"


def outgoing_policy(settings: Settings, timeout_s: float = TIMEOUT_S) -> OutgoingPolicy:
    """Where requests may go that tenants named."""
    allowed = parse_networks(settings.outgoing_allow_networks or "")
    return OutgoingPolicy(settings.outgoing_allow_http, allowed, timeout_s)


def mail_sender(settings: Settings) -> SendMail:
    """Mail goes to the same places."""
    allowed = parse_networks(settings.outgoing_allow_networks or "")
    return lambda server, mail: send_mail(server, mail, allowed)


def provider_place(settings: Settings, store: Store) -> Place:
    """From where providers are asked what they know."""
    return Place(store, lambda: open_vault(settings), settings.api_urls())


def job_folders(settings: Settings) -> JobFolders | None:
    """Where the files of jobs lie; None where nobody said so and there is no database file to be beside."""
    if settings.files_folder is not None:
        return JobFolders(settings.files_folder)
    database = sqlite_path(settings.database_url)
    return JobFolders(database.parent / FILES_FOLDER) if database else None
