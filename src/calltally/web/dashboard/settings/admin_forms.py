"""Forms of the administrator: tenants, keys, routes, secrets, retention.

They run the operations of the API.
"""

from typing import Any, Final

from litestar import post

from calltally.calls.errors import CalltallyError, InvalidInput
from calltally.ingest.callbacks import is_genuine
from calltally.providers.callback import Callback
from calltally.providers.credentials import validated_secrets
from calltally.providers.registry import PROVIDERS
from calltally.providers.twilio.signature import HEADER, sign
from calltally.providers.twilio.words import NAME as TWILIO
from calltally.store.tenants.api_keys import add_key, mint_key, revoke_key
from calltally.store.tenants.routes import checked_route, put_route
from calltally.store.tenants.tenants import add_tenant, need_tenant, new_epoch, set_retention
from calltally.store.tenants.vault import find_provider_secrets, put_provider_secrets
from calltally.web.dashboard.calls.links import first_value, non_empty
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.error_page import handle_page_exception
from calltally.web.dashboard.forms import checked_form, return_path
from calltally.web.dashboard.operations import page_operation
from calltally.web.dashboard.rendering import redirect, render_page
from calltally.web.dashboard.settings.page import PATH, settings_values
from calltally.web.dashboard.sign_in.page import session_header
from calltally.web.dashboard.sign_in.scopes import require_admin
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.public_url import public_origin
from calltally.web.request.query import Pairs
from calltally.web.response.response import Response

_HANDLING: Final[Any] = {Exception: handle_page_exception}
TENANTS, LOOK, RETENTION = f"{PATH}/tenants", f"{PATH}/look", f"{PATH}/retention"
KEYS, REVOKED = f"{PATH}/keys", f"{PATH}/revoked-keys"
ROUTES, PROVIDERS_PATH, CHECKS = f"{PATH}/routes", f"{PATH}/providers", f"{PATH}/checks"


async def _admin_form(request: AnyRequest) -> tuple[Visitor, Pairs]:
    visitor, pairs = await checked_form(request)
    require_admin(visitor)
    return visitor, non_empty(pairs)


@post(TENANTS, operation=page_operation(f"POST {TENANTS}"), status_code=200, exception_handlers=_HANDLING)
async def create_tenant(request: AnyRequest) -> Response:
    """Create a tenant with an empty ledger."""
    _visitor, pairs = await _admin_form(request)
    operation = add_tenant(
        first_value(pairs, "id"), first_value(pairs, "name"), dependencies_of(request).clock(), new_epoch()
    )
    await dependencies_of(request).store.write(operation)
    return redirect(return_path(pairs))


@post(LOOK, operation=page_operation(f"POST {LOOK}"), status_code=200, exception_handlers=_HANDLING)
async def switch_tenant(request: AnyRequest) -> Response:
    """Open another tenant in the same session."""
    visitor, pairs = await _admin_form(request)
    tenant = await dependencies_of(request).store.read(need_tenant(first_value(pairs, "tenant")))
    return redirect(
        return_path(pairs), session_header(request, visitor.session._replace(tenant=tenant.tenant))
    )


@post(RETENTION, operation=page_operation(f"POST {RETENTION}"), status_code=200, exception_handlers=_HANDLING)
async def set_retention_days(request: AnyRequest) -> Response:
    """Set the retention in days; an empty field keeps calls forever."""
    visitor, pairs = await _admin_form(request)
    days = first_value(pairs, "days")
    if days and not (days.isdecimal() and days.isascii()):
        raise InvalidInput.of("days", "days must be a whole number, or empty to keep calls forever")
    await dependencies_of(request).store.write(set_retention(visitor.tenant, int(days) if days else None))
    return redirect(return_path(pairs))


@post(KEYS, operation=page_operation(f"POST {KEYS}"), status_code=200, exception_handlers=_HANDLING)
async def create_key(request: AnyRequest) -> Response:
    """Create a key. Only this response contains it."""
    visitor, pairs = await _admin_form(request)
    key = mint_key(visitor.tenant, [value for name, value in pairs if name == "scope"])
    deps = dependencies_of(request)
    await deps.store.write(add_key(visitor.tenant, key, first_value(pairs, "name"), deps.clock()))
    return render_page("settings.html", visitor, await settings_values(request, visitor, new_key=key.text))


@post(REVOKED, operation=page_operation(f"POST {REVOKED}"), status_code=200, exception_handlers=_HANDLING)
async def revoke_api_key(request: AnyRequest) -> Response:
    """Revoke a key, effective at once in this process."""
    visitor, pairs = await _admin_form(request)
    deps, key_id = dependencies_of(request), first_value(pairs, "key")
    await deps.store.write(revoke_key(visitor.tenant, key_id, deps.clock()))
    deps.keys.forget(visitor.tenant, key_id)
    return redirect(return_path(pairs))


@post(ROUTES, operation=page_operation(f"POST {ROUTES}"), status_code=200, exception_handlers=_HANDLING)
async def set_route(request: AnyRequest) -> Response:
    """Replace a route. Numbers missing from the form are removed from it."""
    visitor, pairs = await _admin_form(request)
    deps, numbers = dependencies_of(request), first_value(pairs, "numbers").replace(",", "\n").splitlines()
    route = checked_route(
        first_value(pairs, "route"),
        [number.strip() for number in numbers if number.strip()],
        agent=first_value(pairs, "agent") or None,
        provider=first_value(pairs, "provider") or None,
    )
    await deps.store.write(put_route(visitor.tenant, route, deps.clock()))
    deps.intake.invalidate(visitor.tenant)
    return redirect(return_path(pairs))


@post(
    PROVIDERS_PATH,
    operation=page_operation(f"POST {PROVIDERS_PATH}"),
    status_code=200,
    exception_handlers=_HANDLING,
)
async def set_secrets(request: AnyRequest) -> Response:
    """Store a provider's secrets, encrypted. No page contains them."""
    visitor, pairs = await _admin_form(request)
    deps, provider = dependencies_of(request), first_value(pairs, "provider")
    given = {name.removeprefix("secret."): value for name, value in pairs if name.startswith("secret.")}
    sealed = deps.vault.seal(visitor.tenant, provider, validated_secrets(provider, given))
    await deps.store.write(put_provider_secrets(visitor.tenant, provider, sealed, deps.clock()))
    deps.intake.invalidate(visitor.tenant)
    return redirect(return_path(pairs))


@post(CHECKS, operation=page_operation(f"POST {CHECKS}"), status_code=200, exception_handlers=_HANDLING)
async def check_provider(request: AnyRequest) -> Response:
    """Check that the stored secret can be decrypted, and that a callback signed with it is accepted."""
    visitor, pairs = await _admin_form(request)
    message = await _check_message(
        request, visitor, first_value(pairs, "provider"), first_value(pairs, "url")
    )
    return render_page("settings.html", visitor, await settings_values(request, visitor, checked=message))


async def _check_message(request: AnyRequest, visitor: Visitor, name: str, url: str) -> str:
    deps, provider = dependencies_of(request), PROVIDERS.get(name)
    sealed = await deps.store.read(find_provider_secrets(visitor.tenant, name)) if provider else None
    if provider is None or sealed is None:
        return text("check_none", provider=name)
    try:
        secrets = deps.vault.open(visitor.tenant, name, sealed)
    except CalltallyError as fault:
        return fault.detail
    if provider.name != TWILIO:
        return text("check_opens", provider=name)
    # Signed for the URL that the provider calls, verified for the public URL of this service.
    own = f"{public_origin(request)}/api/v1/ingest/{name}/{visitor.tenant}"
    signed = {HEADER: sign(url, [], secrets["auth_token"])}
    callback = Callback(method="POST", url=own, headers=signed, body=b"", received_us=deps.clock())
    text_name = "check_good" if is_genuine(provider, callback, secrets) else "check_bad"
    return text(text_name, provider=name, url=url, own=own)
