"""Context of one request, shared by the middleware, admission and the handler."""

from typing import Any, Final, NoReturn

from litestar import Request
from litestar.types import Scope

from calltally.calls.errors import InvalidInput, Unauthorized
from calltally.web.request.access import Access
from calltally.web.request.dependencies import Dependencies

AnyRequest = Request[Any, Any, Any]
_KEY: Final = "exchange"


class RequestContext:
    """Context of one request.

    The middleware sets the id and the headers; admission sets access, tenant and the remaining budget.
    """

    __slots__ = (
        "access",
        "deps",
        "headers",
        "is_head",
        "is_immutable",
        "media_type",
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

    def attach(self, scope: Scope) -> None:
        scope.setdefault("state", {})[_KEY] = self


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
