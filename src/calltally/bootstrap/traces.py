"""Export of traces by OTLP over HTTP, if the standard variables of OpenTelemetry ask for it."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from calltally.calls.errors import Misconfigured

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP: Final = "http/protobuf"


def are_traces_configured(environment: Mapping[str, str]) -> bool:
    """Decide whether to export traces. Raises Misconfigured if that needs what is not installed."""
    variable = next((name for name in _ENDPOINTS if environment.get(name)), None)
    is_off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if variable is None or is_off or environment.get("OTEL_TRACES_EXPORTER", "otlp") == "none":
        return False
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), _HTTP)
    if protocol != _HTTP:
        message = f"{variable} is set, but only the protocol {_HTTP} is supported, not {protocol}"
        raise Misconfigured(message)
    try:
        import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as fault:
        message = (
            f"{variable} is set, but OpenTelemetry is not installed: install calltally[otel], or unset it"
        )
        raise Misconfigured(message) from fault
    return True


def export_traces(environment: Mapping[str, str]) -> Callable[[], None]:
    """Export traces if they are configured. Returns the function that sends the last ones and ends it."""
    if not are_traces_configured(environment):
        return lambda: None
    from calltally.bootstrap.otel_spans import start_export  # deferred: an optional dependency

    return start_export(is_named=_is_named(environment))


def _is_named(environment: Mapping[str, str]) -> bool:
    """Decide whether the variables name the service, which then has no name of ours."""
    attributes = environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return bool(environment.get("OTEL_SERVICE_NAME")) or "service.name=" in attributes
