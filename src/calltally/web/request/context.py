"""Context of one request, shared by the middleware, admission and the handler."""

from http import HTTPStatus
from typing import Any, Final, NoReturn

from litestar import Request
from litestar.types import Scope
from msgspec import UNSET, UnsetType

from calltally.calls.errors import InvalidInput, Unauthorized
from calltally.logs import RequestLine, redact_text
from calltally.tracing import RequestSpan
from calltally.web.request.access import Access
from calltally.web.request.dependencies import Dependencies

AnyRequest = Request[Any, Any, Any]
_KEY: Final = "exchange"
_PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestContext:
    """Context of one request.

    The middleware sets the id and the headers; admission sets access, tenant and the remaining budget.
    """

    __slots__ = (
        "access",
        "deprecation_headers",
        "deps",
        "headers",
        "is_head",
        "is_immutable",
        "media_type",
        "provider",
        "reason",
        "remaining",
        "request_id",
        "tenant",
    )

    def __init__(self, deps: Dependencies, request_id: bytes, headers: dict[bytes, bytes]) -> None:
        self.deps = deps
        self.request_id = request_id
        # By lower-case name. For a repeated header, the last value.
        self.headers = headers
        self.access: Access | None = None
        self.tenant: str | None = None
        self.remaining = deps.limits.limit
        # Handlers treat HEAD as GET. Only expensive responses look at this flag.
        self.is_head = False
        # The response never changes under its URL and is public.
        self.is_immutable = False
        # The media type that Accept selects from the types of the operation.
        self.media_type = b"application/json"
        # Headers of a response to a deprecated request.
        self.deprecation_headers: tuple[tuple[bytes, bytes], ...] = ()
        # For the access line: the provider of a callback, and the cause of a refusal.
        self.provider: str | None = None
        self.reason: str | None = None

    def attach(self, scope: Scope) -> None:
        scope.setdefault("state", {})[_KEY] = self


def request_line(context: RequestContext, route: str, method: str, status: int) -> RequestLine:
    """Return the access line of a request, without its duration and size."""
    request_id = context.request_id.decode()
    # A client can put a number into its own id.
    is_own = context.headers.get(b"x-request-id") is context.request_id
    access = context.access
    return RequestLine(
        method,
        route,
        status,
        0.0,
        0,
        redact_text(request_id) if is_own else request_id,
        context.tenant or UNSET,
        access.name if access else UNSET,
        context.provider or UNSET,
        context.reason or UNSET,
        "debug" if route in _PROBES else "info",
    )


def end_request_span(span: RequestSpan, line: RequestLine) -> None:
    """End a request's span, with the fields of its access line."""
    known = {"calltally.tenant": line.tenant, "calltally.provider": line.provider, "error.type": line.reason}
    attributes: dict[str, str | int] = {
        name: value for name, value in known.items() if not isinstance(value, UnsetType)
    }
    attributes |= {
        "http.request.method": line.method,
        "http.route": line.route,
        "http.response.status_code": line.status,
        "calltally.request_id": line.request_id,
    }
    is_error = line.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    span.end(f"{line.method} {line.route}", attributes, is_error=is_error)


def context_of(scope: Scope) -> RequestContext:
    """Return the context that the middleware attached to `scope`."""
    context: RequestContext = scope["state"][_KEY]
    return context


def dependencies_of(request: AnyRequest) -> Dependencies:
    return context_of(request.scope).deps


def link_base(request: AnyRequest) -> str:
    """Return the prefix of links: the configured public URL, or empty for relative links."""
    return dependencies_of(request).public_url or ""


def access_of(request: AnyRequest) -> Access:
    """Return the access of the caller. Only for operations that declare a scope."""
    return context_of(request.scope).access or _not_admitted()


def tenant_of(request: AnyRequest) -> str:
    """Return the tenant of the key, or the tenant that the admin key names."""
    context = context_of(request.scope)
    if context.tenant is None and context.access is not None:
        raise InvalidInput.of("tenant", "the admin key needs a tenant; name it with tenant=")
    return context.tenant or _not_admitted()


def _not_admitted() -> NoReturn:
    raise Unauthorized("this operation declares no scope, so there is no authenticated key")
