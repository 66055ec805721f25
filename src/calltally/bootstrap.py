"""The one place that puts the parts together: settings, store, keys, limits, application."""

import asyncio
import os
import secrets
import signal
import socket
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic import SecretStr

from calltally import __version__
from calltally.alerts.judging import Judge
from calltally.alerts.rate_detectors import RateDetectors
from calltally.alerts.telling import Teller, Ways
from calltally.calls.errors import Misconfigured
from calltally.calls.times import DAY_US, SECOND_US
from calltally.deliveries.means import UNCOUNTED, Sending, Tally
from calltally.exports.job import ExportRunner
from calltally.net.addresses import networks
from calltally.net.mail import send_mail
from calltally.net.outgoing import TIMEOUT_S, Outgoing, Policy
from calltally.reconcile.jobs.runner import ReconciliationRunner
from calltally.reconcile.open_word import ask_about
from calltally.reconcile.provider_question import Place
from calltally.settings import SECRET_KEY_BYTES, BadSetting, Settings, decode_secret_key, read_settings
from calltally.shared import Member
from calltally.store.job_folders import JobFolders
from calltally.store.jobs import Kind
from calltally.store.opening import check_schema, open_store, sqlite_path
from calltally.store.options import PostgresOptions
from calltally.store.secrets import Vault
from calltally.store.steps import Clock
from calltally.store.store import Store, WatchedStore
from calltally.web.app import create_app
from calltally.web.auth import KeyRing
from calltally.web.beside import WithWork
from calltally.web.crew_metrics import CrewMetrics
from calltally.web.limits import RateLimits
from calltally.web.metrics import Metrics
from calltally.web.parts import Parts, SendMail
from calltally.worker.background import Background
from calltally.worker.means import AlertMeans, Means

KEY_FILE: Final = "secret.key"
FILES_FOLDER: Final = "files"
_HOUR_US: Final = 3600 * SECOND_US
_ATTEND_S: Final = 1.0

Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]


class Service(NamedTuple):
    """A service that can be served. The application closes the store when its server stops."""

    settings: Settings
    store: Store
    clock: Clock
    app: Application


def wall_clock() -> int:
    """Now, in microseconds UTC. Everything below is handed this."""
    return time.time_ns() // 1000


def steady_clock() -> int:
    """Microseconds that nobody sets back, for how long something lasts."""
    return time.monotonic_ns() // 1000


def load_settings() -> Settings:
    """The settings of this process and folder. Raises Misconfigured."""
    try:
        return read_settings(Path.cwd())
    except BadSetting as fault:
        raise Misconfigured(str(fault)) from fault


@asynccontextmanager
async def opened_store(settings: Settings, clock: Clock) -> AsyncIterator[Store]:
    """The store for as long as a command needs it. Raises Misconfigured if it is not migrated."""
    store = open_store(settings.database_url, clock)
    try:
        await check_schema(store)
        yield store
    finally:
        await store.close()


async def open_service(
    settings: Settings, clock: Clock = wall_clock, member: Member | None = None
) -> Service:
    """Everything that `serve` needs. Raises Misconfigured, with what to do."""
    vault = open_vault(settings)
    heads = member.crew.heads if member else None
    options = PostgresOptions(settings.database_connections, settings.read_url, heads)
    store = open_store(settings.database_url, clock, options)
    try:
        await check_schema(store)
    except BaseException:
        await store.close()
        raise
    parts = _parts(settings, store, vault, clock=clock, member=member)
    app = _with_worker(settings, parts, create_app(parts))
    return Service(settings, store, clock, _attended(app, parts, member) if member else app)


def _attended(app: Application, parts: Parts, member: Member) -> Application:
    """The application in its place: it tells the others what they cannot ask, and ends with their parent."""

    async def attend(stop: asyncio.Event) -> None:
        while not stop.is_set():
            parts.metrics.tell_others()
            if os.getppid() != member.parent:
                signal.raise_signal(signal.SIGTERM)
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_ATTEND_S):
                    await stop.wait()

    return WithWork(app, attend)


def _with_worker(settings: Settings, parts: Parts, app: Application) -> Application:
    """The embedded store has its worker inside unless told otherwise; a shared one has its own."""
    is_inside = settings.embedded_worker
    if is_inside is None:
        is_inside = sqlite_path(settings.database_url) is not None
    if not is_inside:
        return app
    return WithWork(
        app, lambda stop: make_worker(settings, parts.store, parts.clock, stop, parts.metrics).run()
    )


def make_worker(
    settings: Settings, store: Store, clock: Clock, stop: asyncio.Event, tally: Tally = UNCOUNTED
) -> Background:
    """A worker that ends soon after `stop` is set; `tally` counts deliveries."""
    holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    means = Means(
        store=store,
        sending=_sending(settings, store, (clock, holder, tally))
        if isinstance(store, WatchedStore)
        else None,
        events_us=settings.event_days * DAY_US,
        keep_us=settings.snapshot_hours * _HOUR_US,
        interval_s=settings.worker_interval_seconds,
        holder=holder,
        clock=clock,
        steady=steady_clock,
        chance=secrets.SystemRandom().random,
        folders=job_folders(settings),
        files_us=settings.export_days * DAY_US,
        alerts=alert_means(settings, store, clock),
        runners={
            Kind.EXPORT: ExportRunner(),
            Kind.RECONCILIATION: ReconciliationRunner(provider_place(settings, store), stop),
        },
    )
    return Background(means, stop)


def alert_means(settings: Settings, store: Store, clock: Clock) -> AlertMeans:
    """Who judges what happened, and who tells of it."""
    ways = Ways(
        outgoing=Outgoing(outgoing_policy(settings)),
        mail=mail_sender(settings),
        vault=lambda: open_vault(settings),
        base=settings.public_url or "",
    )
    place = provider_place(settings, store)
    return AlertMeans(Judge(store, RateDetectors()), Teller(store, ways, clock), partial(ask_about, place))


def _sending(settings: Settings, store: WatchedStore, of_process: tuple[Clock, str, Tally]) -> Sending:
    clock, holder, tally = of_process
    return Sending(
        store=store,
        outgoing=Outgoing(outgoing_policy(settings, float(settings.delivery_timeout_seconds))),
        vault=lambda: open_vault(settings),
        clock=clock,
        chance=secrets.SystemRandom().random,
        holder=holder,
        timeout_s=settings.delivery_timeout_seconds,
        tally=tally,
        user_agent=f"calltally/{__version__}",
    )


def outgoing_policy(settings: Settings, timeout_s: float = TIMEOUT_S) -> Policy:
    """Where requests may go that tenants named."""
    allowed = networks(settings.outgoing_allow_networks or "")
    return Policy(settings.outgoing_allow_http, allowed, timeout_s)


def mail_sender(settings: Settings) -> SendMail:
    """Mail goes to the same places."""
    allowed = networks(settings.outgoing_allow_networks or "")
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


def _parts(settings: Settings, store: Store, vault: Vault, *, clock: Clock, member: Member | None) -> Parts:
    shared_limits = member.crew.limits if member else None
    return Parts(
        store=store,
        clock=clock,
        keys=KeyRing(store, steady_clock, _text(settings.admin_key)),
        limits=RateLimits(settings.rate_limit_per_minute, steady_clock, shared_limits),
        vault=vault,
        public_url=settings.public_url,
        trust_proxy=settings.trust_proxy,
        folders=job_folders(settings),
        metrics_by_tenant=settings.metrics_by_tenant,
        outgoing=Outgoing(outgoing_policy(settings)),
        send_mail=mail_sender(settings),
        metrics=CrewMetrics(member) if member else Metrics(),
    )


def open_vault(settings: Settings) -> Vault:
    """The vault of the configured keys; for the embedded store of a key that is made on first use.

    Raises Misconfigured where a shared store has no key: its processes must all have the same.
    """
    given = _text(settings.secret_key) or _key_beside(sqlite_path(settings.database_url))
    former = _text(settings.former_secret_key)
    return Vault(decode_secret_key(given), decode_secret_key(former) if former else None)


def _key_beside(database: Path | None) -> str:
    if database is None:
        message = (
            "set CALLTALLY_SECRET_KEY, the same for every process of this database; "
            "make one with: openssl rand -base64 32"
        )
        raise Misconfigured(message)
    path = database.parent / KEY_FILE
    if not path.exists():
        _make_key(path)
    text = path.read_text(encoding="ascii", errors="replace")
    try:
        decode_secret_key(text)
    except ValueError as fault:
        message = f"{path} does not hold a secret key: {fault}"
        raise Misconfigured(message) from fault
    return text


def _make_key(path: Path) -> None:
    """Write a new key whole or not at all; of two processes that do so at once, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(b64encode(secrets.token_bytes(SECRET_KEY_BYTES)) + b"\n")
        file.flush()
        # A key that a power cut takes would make every secret sealed with it unreadable.
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


def _text(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
