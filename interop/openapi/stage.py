"""A service with an object of each kind, so that no answer of a read operation is empty."""

from collections.abc import Iterator
from contextlib import suppress
from time import monotonic, sleep
from typing import Any, Final

from interop.service import Failed, Service

TENANT: Final = "interop"
OTHER: Final = "interop-too"
SCOPES: Final = (
    *("calls:read", "transcripts:read", "pii:read", "events:write", "exports:write"),
    *("alerts:write", "webhooks:write"),
)
ROUTE: Final = "support"
PROVIDER: Final = "kamailio"
SECRET: Final = "interop"  # noqa: S105 (of this run alone)
URL: Final = "https://localhost:1/"
WRONG_SIGNATURES: Final = 10
JOBS_S: Final = 30
POLL_S: Final = 0.1
_MORNING: Final = "2026-03-01T12:0"
_DAY: Final = {"from": "2026-03-01", "to": "2026-03-02"}
_FULL: Final = {
    "id": "full",
    "call_sid": "interop-full",
    "occurred_at": f"{_MORNING}5:00Z",
    "status": "completed",
    "direction": "inbound",
    "from_number": "+14155550164",
    "to_number": "+14155550100",
    "route": ROUTE,
    "agent": "ada",
    "started_at": f"{_MORNING}0:00Z",
    "ringing_at": f"{_MORNING}0:01Z",
    "answered_at": f"{_MORNING}0:07Z",
    "ended_at": f"{_MORNING}5:00Z",
    "duration_seconds": 292,
    "escalation": {"target": "desk", "initiated_by": "caller", "reason": "A question about the bill."},
    "transfer": {"target": "desk", "outcome": "bridged"},
    "summary": "Customer confirmed appointment time.",
    "end_reason": "completed",
    "recording_url": "https://recordings.example.com/1.wav",
    "cost": {"amount": "0.0085", "currency": "USD"},
    "tags": ["appointment"],
    "metadata": {"ticket": 7},
}
_EVENTS: Final = (
    _FULL,
    {**_FULL, "id": "contradiction", "status": "no-answer", "sequence": 2},
    {"id": "bare", "call_sid": "interop-bare", "occurred_at": f"{_MORNING}1:00Z"},
    {"id": "busy", "call_sid": "interop-busy", "occurred_at": f"{_MORNING}2:00Z", "status": "busy"},
    {"id": "gone", "call_sid": "interop-gone", "occurred_at": f"{_MORNING}3:00Z", "status": "failed"},
)
_SESSION: Final = {
    "call_sid": _FULL["call_sid"],
    "stream_id": "MZ1",
    "summary": _FULL["summary"],
    "tags": ["appointment"],
    "evaluation": {"successful": True, "score": 0.9, "reason": "The time was confirmed."},
    "transcript": [{"role": "agent", "text": "Hello.", "start_seconds": 0.5, "end_seconds": 1.0}],
    "function_calls": [{"name": "book", "arguments": {"day": "Thursday"}, "result": {"booked": True}}],
}


class Stage:
    """A tenant with objects, their ids, and the keys that read them."""

    def __init__(self, service: Service) -> None:
        self.service = service
        for tenant in (TENANT, OTHER):
            service.new_tenant(tenant)
        _key_id, self.key = service.new_key(TENANT, *SCOPES)
        self.ids = self._objects()
        self.document: dict[str, Any] = service.call("GET", "/openapi.json")

    def reads(self) -> Iterator[dict[str, Any]]:
        """Yield each read operation with values for its parameters."""
        for path, methods in self.document["paths"].items():
            operation = methods.get("get")
            if operation is None or "/ingest/" in path:
                continue
            yield {
                "operation": operation["operationId"],
                "class": operation["tags"][0].title().replace(" ", ""),
                "path": path,
                "parameters": self.path_parameters(path, operation),
                "query": self.query_of(operation["operationId"]),
                "hasQuery": any(each["in"] == "query" for each in operation.get("parameters", ())),
                "isAdmin": operation["security"] == [{"adminKey": []}],
            }

    def path_parameters(self, path: str, operation: dict[str, Any]) -> dict[str, str]:
        """Return the ids for a path: `id` is that of its kind of object."""
        kind = path.split("/")[3] if path.startswith("/api/v1/") else ""
        known = {**self.ids, "id": self.ids.get(kind, "")}
        names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
        return {name: known[name] for name in names}

    def query_of(self, operation: str) -> dict[str, str]:
        """Return the parameters that an operation needs for an answer with content."""
        name = operation.removeprefix("head")
        return {
            "listCallLogs": {"snapshot": self.ids["snapshot"]},
            "measureLaunchQuality": _DAY,
            "viewLaunch": {"route": ROUTE, "since": _DAY["from"], "to": _DAY["to"]},
            "listSharedSids": _DAY,
            "listWindowStatus": _DAY,
        }.get(name[0].lower() + name[1:], {})

    def headers_of(self, operation: dict[str, Any]) -> dict[str, str]:
        """Return the key that an operation needs, preferring the tenant's; callbacks have their secret."""
        if not operation["security"]:
            return {"authorization": f"Bearer {SECRET}"}
        is_admin = operation["security"] == [{"adminKey": []}]
        return (
            {"x-admin-key": self.service.admin_key} if is_admin else {"authorization": f"Bearer {self.key}"}
        )

    def complete(self, jobs: str, job: str) -> str:
        """Wait for the end of a job, and return its id. Raises Failed."""
        self._wait(jobs, lambda: self._call("GET", f"{jobs}/{job}")["state"] == "complete")
        return job

    def _objects(self) -> dict[str, str]:
        return {
            "tenant": TENANT,
            "name": "calls.ndjson",
            "route": ROUTE,
            "provider": PROVIDER,
            "voice-sessions": "session-1",
            **self._administered(),
            **self._calls(),
            **self._jobs(),
            **self._endpoints(),
        }

    def _administered(self) -> dict[str, str]:
        tenant = f"/api/v1/admin/tenants/{TENANT}"
        self.service.call("PUT", f"{tenant}/routes/{ROUTE}", {"numbers": ["+14155550100"], "agent": "ada"})
        self.service.call("PUT", f"{tenant}/providers/twilio", {"auth_token": "interop"})
        self.service.call("PUT", f"{tenant}/providers/{PROVIDER}", {"secret": SECRET})
        # Each read of whole numbers is a row of listReveals.
        self.service.call("PUT", f"{tenant}/masking", {"masks_numbers": True})
        return {"alerts": self._raised_alert(), "key_id": self.service.new_key(TENANT, "calls:read")[0]}

    def _raised_alert(self) -> str:
        """Callbacks with wrong signatures are an alert, as soon as the worker has evaluated them."""
        for _ in range(WRONG_SIGNATURES):
            with suppress(Failed):
                self.service.call("POST", f"/api/v1/ingest/twilio/{TENANT}", {})
        path = "/api/v1/alerts"
        self._wait(path, lambda: bool(self._call("GET", path)["data"]))
        return str(self._call("GET", path)["data"][0]["id"])

    def _calls(self) -> dict[str, str]:
        """Make calls, one of which an older snapshot has as erased."""
        _other, other_key = self.service.new_key(OTHER, "events:write")
        self.service.call("POST", "/api/v1/events", _FULL, key=other_key)
        sent = [self._call("POST", "/api/v1/events", event)["outcomes"][0] for event in _EVENTS]
        self._call("PUT", "/api/v1/voice-sessions/session-1", _SESSION)
        snapshot = self._call("GET", "/api/v1/call-logs")["snapshot"]
        self.service.call("DELETE", f"/api/v1/call-logs/{sent[4]['call_id']}?tenant={TENANT}")
        return {"call-logs": sent[0]["call_id"], "snapshot": snapshot}

    def _jobs(self) -> dict[str, str]:
        exports, reconciliations = "/api/v1/exports", "/api/v1/reconciliations"
        lines = f"{reconciliations}?from=2026-01-01&to=2026-02-01"
        return {
            "exports": self.complete(exports, self._call("POST", exports, {})["id"]),
            # A line that is no event is a finding.
            "reconciliations": self.complete(
                reconciliations, self._call("POST", lines, {}, is_lines=True)["id"]
            ),
        }

    def _endpoints(self) -> dict[str, str]:
        """Make an endpoint and a sink at an address that the service does not call."""
        path = "/api/v1/webhook-endpoints"
        endpoint = self._call("POST", path, {"url": URL})["id"]
        self._call("POST", f"{path}/{endpoint}/test", {})
        delivery = self._call("GET", f"{path}/{endpoint}/deliveries")["data"][0]["id"]
        sink = {"kind": "webhook", "name": "ours", "settings": {"url": URL}}
        added = self._call("POST", "/api/v1/alert-sinks", sink)["id"]
        return {"webhook-endpoints": endpoint, "delivery": delivery, "alert-sinks": added}

    def _call(self, method: str, path: str, body: object = None, *, is_lines: bool = False) -> Any:  # noqa: ANN401 (any JSON)
        return self.service.call(method, path, body, key=self.key, is_lines=is_lines)

    def _wait(self, what: str, is_done: Any) -> None:  # noqa: ANN401 (a function without arguments)
        until = monotonic() + JOBS_S
        while not is_done():
            if monotonic() > until:
                raise Failed(f"{what}: not done after {JOBS_S} s")
            sleep(POLL_S)
