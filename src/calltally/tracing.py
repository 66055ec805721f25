"""Spans around requests, commits and outgoing requests. Without `activate`, each function only compares.

`bootstrap.otel_spans` makes the spans by OpenTelemetry, which is an optional dependency.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol, TypeAlias

Attributes: TypeAlias = Mapping[str, str | int | float]
# Identity of a span, for links. Opaque here.
SpanIdentity: TypeAlias = object
# Tenant and revision.
Revision: TypeAlias = tuple[str, int]

_NO_HEADERS: Final[Mapping[str, str]] = {}


class RequestSpan(Protocol):
    """Span of a request that is being answered."""

    def end(self, name: str, attributes: Attributes, *, is_error: bool) -> None:
        """End the span, in the task that began it. Its name has the route, which routing finds."""


class Spans(Protocol):
    """Maker of spans."""

    def begin_request(self, headers: Mapping[bytes, bytes], method: str) -> RequestSpan:
        """Begin the span of a request, as a child of its `traceparent` (W3C Trace Context)."""

    def current_span(self) -> SpanIdentity | None:
        """Return the span of the running task; None without one."""

    def commit_span(self, requests: Iterable[SpanIdentity]) -> AbstractContextManager[SpanIdentity]:
        """Return the span of one commit, linked to the spans of its requests. It has no parent."""

    def note_commit(self, commit: SpanIdentity, revisions: Iterable[Revision]) -> None:
        """Remember the commit's span for the deliveries of these revisions."""

    def delivery_span(
        self, name: str, attributes: Attributes, revision: Revision | None
    ) -> AbstractContextManager[SpanIdentity]:
        """Return the span of a delivery, linked to the commit of the revision if this process made that."""

    def client_span(self, host: str) -> AbstractContextManager[Mapping[str, str]]:
        """Return the span of an outgoing request, as the headers that propagate it."""


_active: list[Spans] = []


def activate(spans: Spans | None) -> None:
    """Make spans from now on, in place of any earlier maker; None makes no more."""
    _active[:] = [] if spans is None else [spans]


def begin_request(headers: Mapping[bytes, bytes], method: str) -> RequestSpan | None:
    return _active[0].begin_request(headers, method) if _active else None


def current_span() -> SpanIdentity | None:
    return _active[0].current_span() if _active else None


def commit_span(requests: Iterable[SpanIdentity | None]) -> AbstractContextManager[SpanIdentity | None]:
    if not _active:
        return nullcontext()
    return _active[0].commit_span(span for span in requests if span is not None)


def note_commit(commit: SpanIdentity | None, revisions: Iterable[Revision]) -> None:
    if _active and commit is not None:
        _active[0].note_commit(commit, revisions)


def delivery_span(
    name: str, attributes: Attributes, revision: Revision | None = None
) -> AbstractContextManager[SpanIdentity | None]:
    return _active[0].delivery_span(name, attributes, revision) if _active else nullcontext()


def client_span(host: str) -> AbstractContextManager[Mapping[str, str]]:
    return _active[0].client_span(host) if _active else nullcontext(_NO_HEADERS)
