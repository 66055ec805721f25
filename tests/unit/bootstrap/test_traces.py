"""Configuration of traces by the standard variables of OpenTelemetry."""

import pytest

from calltally import tracing
from calltally.bootstrap import traces
from calltally.bootstrap.traces import are_traces_configured, export_traces
from calltally.calls.errors import Misconfigured

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environment", "is_on"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, False),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
    ],
)
def test_traces_are_exported_where_an_endpoint_is_set(environment: dict[str, str], is_on: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    assert are_traces_configured(environment) == is_on


def test_grpc_is_refused() -> None:
    with pytest.raises(Misconfigured, match="only the protocol http/protobuf is supported, not grpc"):
        are_traces_configured({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(traces, "import_module", fail)
    with pytest.raises(
        Misconfigured, match=r"OTEL_EXPORTER_OTLP_ENDPOINT is set, .* install calltally\[otel\]"
    ):
        export_traces(ENDPOINT)


def test_without_configuration_there_are_no_spans() -> None:
    export_traces({})()
    assert tracing.begin_request({}, "GET") is None
    assert tracing.current_span() is None
    with tracing.commit_span([None]) as commit, tracing.client_span("a.example") as headers:
        assert (commit, headers) == (None, {})
