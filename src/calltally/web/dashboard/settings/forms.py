"""Forms of the settings page. They run the operations of the API."""

import msgspec

from calltally.alerts.model.rules import read_rules, rules_as_values
from calltally.calls.errors import CalltallyError, InvalidInput
from calltally.ingest.callbacks import is_genuine
from calltally.providers.callback import Callback
from calltally.providers.registry import PROVIDERS
from calltally.providers.twilio.signature import HEADER, sign
from calltally.providers.twilio.words import NAME as TWILIO
from calltally.store.alerts.detector_state import put_rules
from calltally.store.tenants.routes import checked_route
from calltally.store.tenants.tenants import (
    add_tenant,
    need_tenant,
    new_epoch,
    set_bridged_is_escalation,
    set_default_country,
    set_masking,
    set_retention,
)
from calltally.store.tenants.vault import find_provider_secrets
from calltally.web.api.admin.handlers import new_key, revoke, store_route, store_secrets
from calltally.web.dashboard.calls.links import first_value
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.pages import return_path
from calltally.web.dashboard.rendering import redirect, render_page
from calltally.web.dashboard.settings.page import PATH, SECRETS, settings_values
from calltally.web.dashboard.settings.settings_form import settings_form
from calltally.web.dashboard.sign_in.visitor import Visitor, session_header
from calltally.web.request.access import ADMIN, ALERTS_WRITE
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.paths import service_url
from calltally.web.request.query import Pairs
from calltally.web.response.response import Response


@settings_form(f"{PATH}/tenants", ADMIN)
async def create_tenant(request: AnyRequest, _visitor: Visitor, pairs: Pairs) -> None:
    deps, tenant, name = dependencies_of(request), first_value(pairs, "id"), first_value(pairs, "name")
    await deps.store.write(add_tenant(tenant, name, deps.clock(), new_epoch()))


@settings_form(f"{PATH}/look", ADMIN)
async def switch_tenant(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    tenant = await dependencies_of(request).store.read(need_tenant(first_value(pairs, "tenant")))
    session = visitor.session._replace(tenant=tenant.tenant)
    return redirect(return_path(pairs), session_header(request, session))


@settings_form(f"{PATH}/retention", ADMIN)
async def set_retention_days(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> None:
    days = first_value(pairs, "days")
    if days and not (days.isdecimal() and days.isascii()):
        raise InvalidInput.of("days", "days must be a whole number, or empty to keep calls forever")
    await dependencies_of(request).store.write(set_retention(visitor.tenant, int(days) if days else None))


@settings_form(f"{PATH}/masking", ADMIN)
async def set_masking_of_numbers(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> None:
    deps = dependencies_of(request)
    await deps.store.write(set_masking(visitor.tenant, masks=first_value(pairs, "masks") == "on"))
    deps.keys.forget_tenant(visitor.tenant)


@settings_form(f"{PATH}/escalation", ADMIN)
async def set_escalations(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> None:
    """Set whether the quality counts bridged transfers as escalations."""
    counts = first_value(pairs, "bridged") == "on"
    await dependencies_of(request).store.write(set_bridged_is_escalation(visitor.tenant, counts=counts))


@settings_form(f"{PATH}/country", ADMIN)
async def set_country(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> None:
    deps, country = dependencies_of(request), first_value(pairs, "country").strip().upper()
    await deps.store.write(set_default_country(visitor.tenant, country or None))
    deps.keys.forget_tenant(visitor.tenant)


@settings_form(f"{PATH}/keys", ADMIN)
async def create_key(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Create a key. Only this response contains it."""
    scopes = [value for name, value in pairs if name == "scope"]
    key = await new_key(dependencies_of(request), visitor.tenant, scopes, first_value(pairs, "name"))
    return render_page("settings.html", visitor, await settings_values(request, visitor, new_key=key.text))


@settings_form(f"{PATH}/revoked-keys", ADMIN)
async def revoke_api_key(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> None:
    await revoke(dependencies_of(request), visitor.tenant, first_value(pairs, "key"))


@settings_form(f"{PATH}/routes", ADMIN)
async def set_route(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> None:
    """Replace a route. Numbers missing from the form are removed from it."""
    numbers = first_value(pairs, "numbers").replace(",", "\n").splitlines()
    route = checked_route(
        first_value(pairs, "route"),
        [number.strip() for number in numbers if number.strip()],
        agent=first_value(pairs, "agent") or None,
        provider=first_value(pairs, "provider") or None,
    )
    await store_route(dependencies_of(request), visitor.tenant, route)


@settings_form(SECRETS, ADMIN)
async def set_secrets(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> None:
    """Store a provider's secrets, encrypted. No page contains them."""
    given = {name.removeprefix("secret."): value for name, value in pairs if name.startswith("secret.")}
    await store_secrets(dependencies_of(request), visitor.tenant, first_value(pairs, "provider"), given)


@settings_form(f"{PATH}/checks", ADMIN)
async def check_provider(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> Response:
    """Check that the stored secret can be decrypted, and that a callback signed with it is accepted."""
    provider, url = first_value(pairs, "provider"), first_value(pairs, "url")
    message = await _check_message(request, visitor, provider, url)
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
    own = f"{service_url(request)}/api/v1/ingest/{name}/{visitor.tenant}"
    signed = {HEADER: sign(url, [], secrets["auth_token"])}
    callback = Callback(method="POST", url=own, headers=signed, body=b"", received_us=deps.clock())
    text_name = "check_good" if is_genuine(provider, callback, secrets) else "check_bad"
    return text(text_name, provider=name, url=url, own=own)


@settings_form(f"{PATH}/rules", ALERTS_WRITE)
async def set_rules(request: AnyRequest, visitor: Visitor, pairs: Pairs) -> None:
    """Replace the alert rules from JSON; missing fields get their defaults."""
    deps = dependencies_of(request)
    rules = rules_as_values(read_rules(first_value(pairs, "rules") or "{}", is_toml=False))
    await deps.store.write(put_rules(visitor.tenant, msgspec.json.encode(rules), deps.clock()))
