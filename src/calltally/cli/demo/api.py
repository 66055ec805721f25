"""Objects that the demo makes through its API: an endpoint, an export, a reconciliation and a dead letter."""

from collections.abc import Iterator, Mapping, Sequence
from time import sleep
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from calltally.calls.errors import Unavailable
from calltally.calls.identity import call_uuid, uuid_text
from calltally.calls.times import DAY_US, SECOND_US, utc_text
from calltally.cli.demo.history import NEW_AGENT
from calltally.cli.demo.receiver import PATH as RECEIVER
from calltally.cli.demo.tenant import TENANT, DemoTenant
from calltally.ingest.sample.calls import SampleMessage, hex_of
from calltally.ingest.sample.traffic import special_calls
from calltally.net import HttpClient, HttpResponse
from calltally.providers.twilio.words import NAME as TWILIO

_ENDPOINTS: Final = "/api/v1/webhook-endpoints"
_EXPORTS: Final = "/api/v1/exports"
_RECONCILIATIONS: Final = "/api/v1/reconciliations"
_EXPORTED_DAYS: Final = 7
_COMPARED_US: Final = 4 * 3_600 * SECOND_US
_POLL_S: Final = 0.2
_MAX_POLLS: Final = 150
_FAILED: Final = 300
_LOST_EVERY, _REPEATED_EVERY, _WRONG_EVERY = 47, 53, 61
_EXCERPT_BYTES: Final = 300


class DemoApi:
    """Client of the running demo with the tenant's key. Methods raise Unavailable for a failed request."""

    def __init__(self, url: str, tenant: DemoTenant, client: HttpClient) -> None:
        self._url = url
        self._plan = tenant.plan
        self._senders = tenant.senders
        self._client = client
        self._headers = {"authorization": f"Bearer {tenant.key}"}

    def create(self) -> None:
        """Create the endpoint, the jobs and the dead letter of a new tenant."""
        if self._get(_ENDPOINTS)["data"]:
            return
        endpoint = {"url": self._url + RECEIVER, "description": "the demo's own receiver"}
        self._post(_ENDPOINTS, msgspec.json.encode(endpoint))
        to_us = self._plan.made_us - self._plan.made_us % DAY_US
        window = {"from": utc_text(to_us - _EXPORTED_DAYS * DAY_US), "to": utc_text(to_us)}
        export = {**window, "format": "csv", "partition": "day", "name": "Calls of a week"}
        self._post(_EXPORTS, msgspec.json.encode(export))
        self._reconcile()
        self._send_unreadable()

    def wait_for_jobs(self) -> None:
        for _ in range(_MAX_POLLS):
            jobs = [*self._get(_EXPORTS)["data"], *self._get(_RECONCILIATIONS)["data"]]
            if all(job["state"] not in {"queued", "running"} for job in jobs):
                return
            sleep(_POLL_S)

    def pages(self) -> Iterator[tuple[str, str]]:
        """Yield the pages to look at: the subject and the URL of each."""
        yield "the overview", f"{self._url}/"
        of_outage = f"resolved&route={self._plan.outage.route}"
        for subject, state in (("an alert that fires now", "open"), ("an outage that is over", of_outage)):
            if alerts := self._get(f"/api/v1/alerts?state={state}")["data"]:
                yield subject, f"{self._url}/alerts/{alerts[-1]['id']}"
        yield "the launch of an agent", f"{self._url}/quality/launch?agent={NEW_AGENT}"
        subjects = ("an escalated call", "a call of two providers", "a contradicted call")
        for subject, call in zip(subjects, special_calls(self._plan), strict=True):
            yield subject, f"{self._url}/calls/{uuid_text(call_uuid(TENANT, call.sid))}"
        for subject, path in (("an export", _EXPORTS), ("a reconciliation", _RECONCILIATIONS)):
            if jobs := self._get(path)["data"]:
                yield subject, f"{self._url}/{path.rpartition('/')[2]}/{jobs[-1]['id']}"
        yield "the dead letters", f"{self._url}/dead-letters"
        yield "the alert destination", f"{self._url}/settings#sinks"
        yield "the received deliveries", self._url + RECEIVER

    def _reconcile(self) -> None:
        """Compare some hours of yesterday with the events that another system received."""
        to_us = self._plan.made_us - DAY_US
        window = urlencode({"from": utc_text(to_us - _COMPARED_US), "to": utc_text(to_us)})
        calls = self._get(f"/api/v1/call-logs?limit=1000&{window}")["data"]
        lines = b"\n".join(map(msgspec.json.encode, received_events(calls)))
        self._post(f"{_RECONCILIATIONS}?{window}", lines, "application/x-ndjson")

    def _send_unreadable(self) -> None:
        """Send a callback with a status that Twilio does not have: it becomes a dead letter."""
        content = {"CallSid": f"CA{hex_of('unreadable')}", "CallStatus": "parked"}
        message = SampleMessage(TWILIO, self._plan.made_us, content, is_form=True)
        path = f"/api/v1/ingest/{TWILIO}/{TENANT}"
        body, headers = self._senders[TWILIO].signed(message, self._url + path, message.at_us)
        _successful(path, self._client.post(self._url + path, body, headers))

    def _get(self, path: str) -> Any:  # noqa: ANN401 (JSON)
        return _decoded(path, self._client.get(self._url + path, self._headers))

    def _post(self, path: str, body: bytes, content_type: str = "application/json") -> None:
        headers = {**self._headers, "content-type": content_type}
        _decoded(path, self._client.post(self._url + path, body, headers))


def received_events(calls: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the events of ended calls as a faulty system logged them: some lost, repeated, or wrong."""
    for number, call in enumerate(calls):
        is_wrong = number % _WRONG_EVERY == 0 and call["status"] == "completed"
        event = {
            "id": f"msg-{number}",
            "event": "voice.call.completed",
            "created_at": call["ended_at"],
            "tenant_id": TENANT,
            "api_version": "2026-11-01",
            "data": {"call_sid": call["call_sid"], "status": "failed" if is_wrong else call["status"]},
        }
        yield from [event] * (number % _LOST_EVERY > 0)
        yield from [event] * (number % _REPEATED_EVERY == 0)


def _decoded(path: str, response: HttpResponse) -> Any:  # noqa: ANN401 (JSON)
    return msgspec.json.decode(_successful(path, response).body)


def _successful(path: str, response: HttpResponse) -> HttpResponse:
    if response.status >= _FAILED:
        excerpt = response.body[:_EXCERPT_BYTES].decode(errors="replace")
        raise Unavailable(f"the demo answered {response.status} to {path}: {excerpt}")
    return response
