"""Traces of `calltally serve`, as a collector on loopback receives them by OTLP over HTTP."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.acceptance.live import serving

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector(ThreadingHTTPServer):
    """Collector that keeps what it receives."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.received: list[ExportTraceServiceRequest] = []
        self.paths: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    """Receiver of one request."""

    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.paths.add(self.path)
        self.server.received.append(ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Write nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        thread = Thread(target=collector.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_spans_arrive_at_a_collector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
        with serving(tmp_path) as live:
            live.request("GET", "/api/v1/call-logs", headers={"traceparent": f"00-{TRACE}-{'1' * 16}-01"})
        # The service has ended, and sent its last spans before.
    resources = [each for request in collector.received for each in request.resource_spans]
    spans = [span for each in resources for scope in each.scope_spans for span in scope.spans]
    (request,) = [span for span in spans if span.trace_id.hex() == TRACE]
    assert request.name == "GET /api/v1/call-logs"
    assert request.parent_span_id.hex() == "1" * 16
    attributes = {each.key: each.value for each in request.attributes}
    assert attributes["http.response.status_code"].int_value == 401
    assert attributes["calltally.request_id"].string_value
    names = {each.key: each.value.string_value for each in resources[0].resource.attributes}
    assert names["service.name"] == "calltally"
    assert collector.paths == {"/v1/traces"}
