"""Live traffic of the demo: signed callbacks and own events, sent to the endpoints that providers use."""

from threading import Event
from typing import Final

import typer

from calltally.bootstrap.clocks import wall_clock
from calltally.calls.times import SECOND_US
from calltally.cli.demo.tenant import TENANT, DemoTenant
from calltally.ingest.sample.calls import SampleCall, SampleMessage
from calltally.ingest.sample.traffic import live_calls, messages_in_order, messages_of
from calltally.net import HttpClient

_ACCEPTED: Final = (200, 204)
_EXCERPT_BYTES: Final = 300


class LiveTraffic:
    """Calls that start between `start` and `stop`, as often as in the history; in a thread of its own."""

    def __init__(self, url: str, tenant: DemoTenant) -> None:
        self._url = url
        self._tenant = tenant
        self._start, self._stop = Event(), Event()
        self._open: dict[str, SampleCall] = {}

    def start(self) -> None:
        self._start.set()

    def stop(self) -> None:
        self._stop.set()
        self._start.set()

    def run(self) -> None:
        """Send each message at its time; at the end hang up, so that no call stays open."""
        self._start.wait()
        now_us = wall_clock()
        with HttpClient() as client:
            for each in messages_in_order(live_calls(self._tenant.plan, now_us), now_us):
                if self._stop.wait(max(0, each.received_us - wall_clock()) / SECOND_US):
                    break
                self._send(client, each.message)
                if each.message.at_us < each.call.ended_us:
                    self._open[each.call.sid] = each.call
                else:
                    self._open.pop(each.call.sid, None)
            for call in self._open.values():
                for message in messages_of(call.cut_short(wall_clock())):
                    self._send(client, message)

    def _send(self, client: HttpClient, message: SampleMessage) -> None:
        """Send a message, and report one that is not accepted: 202 would be a dead letter."""
        if message.provider:
            url = f"{self._url}/api/v1/ingest/{message.provider}/{TENANT}"
            body, headers = self._tenant.senders[message.provider].signed(message, url, wall_clock())
        else:
            url, body = f"{self._url}/api/v1/events", message.encoded()
            headers = {"authorization": f"Bearer {self._tenant.key}", "content-type": message.content_type}
        try:
            response = client.post(url, body, headers)
        except ConnectionError as fault:
            typer.echo(f"calltally: a sample call could not be sent: {fault}", err=True)
            return
        if response.status not in _ACCEPTED:
            excerpt = response.body[:_EXCERPT_BYTES].decode(errors="replace")
            typer.echo(f"calltally: a sample call got the response {response.status}: {excerpt}", err=True)
