"""What is known of one request while it is under way, from the envelope to the handler."""

from typing import Any, Final, NoReturn

from litestar import Request
from litestar.types import Scope

from calltally.calls.errors import InvalidInput, Unauthorized
from calltally.web.request.access import Access
from calltally.web.request.dependencies import Dependencies

AnyRequest = Request[Any, Any, Any]
_KEY: Final = "exchange"


class RequestContext:
    """One request: filled by the envelope (id, headers), then by admission (access, tenant, budget)."""

    __slots__ = (
        "access",
        "deps",
        "headers",
        "is_head",
        "is_lasting",
        "media_type",
        "remaining",
        "request_id",
        "tenant",
    )

    def __init__(self, deps: Dependencies, request_id: bytes, headers: dict[bytes, bytes]) -> None:
        self.deps = deps
        self.request_id = request_id
        # By lower-case name; of a repeated header the last.
        self.headers = headers
        self.access: Access | None = None
        self.tenant: str | None = None
        self.remaining = deps.limits.limit
        # What was asked by HEAD is handled as GET; only what takes long to make has to know.
        self.is_head = False
        # Whether what is answered never changes under its URL, and is nobody's own.
        self.is_lasting = False
        # What Accept chose, of the types that the operation offers.
        self.media_type = b"application/json"

    def attach(self, scope: Scope) -> None:
        """Make it findable from the scope that the framework hands on."""
        scope.setdefault("state", {})[_KEY] = self


def context_of(scope: Scope) -> RequestContext:
    """The exchange that the envelope attached to `scope`."""
    context: RequestContext = scope["state"][_KEY]
    return context


def dependencies_of(request: AnyRequest) -> Dependencies:
    """The parts that the application was made of."""
    return context_of(request.scope).deps


def access_of(request: AnyRequest) -> Access:
    """Who asks. Only for operations that declare a scope: the others let anybody in."""
    return context_of(request.scope).access or _not_admitted()


def tenant_of(request: AnyRequest) -> str:
    """The tenant whose data may be touched: the key's own, or the one that the admin key names."""
    context = context_of(request.scope)
    if context.tenant is None and context.access is not None:
        raise InvalidInput.of("tenant", "the admin key is of no tenant; name one with tenant=")
    return context.tenant or _not_admitted()


def _not_admitted() -> NoReturn:
    raise Unauthorized("this operation declares no scope, so nobody was identified")
