"""Spans of OpenTelemetry. Imported only where traces are configured."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import Token
from typing import Final

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from calltally import __version__, tracing
from calltally.tracing import Attributes, Revision, SpanIdentity

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_HEADERS: Final = (b"traceparent", b"tracestate")
# Revisions whose commits the spans of their deliveries link to.
_MAX_REVISIONS: Final = 10_000


class OtelRequestSpan:
    """Span of a request, which is the current one of its task until it ends."""

    def __init__(self, span: Span, token: Token[Context]) -> None:
        self._span = span
        self._token = token

    def end(self, name: str, attributes: Attributes, *, is_error: bool) -> None:
        self._span.update_name(name)
        self._span.set_attributes(attributes)
        if is_error:
            self._span.set_status(StatusCode.ERROR)
        context.detach(self._token)
        self._span.end()


class OtelSpans:
    """Maker of spans by one tracer."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._commits: OrderedDict[Revision, SpanContext] = OrderedDict()

    def begin_request(self, headers: Mapping[bytes, bytes], method: str) -> OtelRequestSpan:
        carrier = {name.decode(): headers[name].decode("latin-1") for name in _HEADERS if name in headers}
        parent = _PROPAGATOR.extract(carrier, Context())
        span = self._tracer.start_span(method, parent, SpanKind.SERVER)
        return OtelRequestSpan(span, context.attach(trace.set_span_in_context(span, parent)))

    def current_span(self) -> SpanContext | None:
        found = trace.get_current_span().get_span_context()
        return found if found.is_valid else None

    @contextmanager
    def commit_span(self, requests: Iterable[SpanIdentity]) -> Iterator[SpanIdentity]:
        spans = {each.span_id: each for each in requests if isinstance(each, SpanContext)}
        with self._root_span("commit", {"calltally.requests": len(spans)}, spans.values()) as span:
            yield span

    def note_commit(self, commit: SpanIdentity, revisions: Iterable[Revision]) -> None:
        if isinstance(commit, SpanContext):
            self._commits |= dict.fromkeys(revisions, commit)
        while len(self._commits) > _MAX_REVISIONS:
            self._commits.popitem(last=False)

    @contextmanager
    def delivery_span(
        self, name: str, attributes: Attributes, revision: Revision | None
    ) -> Iterator[SpanIdentity]:
        commit = self._commits.get(revision) if revision is not None else None
        with self._root_span(name, attributes, [] if commit is None else [commit]) as span:
            yield span

    @contextmanager
    def client_span(self, host: str) -> Iterator[Mapping[str, str]]:
        # Neither path nor query: the URL of a sink can hold a secret.
        attributes = {"http.request.method": "POST", "server.address": host}
        headers: dict[str, str] = {}
        with self._tracer.start_as_current_span("POST", kind=SpanKind.CLIENT, attributes=attributes):
            _PROPAGATOR.inject(headers)
            yield headers

    @contextmanager
    def _root_span(
        self, name: str, attributes: Attributes, linked: Iterable[SpanContext]
    ) -> Iterator[SpanIdentity]:
        # The writer's task was started by a request, whose span is no parent of later commits.
        links = [Link(each) for each in linked]
        with self._tracer.start_as_current_span(name, Context(), attributes=attributes, links=links) as span:
            yield span.get_span_context()


def start_export(*, is_named: bool) -> Callable[[], None]:
    """Export spans by OTLP from now on. Returns the function that sends the last ones and ends it.

    The library reads the address, the sampler and all else from the environment.
    """
    name = {} if is_named else {"service.name": "calltally"}
    resource = Resource.create({"service.version": __version__, **name})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracing.activate(OtelSpans(provider.get_tracer("calltally", __version__)))

    def end() -> None:
        tracing.activate(None)
        provider.shutdown()

    return end
