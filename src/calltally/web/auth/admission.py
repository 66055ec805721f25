"""Checks that every request passes before its handler runs, by the declaration of its operation."""

from calltally.calls.errors import Forbidden, InvalidInput, TooManyRequests
from calltally.calls.list_query import TENANT_PARAMETER
from calltally.store.tenants.tenants import Tenant, need_tenant
from calltally.web.openapi.operation import FORMAT, OPERATION_KEY, Operation
from calltally.web.request.access import ADMIN, Access
from calltally.web.request.context import AnyRequest, RequestContext, context_of
from calltally.web.request.query import Pairs, check_parameter_names, query_pairs
from calltally.web.response.deprecation import Deprecation
from calltally.web.response.negotiation import choose_type


def pairs_without_tenant(request: AnyRequest) -> list[tuple[str, str]]:
    """Return the query without `tenant`, which admission has read already."""
    return [pair for pair in query_pairs(request.scope["query_string"]) if pair[0] != TENANT_PARAMETER.name]


async def admit(request: AnyRequest) -> None:
    operation: Operation = request.route_handler.opt[OPERATION_KEY]
    context = context_of(request.scope)
    # First, so that refusals announce it too.
    if (deprecation := _deprecation_of(request, operation)) is not None:
        context.deprecation_headers = deprecation.headers(context.deps.public_path)
    if operation.scope is not None:
        await _identify(context, operation)
        _count(context, operation)
        if context.access is not None:
            check_scope(context.access, operation.scope)
    # A handler that parses its query accepts any form: for a callback URL, the signature decides.
    is_read = operation.is_tenant_scoped or not operation.parses_query
    pairs = query_pairs(request.scope["query_string"]) if is_read else ()
    if not operation.parses_query:
        _check_names(context, operation, pairs)
    if operation.is_negotiated and not (operation.has_format and any(name == FORMAT for name, _ in pairs)):
        context.media_type = choose_type(context.headers.get(b"accept"), operation.media_types)
    names_tenant = not operation.allows_all_tenants or any(name == TENANT_PARAMETER.name for name, _ in pairs)
    if context.tenant is None and operation.is_tenant_scoped and names_tenant:
        named = await read_named_tenant(context, pairs)
        context.tenant = named.tenant
        context.access = context.access and context.access._replace(country=named.default_country)


def _deprecation_of(request: AnyRequest, operation: Operation) -> Deprecation | None:
    """Return the deprecation of the operation, else of the first deprecated parameter in the query."""
    if operation.deprecation is not None or not operation.deprecated_parameters:
        return operation.deprecation
    names = (name for name, _ in query_pairs(request.scope["query_string"]))
    return next((found for name in names if (found := operation.deprecated_parameters.get(name))), None)


async def _identify(context: RequestContext, operation: Operation) -> None:
    """Authenticate the caller. Only the kinds of keys that this operation accepts are read."""
    headers, is_admin_only = context.headers, operation.scope == ADMIN
    admin_key = headers.get(b"x-admin-key") if is_admin_only or operation.is_tenant_scoped else None
    bearer = None if is_admin_only and admin_key is not None else headers.get(b"authorization")
    access = await context.deps.keys.access(bearer, admin_key)
    if is_admin_only and not access.is_admin:
        raise Forbidden("this needs the admin key, sent as x-admin-key; a tenant's key may not do it")
    if context.deps.key_uses is not None:
        context.deps.key_uses.note(access)
    context.access = access
    context.tenant = access.tenant


def _count(context: RequestContext, operation: Operation) -> None:
    if not operation.is_rate_limited or context.access is None:
        return
    try:
        context.remaining = context.deps.limits.take(context.access.key_id)
    except TooManyRequests:
        context.remaining = 0
        raise


def check_scope(access: Access, scope: str, why: str = "") -> None:
    if not access.has_scope(scope):
        has, reason = ", ".join(sorted(access.scopes)) or "none", f", since {why}" if why else ""
        raise Forbidden(f"this needs the scope {scope}{reason}; the key has {has}")


def _check_names(context: RequestContext, operation: Operation, pairs: Pairs) -> None:
    if pairs:
        is_admin = context.access is not None and context.access.is_admin
        extra = (TENANT_PARAMETER,) if operation.is_tenant_scoped else ()
        check_parameter_names(pairs, (*operation.query, *extra), is_admin=is_admin)


async def read_named_tenant(context: RequestContext, pairs: Pairs) -> Tenant:
    """Return the tenant that the admin key names. Raises NotFound for an unknown tenant."""
    name = next((value for name, value in pairs if name == TENANT_PARAMETER.name), None)
    if name is None:
        raise InvalidInput.of("tenant", "the admin key needs a tenant; name it with tenant=")
    return await context.deps.store.read(need_tenant(name))
