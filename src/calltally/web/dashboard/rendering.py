"""Rendering of templates: all values are escaped, and an undefined name is an error."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from calltally.calls.numbers_in_text import mask_name
from calltally.web.dashboard.call_format import DASH, call_path, short
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.sign_in.visitor import THEMES, Visitor
from calltally.web.response.response import Headers, Response

HTML: Final = b"text/html; charset=utf-8"
# No inline scripts or styles: text of callers must never run.
POLICY: Final[Headers] = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
            b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
    ),
)
# Common zones of the list; any IANA zone can be typed.
ZONES: Final = (
    *(
        "UTC",
        "America/Los_Angeles",
        "America/Denver",
        "America/Chicago",
        "America/New_York",
        "America/Montreal",
    ),
    *("America/Sao_Paulo", "Europe/London", "Europe/Berlin", "Europe/Paris", "Europe/Madrid", "Africa/Lagos"),
    *("Asia/Dubai", "Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney"),
)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("calltally.web.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"t": text, "dash": DASH, "zones": ZONES, "themes": THEMES, "call_path": call_path}
    environment.globals["asset"] = asset_path
    environment.filters["short"] = short
    return environment


def render_page(
    template: str,
    visitor: Visitor | None,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Headers = (),
) -> Response:
    """Render a page. `visitor` is None for public pages."""
    html = _environment().get_template(template).render(visitor=visitor, **values)
    if visitor is not None and visitor.access.is_masked:
        # Also masks names of routes and agents in the HTML.
        html = mask_name(html)
    return Response(html.encode(), status=status, media_type=HTML, headers=(*POLICY, *headers))


def status_mark(name: str) -> str:
    """Return the HTML of a call status, for rows without a template."""
    return str(_environment().get_template("status.html").module.status(name))  # type: ignore[attr-defined]  # a macro


def redirect(path: str, headers: Headers = ()) -> Response:
    """Redirect to another page by GET (RFC 9110, section 15.4.4)."""
    return Response(b"", status=303, media_type=b"", headers=((b"location", path.encode()), *headers))


@cache
def asset_path(name: str) -> str:
    """Return the URL of an asset. It changes with its bytes, so that browsers can cache it permanently."""
    return f"/assets/{name}?{version(asset(name))}"


def version(content: bytes) -> str:
    """Return a short hash of the content."""
    return sha256(content).hexdigest()[:12]


@cache
def asset(name: str) -> bytes:
    """Return the bytes of an asset."""
    return files("calltally.web.dashboard").joinpath("assets", name).read_bytes()
