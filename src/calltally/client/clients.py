"""Blocking and asyncio clients with the same operations."""

from abc import ABC, abstractmethod
from typing import ClassVar, Final, Self

from calltally.client import (
    alert_settings,
    alerts,
    export_files,
    exports,
    frames,
    operations,
    own_events,
    quality,
    sessions,
    streaming,
    webhook_deliveries,
    webhook_endpoints,
)
from calltally.client import retries as sending
from calltally.client.config import (
    LONGEST_BYTES,
    TIMEOUT_S,
    ClientConfig,
    ClientKey,
    Surroundings,
    validate_base_url,
)
from calltally.client.errors import InvalidArgument
from calltally.client.methods import async_iterating, awaiting, blocking, iterating
from calltally.client.transport import AsyncTransport, BlockingTransport
from calltally.retry_policy import RetryPolicy

_RETRIES: Final = RetryPolicy()


class _ClientBase(ABC):
    """Configuration of both clients."""

    longest_bytes: ClassVar[int] = LONGEST_BYTES

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: RetryPolicy = _RETRIES,
        surroundings: Surroundings | None = None,
    ) -> None:
        if not 0 < timeout_s < float("inf"):
            raise InvalidArgument.of(
                "timeout_s", f"timeout_s must be a number of seconds above 0, not {timeout_s}"
            )
        self.config: Final = ClientConfig(
            validate_base_url(base_url),
            ClientKey(key),
            timeout_s,
            retries,
            surroundings or Surroundings(),
            self.longest_bytes,
        )
        self._open()

    @abstractmethod
    def _open(self) -> None:
        """Create the transport, which connects with the first request."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.config.base!r})"


class Client(_ClientBase):
    """Blocking client of a server that implements the contract. Threads may share one client.

    - `base_url` may have a path (`https://example.com/calls`). Over plain HTTP, others can read the key.
    - `timeout_s` limits each wait: to connect (at most 10 s), to send the request, and to receive more of
      the response.
    - `retries` limits the number of tries and the total time of all tries of one request.
    - A response of more than `longest_bytes` after decompression (256 MiB, a subclass may set another) is an
      UnexpectedAnswer. `stream` writes to a file and has no such limit.
    - Proxies and certificates come from the environment (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE). A server on
      this machine is reached without a proxy.
    - Redirects are not followed.

    Raises InvalidArgument for an invalid argument.
    """

    def _open(self) -> None:
        self.transport = BlockingTransport(self.config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    def close(self) -> None:
        self.transport.close()

    send = blocking(sending.send)
    list_calls = blocking(operations.list_calls)
    iter_calls = iterating(operations.iter_calls)
    iter_call_pages = iterating(operations.iter_call_pages)
    get_call = blocking(operations.get_call)
    list_call_events = blocking(operations.list_call_events)
    iter_call_events = iterating(operations.iter_call_events)
    changes = blocking(operations.changes)
    iter_changes = iterating(operations.iter_changes)
    iter_change_pages = iterating(operations.iter_change_pages)
    stream = blocking(streaming.stream)
    to_arrow = blocking(frames.to_arrow)
    to_pandas = blocking(frames.to_pandas)
    to_polars = blocking(frames.to_polars)
    launch_quality = blocking(quality.launch_quality)
    view_launch = blocking(quality.view_launch)
    list_alerts = blocking(alerts.list_alerts)
    get_alert = blocking(alerts.get_alert)
    acknowledge_alert = blocking(alerts.acknowledge_alert)
    resolve_alert = blocking(alerts.resolve_alert)
    mute_alert = blocking(alerts.mute_alert)
    list_sessions = blocking(sessions.list_sessions)
    iter_sessions = iterating(sessions.iter_sessions)
    get_session = blocking(sessions.get_session)
    put_session = blocking(sessions.put_session)
    send_events = blocking(own_events.send_events)
    start_export = blocking(exports.start_export)
    list_exports = blocking(exports.list_exports)
    iter_exports = iterating(exports.iter_exports)
    get_export = blocking(exports.get_export)
    wait_for_export = blocking(exports.wait_for_export)
    get_export_manifest = blocking(exports.get_export_manifest)
    delete_export = blocking(exports.delete_export)
    download_export = blocking(export_files.download_export)
    list_webhook_endpoints = blocking(webhook_endpoints.list_webhook_endpoints)
    add_webhook_endpoint = blocking(webhook_endpoints.add_webhook_endpoint)
    get_webhook_endpoint = blocking(webhook_endpoints.get_webhook_endpoint)
    set_webhook_endpoint = blocking(webhook_endpoints.set_webhook_endpoint)
    delete_webhook_endpoint = blocking(webhook_endpoints.delete_webhook_endpoint)
    rotate_webhook_secret = blocking(webhook_endpoints.rotate_webhook_secret)
    pause_webhook_endpoint = blocking(webhook_endpoints.pause_webhook_endpoint)
    resume_webhook_endpoint = blocking(webhook_endpoints.resume_webhook_endpoint)
    test_webhook_endpoint = blocking(webhook_deliveries.test_webhook_endpoint)
    list_deliveries = blocking(webhook_deliveries.list_deliveries)
    iter_deliveries = iterating(webhook_deliveries.iter_deliveries)
    get_delivery = blocking(webhook_deliveries.get_delivery)
    replay_delivery = blocking(webhook_deliveries.replay_delivery)
    replay_deliveries = blocking(webhook_deliveries.replay_deliveries)
    get_alert_rules = blocking(alert_settings.get_alert_rules)
    put_alert_rules = blocking(alert_settings.put_alert_rules)
    list_alert_sinks = blocking(alert_settings.list_alert_sinks)
    add_alert_sink = blocking(alert_settings.add_alert_sink)
    get_alert_sink = blocking(alert_settings.get_alert_sink)
    put_alert_sink = blocking(alert_settings.put_alert_sink)
    delete_alert_sink = blocking(alert_settings.delete_alert_sink)
    test_alert_sink = blocking(alert_settings.test_alert_sink)


class AsyncClient(_ClientBase):
    """Asyncio client: await the results of `Client`'s methods, and use `async for` for its iterators.

    Use one client within one event loop. `stream` writes to its file without awaiting it.
    """

    def _open(self) -> None:
        self.transport = AsyncTransport(self.config)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_fault: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self.transport.close()

    send = awaiting(sending.send)
    list_calls = awaiting(operations.list_calls)
    iter_calls = async_iterating(operations.iter_calls)
    iter_call_pages = async_iterating(operations.iter_call_pages)
    get_call = awaiting(operations.get_call)
    list_call_events = awaiting(operations.list_call_events)
    iter_call_events = async_iterating(operations.iter_call_events)
    changes = awaiting(operations.changes)
    iter_changes = async_iterating(operations.iter_changes)
    iter_change_pages = async_iterating(operations.iter_change_pages)
    stream = awaiting(streaming.stream)
    to_arrow = awaiting(frames.to_arrow)
    to_pandas = awaiting(frames.to_pandas)
    to_polars = awaiting(frames.to_polars)
    launch_quality = awaiting(quality.launch_quality)
    view_launch = awaiting(quality.view_launch)
    list_alerts = awaiting(alerts.list_alerts)
    get_alert = awaiting(alerts.get_alert)
    acknowledge_alert = awaiting(alerts.acknowledge_alert)
    resolve_alert = awaiting(alerts.resolve_alert)
    mute_alert = awaiting(alerts.mute_alert)
    list_sessions = awaiting(sessions.list_sessions)
    iter_sessions = async_iterating(sessions.iter_sessions)
    get_session = awaiting(sessions.get_session)
    put_session = awaiting(sessions.put_session)
    send_events = awaiting(own_events.send_events)
    start_export = awaiting(exports.start_export)
    list_exports = awaiting(exports.list_exports)
    iter_exports = async_iterating(exports.iter_exports)
    get_export = awaiting(exports.get_export)
    wait_for_export = awaiting(exports.wait_for_export)
    get_export_manifest = awaiting(exports.get_export_manifest)
    delete_export = awaiting(exports.delete_export)
    download_export = awaiting(export_files.download_export)
    list_webhook_endpoints = awaiting(webhook_endpoints.list_webhook_endpoints)
    add_webhook_endpoint = awaiting(webhook_endpoints.add_webhook_endpoint)
    get_webhook_endpoint = awaiting(webhook_endpoints.get_webhook_endpoint)
    set_webhook_endpoint = awaiting(webhook_endpoints.set_webhook_endpoint)
    delete_webhook_endpoint = awaiting(webhook_endpoints.delete_webhook_endpoint)
    rotate_webhook_secret = awaiting(webhook_endpoints.rotate_webhook_secret)
    pause_webhook_endpoint = awaiting(webhook_endpoints.pause_webhook_endpoint)
    resume_webhook_endpoint = awaiting(webhook_endpoints.resume_webhook_endpoint)
    test_webhook_endpoint = awaiting(webhook_deliveries.test_webhook_endpoint)
    list_deliveries = awaiting(webhook_deliveries.list_deliveries)
    iter_deliveries = async_iterating(webhook_deliveries.iter_deliveries)
    get_delivery = awaiting(webhook_deliveries.get_delivery)
    replay_delivery = awaiting(webhook_deliveries.replay_delivery)
    replay_deliveries = awaiting(webhook_deliveries.replay_deliveries)
    get_alert_rules = awaiting(alert_settings.get_alert_rules)
    put_alert_rules = awaiting(alert_settings.put_alert_rules)
    list_alert_sinks = awaiting(alert_settings.list_alert_sinks)
    add_alert_sink = awaiting(alert_settings.add_alert_sink)
    get_alert_sink = awaiting(alert_settings.get_alert_sink)
    put_alert_sink = awaiting(alert_settings.put_alert_sink)
    delete_alert_sink = awaiting(alert_settings.delete_alert_sink)
    test_alert_sink = awaiting(alert_settings.test_alert_sink)
