"""What every request passes before its handler runs, from the handler's declaration alone."""

from typing import Final

from calltally.calls.errors import Forbidden, InvalidInput, TooManyRequests
from calltally.calls.filters import PARAMETERS
from calltally.store.tenants.tenants import need_tenant
from calltally.web.openapi.operation import FORMAT, OPT, Operation
from calltally.web.request.access import ADMIN, Access
from calltally.web.request.context import AnyRequest, Exchange, exchange_in
from calltally.web.request.query import Pairs, check_names, pairs_of
from calltally.web.response.negotiation import choose_type

TENANT_PARAMETER: Final = next(each for each in PARAMETERS if each.is_for_admin)


def without_tenant(request: AnyRequest) -> list[tuple[str, str]]:
    """The query but for the tenant, whom admission has read already."""
    return [pair for pair in pairs_of(request.scope["query_string"]) if pair[0] != TENANT_PARAMETER.name]


async def admit(request: AnyRequest) -> None:
    """Who asks, within which budget, with which right, by which names, for which media type."""
    operation: Operation = request.route_handler.opt[OPT]
    exchange = exchange_in(request.scope)
    if operation.scope is not None:
        await _identify(exchange, operation)
        _count(exchange, operation)
        if exchange.access is not None:
            check_scope(exchange.access, operation.scope)
    # What only the handler reads may be of any form: of a callback's URL the signature decides.
    is_read = operation.of_tenant or not operation.reads_query
    pairs = pairs_of(request.scope["query_string"]) if is_read else ()
    if not operation.reads_query:
        _check_names(exchange, operation, pairs)
    if operation.negotiated and not (operation.has_format and any(name == FORMAT for name, _ in pairs)):
        exchange.media_type = choose_type(exchange.headers.get(b"accept"), operation.media_types)
    names_tenant = not operation.of_tenants or any(name == TENANT_PARAMETER.name for name, _ in pairs)
    if exchange.tenant is None and operation.of_tenant and names_tenant:
        exchange.tenant = await named_tenant(exchange, pairs)


async def _identify(exchange: Exchange, operation: Operation) -> None:
    """Only the kinds of key that could do are looked at: the other kind is no key here."""
    headers, is_admin_only = exchange.headers, operation.scope == ADMIN
    bearer = None if is_admin_only else headers.get(b"authorization")
    admin_key = headers.get(b"x-admin-key") if is_admin_only or operation.of_tenant else None
    access = await exchange.parts.keys.access(bearer, admin_key)
    exchange.access = access
    exchange.tenant = access.tenant


def _count(exchange: Exchange, operation: Operation) -> None:
    if not operation.counted or exchange.access is None:
        return
    try:
        exchange.remaining = exchange.parts.limits.take(exchange.access.key_id)
    except TooManyRequests:
        exchange.remaining = 0
        raise


def check_scope(access: Access, scope: str, why: str = "") -> None:
    """Raise Forbidden for a key without the scope."""
    if not access.may(scope):
        has, reason = ", ".join(sorted(access.scopes)) or "none", f", since {why}" if why else ""
        raise Forbidden(f"this needs the scope {scope}{reason}; the key has {has}")


def _check_names(exchange: Exchange, operation: Operation, pairs: Pairs) -> None:
    if pairs:
        is_admin = exchange.access is not None and exchange.access.is_admin
        extra = (TENANT_PARAMETER,) if operation.of_tenant else ()
        check_names(pairs, (*operation.query, *extra), is_admin=is_admin)


async def named_tenant(exchange: Exchange, pairs: Pairs) -> str:
    """The tenant that the admin key names. Raises NotFound for one that is not there."""
    name = next((value for name, value in pairs if name == TENANT_PARAMETER.name), None)
    if name is None:
        raise InvalidInput.of("tenant", "the admin key is of no tenant; name one with tenant=")
    return (await exchange.parts.store.read(need_tenant(name))).tenant
