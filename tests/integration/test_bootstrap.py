"""Composition of the service, and the secret key that the SQLite store creates for itself."""

import asyncio
import os
import signal
import stat
from base64 import b64encode
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from calltally.bootstrap.clocks import steady_clock, wall_clock
from calltally.bootstrap.open_store import load_settings, opened_store
from calltally.bootstrap.service import Service, _attended, open_service
from calltally.bootstrap.vaults import check_secrets, open_vault
from calltally.bootstrap.workers import alert_dependencies, make_worker
from calltally.calls.errors import Misconfigured
from calltally.multiprocess import Member, ProcessGroup
from calltally.settings.fields import Settings
from calltally.store.maintenance.worker_presence import admin_last_worker_report
from calltally.store.tenants.tenants import add_tenant, admin_list_tenants, find_tenant, new_epoch
from calltally.store.tenants.vault import Vault, put_provider_secrets
from calltally.web.lifespan import LifespanTask
from calltally.web.metrics.metrics import Metrics
from calltally.worker.presence import PresenceReporter
from tests.conftest import NOW_US
from tests.integration.web.service import Broken

KEY = b64encode(b"k" * 32).decode()
FORMER_KEY = b64encode(b"f" * 32).decode()
POSTGRES = "postgresql://nobody@127.0.0.1:1/none"
REPORTS_WITHIN_S = 30


async def check_schema_and_secrets(settings: Settings) -> None:
    """Begin as `calltally worker` does."""
    async with opened_store(settings, wall_clock) as store:
        await check_secrets(settings, store)


async def open_vault_of(settings: Settings) -> None:
    """Begin as a command does that encrypts or decrypts."""
    open_vault(settings)


def settings_of(url: str, **more: str) -> Settings:
    return Settings.model_validate({"database_url": url, **more})


@pytest.fixture
def embedded(tmp_path: Path) -> Settings:
    return settings_of(f"sqlite:///{tmp_path}/var/calltally.db")


def test_sqlite_store_creates_its_secret_key_once(embedded: Settings, tmp_path: Path) -> None:
    sealed = open_vault(embedded).seal("acme", "twilio", {"auth_token": "x"})
    assert open_vault(embedded).open("acme", "twilio", sealed) == {"auth_token": "x"}
    (key,) = (tmp_path / "var").iterdir()
    assert key.name == "secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_configured_key_is_used_and_none_is_created(embedded: Settings, tmp_path: Path) -> None:
    configured = embedded.model_copy(update=dict(settings_of(POSTGRES, secret_key=KEY)))
    sealed = open_vault(configured).seal("acme", "twilio", {"auth_token": "x"})
    rotated = settings_of(POSTGRES, secret_key=FORMER_KEY, former_secret_key=KEY)
    assert open_vault(rotated).open("acme", "twilio", sealed) == {"auth_token": "x"}
    assert list(tmp_path.iterdir()) == []


def test_postgresql_store_needs_a_configured_key() -> None:
    with pytest.raises(Misconfigured, match="set CALLTALLY_SECRET_KEY, the same for every process"):
        open_vault(settings_of(POSTGRES))


def test_damaged_key_file_is_named(embedded: Settings, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret.key").write_bytes(b"\xff short")
    with pytest.raises(Misconfigured, match=r"secret\.key does not contain a valid secret key: it must be"):
        open_vault(embedded)


async def store_secret(settings: Settings, key: bytes, provider: str = "twilio") -> None:
    async with opened_store(settings, wall_clock) as store:
        if await store.read(find_tenant("acme")) is None:
            await store.write(add_tenant("acme", "acme", NOW_US, new_epoch()))
        sealed = Vault(key).seal("acme", provider, {"auth_token": "x"})
        await store.write(put_provider_secrets("acme", provider, sealed, NOW_US))


async def opened_and_closed(settings: Settings) -> None:
    service = await open_service(settings)
    await service.store.close()


@pytest.mark.parametrize("new_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("begin", [opened_and_closed, check_schema_and_secrets, open_vault_of])
def test_lost_secret_key_is_not_replaced(
    new_database: Callable[[], str], begin: Callable[[Settings], Coroutine[Any, Any, None]]
) -> None:
    settings = settings_of(new_database())
    key = Path(settings.database_url.removeprefix("sqlite:///")).with_name("secret.key")
    asyncio.run(store_secret(settings, b"k" * 32))
    with pytest.raises(Misconfigured, match=r"secret\.key is missing, .* Restore it from the backup"):
        asyncio.run(begin(settings))
    assert not key.exists()
    key.write_text(KEY)
    asyncio.run(begin(settings))


def test_key_that_opens_no_secret_prevents_start(new_database: Callable[[], str]) -> None:
    settings = settings_of(new_database(), secret_key=FORMER_KEY)
    asyncio.run(store_secret(settings, b"k" * 32))
    for begin in (opened_and_closed, check_schema_and_secrets):
        with pytest.raises(Misconfigured, match=r"no stored secret can be decrypted .* Restore the key"):
            asyncio.run(begin(settings))
    rotated = settings_of(settings.database_url, secret_key=FORMER_KEY, former_secret_key=KEY)
    asyncio.run(opened_and_closed(rotated))


def test_one_secret_of_another_key_is_logged(new_database: Callable[[], str]) -> None:
    settings = settings_of(new_database(), secret_key=KEY)
    asyncio.run(store_secret(settings, b"k" * 32))
    asyncio.run(store_secret(settings, b"f" * 32, "telnyx"))
    with capture_logs() as logs:
        asyncio.run(opened_and_closed(settings))
    assert [line["event"] for line in logs] == ["a stored secret cannot be decrypted"]
    assert "tenant 'acme' for 'telnyx'" in logs[0]["reason"]


def test_missing_store_names_the_command_to_run(embedded: Settings) -> None:
    with pytest.raises(Misconfigured, match="run `calltally migrate`"):
        asyncio.run(open_service(embedded))


def test_unmigrated_store_names_the_command_to_run(embedded: Settings, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "calltally.db").touch()
    with pytest.raises(Misconfigured, match="run `calltally migrate`"):
        asyncio.run(open_service(embedded))


def test_service_is_assembled(new_database: Callable[[], str]) -> None:
    settings = settings_of(new_database(), secret_key=KEY)

    async def opened() -> Service:
        service = await open_service(settings)
        assert await service.store.read(admin_list_tenants()) == []
        await service.store.close()
        return service

    service = asyncio.run(opened())
    assert service.settings is settings
    assert callable(service.app)


@pytest.mark.parametrize("reported", [{}, {"embedded_worker": "true"}, {"embedded_worker": "false"}])
def test_worker_is_embedded_on_both_databases_by_default(
    new_database: Callable[[], str], reported: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process without one warns, while work waits, that no other process works."""
    settings = settings_of(new_database(), secret_key=KEY, **reported)
    has_reported, report_once = asyncio.Event(), PresenceReporter.report

    async def report(self: PresenceReporter) -> None:
        await report_once(self)
        has_reported.set()

    monkeypatch.setattr(PresenceReporter, "report", report)

    async def last_report() -> int | None:
        service = await open_service(settings)
        assert isinstance(service.app, LifespanTask)
        stop = asyncio.Event()
        working = asyncio.ensure_future(service.app._work(stop))
        if settings.embedded_worker:
            async with asyncio.timeout(REPORTS_WITHIN_S):
                await has_reported.wait()
        stop.set()
        await working
        found = await service.store.read(admin_last_worker_report(wall_clock()))
        await service.store.close()
        return found

    is_reported = asyncio.run(last_report()) is not None
    assert is_reported is (reported.get("embedded_worker", "true") == "true")


def test_process_ends_with_its_parent_even_if_metrics_cannot_be_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no space left")

    raised: list[int] = []
    metrics = Metrics()
    monkeypatch.setattr(metrics, "refresh", fail)
    monkeypatch.setattr("calltally.bootstrap.service.signal.raise_signal", raised.append)
    parts: Any = SimpleNamespace(metrics=metrics)

    async def app(_scope: object, receive: Callable[[], Coroutine[Any, Any, Any]], _send: object) -> None:
        await receive()

    async def receive() -> dict[str, str]:
        await asyncio.sleep(0)
        return {"type": "lifespan.shutdown"}

    # No process has itself for a parent.
    attended = _attended(app, parts, Member(ProcessGroup(1, tmp_path), 1, os.getpid()))

    async def live() -> None:
        await attended({"type": "lifespan"}, receive, None)

    with capture_logs() as logs:
        asyncio.run(live())
    assert [line["event"] for line in logs] == ["the metrics of this process cannot be shared"]
    assert raised == [signal.SIGTERM]


def test_worker_names_are_unique(embedded: Settings) -> None:
    async def holders() -> set[str]:
        store = Broken(Misconfigured(""))
        workers = [make_worker(embedded, store, wall_clock, asyncio.Event()) for _ in range(2)]
        return {worker.rounds._dependencies.holder for worker in workers}

    assert len(asyncio.run(holders())) == 2


@pytest.mark.parametrize("output", ["true", "false"])
def test_rate_alerts_are_on_by_default(output: str) -> None:
    settings = settings_of(POSTGRES, rate_alerts=output)
    judge = alert_dependencies(settings, Broken(Misconfigured("")), wall_clock, asyncio.Event()).evaluator
    assert (judge._detectors is not None) is (output == "true")


def test_command_closes_its_store(new_database: Callable[[], str]) -> None:
    settings = settings_of(new_database())

    async def listed() -> list[Any]:
        async with opened_store(settings, wall_clock) as store:
            return list(await store.read(admin_list_tenants()))

    assert asyncio.run(listed()) == asyncio.run(listed()) == []


def test_wrong_setting_is_misconfigured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLTALLY_PORT", "eighty")
    with pytest.raises(Misconfigured, match="CALLTALLY_PORT"):
        load_settings()


def test_clocks_are_in_microseconds() -> None:
    assert 1_700_000_000_000_000 < wall_clock() < 10_000_000_000_000_000
    assert steady_clock() <= steady_clock()
