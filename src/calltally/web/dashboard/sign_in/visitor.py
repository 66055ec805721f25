"""Who looks at a page: the session of the request's cookie, and the access that its key still has."""

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
    """The admin key came without the name of a tenant that exists."""

    slug = "not-found"
    title = "There is no such tenant"


class Visitor(NamedTuple):
    """A person with a session: what their key may see, and whose calls they look at.

    `is_masked` is whether this page hides whole telephone numbers: those of a tenant that masks them do, but
    for one that was asked to show them.
    """

    session: DashboardSession
    access: Access
    tenant: str
    zone: ZoneInfo
    theme: str
    is_masked: bool = False

    def seen(self, body: bytes) -> bytes:
        """JSON as this person may see it: pages are made of it, so that nothing hidden is in them."""
        return mask_json(body) if self.is_masked else body

    @property
    def may_reveal(self) -> bool:
        """Whether whole numbers are hidden from this page, and may be asked for."""
        return self.is_masked and self.access.has_scope(PII_READ)

    @property
    def can_read_bodies(self) -> bool:
        """Whether this page shows bodies as they came, in which numbers are in any form."""
        return not self.is_masked and self.access.can_read_bodies


async def visitor_of(request: AnyRequest) -> Visitor:
    """Who asks. Raises SignedOut; Forbidden where the key has lost the right to read calls."""
    deps = dependencies_of(request)
    session = open_session(deps.vault, session_cookie(request), deps.clock())
    try:
        access, tenant = await authenticate(deps, session.key, session.tenant)
    except (Unauthorized, NotFound) as fault:
        raise SignedOut("the key of this session is not good any more") from fault
    context = context_of(request.scope)
    context.access, context.tenant = access, tenant
    return Visitor(session, access, tenant, zone_cookie(request), theme_cookie(request), access.masks)


async def authenticate(deps: Dependencies, key: str, tenant: str) -> tuple[Access, str]:
    """What a key may do and whose calls it shows. Raises Unauthorized, Forbidden, NotFound or WrongTenant."""
    try:
        access = await deps.keys.access(f"Bearer {key}".encode(), None)
    except Unauthorized:
        access = await deps.keys.access(None, key.encode())
    if not access.has_scope(CALLS_READ):
        raise Forbidden(f"this needs the scope {CALLS_READ}")
    if access.tenant is not None:
        return access, access.tenant
    if not tenant:
        raise WrongTenant("the admin key is of no tenant; name one")
    looked_at = await deps.store.read(need_tenant(tenant))
    return access._replace(masks=looked_at.masks_numbers), looked_at.tenant


def is_own_form(request: AnyRequest) -> bool:
    """Whether a form was sent from a page of ours, as far as the browser tells.

    Browsers say so by Sec-Fetch-Site (Fetch Metadata). Older ones have Origin alone, and write `null` there,
    since our pages send no referrer; those are refused, as another site's form would look the same.
    """
    headers = context_of(request.scope).headers
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        return site in _SAME_SITE
    return origin is None or origin.decode("latin-1") == public_origin(request)


def session_cookie(request: AnyRequest) -> str | None:
    """The sealed session that the browser sent."""
    return cookie_of(request, session_cookie_name(request))


def session_cookie_name(request: AnyRequest) -> str:
    """Over https the name that only this very host can set."""
    return HOST_COOKIE if is_https(request) else COOKIE


def is_https(request: AnyRequest) -> bool:
    """Whether the outside reached us by https."""
    return public_origin(request).startswith("https:")


def set_cookie(request: AnyRequest, name: str, value: str, *, lasts_s: int) -> Headers:
    """A cookie that scripts cannot read and other sites do not send with their forms."""
    secure = "; Secure" if is_https(request) else ""
    text = f"{name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{secure}"
    return ((b"set-cookie", text.encode()),)


def zone_cookie(request: AnyRequest) -> ZoneInfo:
    """The time zone that was chosen once; UTC where none was."""
    return zone_of((cookie_of(request, ZONE_COOKIE) or _UTC).replace("%2F", "/")) or ZoneInfo(_UTC)


def theme_cookie(request: AnyRequest) -> str:
    """Light, dark, or as the system has it."""
    chosen = cookie_of(request, THEME_COOKIE)
    return chosen if chosen in THEMES else THEMES[0]


def cookie_of(request: AnyRequest, name: str) -> str | None:
    """Return one cookie. Raises BadRequest where all of them are too long."""
    return read_cookie(context_of(request.scope).headers.get(b"cookie", b"").decode("latin-1"), name)
