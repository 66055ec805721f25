"""Visitor of a page: the session of the request's cookie, and the current rights of its key."""

from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from calltally.calls.errors import CalltallyError, Forbidden, NotFound, Unauthorized
from calltally.calls.export_query import zone_of
from calltally.calls.masking import mask_json
from calltally.store.tenants.tenants import need_tenant
from calltally.web.dashboard.cookies import read_cookie
from calltally.web.dashboard.sign_in.session_cookie import (
    COOKIE,
    HOST_COOKIE,
    DashboardSession,
    SignedOut,
    open_session,
)
from calltally.web.request.access import CALLS_READ, PII_READ, Access
from calltally.web.request.context import AnyRequest, context_of, dependencies_of
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.public_url import public_origin
from calltally.web.response.response import Headers

ZONE_COOKIE: Final = "calltally_zone"
THEME_COOKIE: Final = "calltally_theme"
THEMES: Final = ("auto", "light", "dark")
_SAME_SITE: Final = frozenset({b"same-origin", b"none"})
_UTC: Final = "UTC"


class WrongTenant(CalltallyError):
    """The admin key came without the name of an existing tenant."""

    slug = "not-found"
    title = "The tenant does not exist"


class Visitor(NamedTuple):
    """A person with a session: the rights of their key, and the tenant that they read.

    `is_masked`: this page hides full telephone numbers. A tenant's masking sets it, and a reveal clears it.
    """

    session: DashboardSession
    access: Access
    tenant: str
    zone: ZoneInfo
    theme: str
    is_masked: bool = False

    def mask(self, body: bytes) -> bytes:
        """Mask numbers in JSON if required.

        Pages are built from the result, so they cannot contain hidden numbers.
        """
        return mask_json(body) if self.is_masked else body

    @property
    def may_reveal(self) -> bool:
        """Return whether numbers are hidden and the visitor may reveal them."""
        return self.is_masked and self.access.has_scope(PII_READ)

    @property
    def can_read_bodies(self) -> bool:
        """Return whether this page shows raw bodies, which contain numbers in any form."""
        return not self.is_masked and self.access.can_read_bodies


async def visitor_of(request: AnyRequest) -> Visitor:
    """Return the visitor. Raises SignedOut, and Forbidden if the key has lost the right to read calls."""
    deps = dependencies_of(request)
    session = open_session(deps.vault, session_cookie(request), deps.clock())
    try:
        access, tenant = await authenticate(deps, session.key, session.tenant)
    except (Unauthorized, NotFound) as fault:
        raise SignedOut("the key of your session is no longer valid") from fault
    context = context_of(request.scope)
    context.access, context.tenant = access, tenant
    return Visitor(session, access, tenant, zone_cookie(request), theme_cookie(request), access.masks)


async def authenticate(deps: Dependencies, key: str, tenant: str) -> tuple[Access, str]:
    """Return the access of a key and its tenant. Raises Unauthorized, Forbidden, NotFound or WrongTenant."""
    try:
        access = await deps.keys.access(f"Bearer {key}".encode(), None)
    except Unauthorized:
        access = await deps.keys.access(None, key.encode())
    if not access.has_scope(CALLS_READ):
        raise Forbidden(f"this needs the scope {CALLS_READ}")
    if access.tenant is not None:
        return access, access.tenant
    if not tenant:
        raise WrongTenant("the admin key needs a tenant; name one")
    opened_tenant = await deps.store.read(need_tenant(tenant))
    return access._replace(masks=opened_tenant.masks_numbers), opened_tenant.tenant


def is_own_form(request: AnyRequest) -> bool:
    """Return whether a form was sent from this site, as far as the browser tells.

    Browsers send Sec-Fetch-Site (Fetch Metadata). Older ones send only Origin, with the value `null`, because
    our pages send no referrer; they are refused, because another site's form would look the same.
    """
    headers = context_of(request.scope).headers
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        return site in _SAME_SITE
    return origin is None or origin.decode("latin-1") == public_origin(request)


def session_cookie(request: AnyRequest) -> str | None:
    """Return the encrypted session of the request."""
    return cookie_of(request, session_cookie_name(request))


def session_cookie_name(request: AnyRequest) -> str:
    """Return the cookie name; over https, one that only this host can set."""
    return HOST_COOKIE if is_https(request) else COOKIE


def is_https(request: AnyRequest) -> bool:
    """Return whether clients reach the service by https."""
    return public_origin(request).startswith("https:")


def set_cookie(request: AnyRequest, name: str, value: str, *, lasts_s: int) -> Headers:
    """Return the header of a cookie that scripts cannot read and other sites' forms do not send."""
    secure = "; Secure" if is_https(request) else ""
    text = f"{name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{secure}"
    return ((b"set-cookie", text.encode()),)


def zone_cookie(request: AnyRequest) -> ZoneInfo:
    """Return the chosen time zone; default UTC."""
    return zone_of((cookie_of(request, ZONE_COOKIE) or _UTC).replace("%2F", "/")) or ZoneInfo(_UTC)


def theme_cookie(request: AnyRequest) -> str:
    """Return the chosen theme; default `auto`."""
    chosen = cookie_of(request, THEME_COOKIE)
    return chosen if chosen in THEMES else THEMES[0]


def cookie_of(request: AnyRequest, name: str) -> str | None:
    """Return one cookie. Raises BadRequest if all cookies together are too long."""
    return read_cookie(context_of(request.scope).headers.get(b"cookie", b"").decode("latin-1"), name)
