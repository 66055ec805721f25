"""Visitor of a page: the cookies of the request, and the current rights of the session's key."""

from typing import Final, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from calltally.calls.errors import CalltallyError, Forbidden, NotFound, Unauthorized
from calltally.calls.export_query import zone_of
from calltally.calls.masking import mask_json
from calltally.store.tenants.tenants import need_tenant
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.sign_in.session_cookie import (
    COOKIE,
    HOST_COOKIE,
    IDLE_US,
    MAX_SESSION_US,
    SECURE_COOKIE,
    DashboardSession,
    SignedOut,
    open_session,
)
from calltally.web.request.access import ADMIN, CALLS_READ, PII_READ, Access
from calltally.web.request.context import AnyRequest, context_of, dependencies_of
from calltally.web.request.dependencies import Dependencies
from calltally.web.request.paths import service_url
from calltally.web.response.problem_kinds import BadRequest
from calltally.web.response.response import Headers

ZONE_COOKIE: Final = "calltally_zone"
THEME_COOKIE: Final = "calltally_theme"
THEMES: Final = ("auto", "light", "dark")
_SAME_SITE: Final = frozenset({b"same-origin", b"none"})
_UTC: Final = "UTC"
# All dashboard cookies have about 5 KB together. A browser also sends cookies of other services on this host.
MAX_COOKIE_CHARS: Final = 8 * 1024
_SESSION_S: Final = min(IDLE_US, MAX_SESSION_US) // 1_000_000


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
    session = open_session(deps.vault, cookie_of(request, session_cookie_name(request)), deps.clock())
    try:
        access, tenant = await authenticate(deps, session.key, session.tenant)
    except (Unauthorized, NotFound) as fault:
        raise SignedOut("the key of your session is no longer valid; sign in with another one") from fault
    if deps.key_uses is not None:
        deps.key_uses.note(access)
    context = context_of(request.scope)
    context.access, context.tenant = access, tenant
    zone_name = (cookie_of(request, ZONE_COOKIE) or _UTC).replace("%2F", "/")
    return Visitor(
        session,
        access,
        tenant,
        zone_of(zone_name) or ZoneInfo(_UTC),
        theme_of(request),
        access.masks,
    )


def theme_of(request: AnyRequest) -> str:
    """Return the theme that this browser has chosen; also before a sign-in."""
    theme = cookie_of(request, THEME_COOKIE)
    return theme if theme in THEMES else THEMES[0]


def require_scope(visitor: Visitor, scope: str) -> None:
    """Raise Forbidden if the session's key lacks the scope: the same scopes as in the API."""
    if not visitor.access.has_scope(scope):
        raise Forbidden(text("needs_admin" if scope == ADMIN else "needs_scope", scope=scope))


def renewed_session(request: AnyRequest, visitor: Visitor) -> Headers:
    """Return the header of the renewed session cookie if it is due."""
    now_us = dependencies_of(request).clock()
    if not visitor.session.needs_renewal(now_us):
        return ()
    return session_header(request, visitor.session._replace(seen_us=now_us))


def session_header(request: AnyRequest, session: DashboardSession) -> Headers:
    sealed = session.seal(dependencies_of(request).vault)
    return set_cookie(request, session_cookie_name(request), sealed, lasts_s=_SESSION_S)


async def authenticate(deps: Dependencies, key: str, tenant: str) -> tuple[Access, str]:
    """Return the access of a key and its tenant. Raises Unauthorized, Forbidden, NotFound or WrongTenant."""
    try:
        access = await deps.keys.access(f"Bearer {key}".encode(), None)
    except Unauthorized:
        access = await deps.keys.access(None, key.encode())
    if not access.has_scope(CALLS_READ):
        raise Forbidden(f"the pages need the scope {CALLS_READ}, which this key does not have")
    if access.tenant is not None:
        return access, access.tenant
    if not tenant:
        raise WrongTenant("the admin key opens one tenant at a time; enter its id")
    opened_tenant = await deps.store.read(need_tenant(tenant))
    masks, country = opened_tenant.masks_numbers, opened_tenant.default_country
    return access._replace(masks=masks, country=country), opened_tenant.tenant


def is_own_form(request: AnyRequest) -> bool:
    """Return whether a form was sent from this site, as far as the browser tells.

    Browsers send Sec-Fetch-Site (Fetch Metadata). Older ones send only Origin, with the value `null`, because
    our pages send no referrer; they are refused, because another site's form would look the same.
    """
    headers = context_of(request.scope).headers
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        return site in _SAME_SITE
    own = urlsplit(service_url(request))
    return origin is None or origin.decode("latin-1") == f"{own.scheme}://{own.netloc}"


def session_cookie_name(request: AnyRequest) -> str:
    """Return the cookie name; over https, one that only this host can set."""
    if not _is_https(request):
        return COOKIE
    return SECURE_COOKIE if dependencies_of(request).public_path else HOST_COOKIE


def _is_https(request: AnyRequest) -> bool:
    return service_url(request).startswith("https:")


def set_cookie(request: AnyRequest, name: str, value: str, *, lasts_s: int) -> Headers:
    """Return the header of a cookie that scripts cannot read and other sites' forms do not send."""
    secure = "; Secure" if _is_https(request) else ""
    path = dependencies_of(request).public_path or "/"
    cookie = f"{name}={value}; Path={path}; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{secure}"
    return ((b"set-cookie", cookie.encode()),)


def cookie_of(request: AnyRequest, name: str) -> str | None:
    """Return one cookie. Raises BadRequest if all cookies together are too long."""
    return read_cookie(context_of(request.scope).headers.get(b"cookie", b"").decode("latin-1"), name)


def read_cookie(header: str, name: str) -> str | None:
    """Return the value of a cookie (RFC 6265); None if it is missing, the last value if it is repeated.

    Raises BadRequest for a header that is too long. `http.cookies` takes quadratic time for a quoted value.
    Our cookies have no escapes: quotes are stripped, and nothing is decoded.
    """
    if len(header) > MAX_COOKIE_CHARS:
        raise BadRequest(
            f"the cookies for this host have {len(header)} characters, more than {MAX_COOKIE_CHARS}: delete"
            " them in your browser, and sign in again"
        )
    pairs = (pair.partition("=") for pair in header.split(";"))
    values = [value.strip(' \t"') for found, _, value in pairs if found.strip() == name]
    return values[-1] if values else None
