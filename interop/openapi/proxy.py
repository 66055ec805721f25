"""Every operation of the document through Prism's validating proxy.

Prism compares each request and each response with the document, and answers with a problem of its own where
they differ.
"""

import http.client
import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from interop.openapi.stage import OTHER, SECRET, TENANT, URL, Stage
from interop.service import HOST

ANSWER_S: Final = 60
NDJSON: Final = "application/x-ndjson"
_SINK: Final = {"kind": "webhook", "name": "ours", "settings": {"url": URL}}
_ENDPOINT: Final = {"url": URL, "events": ["voice.call.completed"]}
# The examples of these lead to other machines, or are of a past that only a clock knows.
_BODIES: Final[dict[str, Any]] = {
    "addAlertSink": _SINK,
    "putAlertSink": _SINK,
    "addWebhookEndpoint": _ENDPOINT,
    "setWebhookEndpoint": _ENDPOINT,
    "muteAlert": {"until": None},
    "putRetention": {"days": None},
    "startReconciliation": {},
    "putProviderSecrets": {"secret": SECRET},
}
_WINDOW: Final = {"from": "2026-01-01", "to": "2026-02-01"}
_QUERIES: Final = {
    "startReconciliation": _WINDOW,
    "eraseCallLog": {"tenant": TENANT},
    "removeTenant": {"confirm": OTHER},
}
# Prism parses a body whose header says JSON, even the empty one of a HEAD. In another format it does not.
_HEADERS: Final = {"headListCallLogs": {"accept": "text/csv"}}
_ORDER: Final = ("get", "head", "put", "post", "delete")


class Exchange(NamedTuple):
    """One request and the answer to it."""

    operation: str
    status: int
    body: bytes
    violations: str | None

    @property
    def fault(self) -> str | None:
        """Return what Prism or the service objects to, or None."""
        if self.status < http.HTTPStatus.BAD_REQUEST and self.violations is None:
            return None
        detail = self.body[:1_000].decode(errors="replace")
        return f"{self.operation}: {self.status} {self.violations or ''} {detail}"


def exchanges(stage: Stage, port: int) -> Iterator[Exchange]:
    """Send every operation through the proxy at `port`: those that read first, those that delete last."""
    operations = [
        (method, path, methods[method])
        for method in _ORDER
        for path, methods in stage.document["paths"].items()
        if method in methods
    ]
    for method, path, operation in operations:
        yield _exchange(stage, port, method, path, operation)


def _exchange(stage: Stage, port: int, method: str, path: str, operation: dict[str, Any]) -> Exchange:
    name = operation["operationId"]
    body, media_type = _body(name, operation)
    headers = stage.headers_of(operation) | ({"content-type": media_type} if body else {})
    headers |= _HEADERS.get(name, {})
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_S)
    try:
        connection.request(method.upper(), _target(stage, path, operation), body, headers)
        answer = connection.getresponse()
        return Exchange(name, answer.status, answer.read(), answer.getheader("sl-violations"))
    finally:
        connection.close()


def _target(stage: Stage, path: str, operation: dict[str, Any]) -> str:
    name = operation["operationId"]
    values = stage.path_parameters(path, operation) | ({"tenant": OTHER} if name == "removeTenant" else {})
    query = _QUERIES.get(name) or stage.query_of(name)
    filled = path.format(**{key: quote(value, safe="") for key, value in values.items()})
    return f"{filled}?{urlencode(query)}" if query else filled


def _body(name: str, operation: dict[str, Any]) -> tuple[bytes | None, str]:
    content = operation.get("requestBody", {}).get("content", {})
    media_type = NDJSON if name == "startReconciliation" else "application/json"
    if media_type not in content:
        return None, ""
    sent = _BODIES[name] if name in _BODIES else content[media_type]["example"]
    return json.dumps(sent).encode(), media_type
