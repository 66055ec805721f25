"""Rendering of templates, and assets. All values are escaped, and an undefined name is an error."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from calltally.calls.masking import mask_name
from calltally.web.dashboard.english.messages import text
from calltally.web.dashboard.formats import DASH, call_path, short, unbroken, unhyphenated
from calltally.web.dashboard.sign_in.visitor import THEMES, Visitor
from calltally.web.response.response import Headers, Response

HTML: Final = b"text/html; charset=utf-8"
# Libraries: `make setup` fetches them, wheels contain them, git does not.
CHARTS: Final = "chart.js"
REFERENCE_SCRIPT: Final = "swagger-ui-bundle.js"
REFERENCE_STYLE: Final = "swagger-ui.css"
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
        # A service keeps the templates of its start: an update replaces them before it replaces the code.
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"t": text, "dash": DASH, "zones": ZONES, "themes": THEMES, "call_path": call_path}
    environment.globals["asset"] = asset_path
    environment.filters["short"] = short
    environment.filters["unbroken"] = unbroken
    environment.filters["unhyphenated"] = unhyphenated
    return environment


def render_page(
    template: str, visitor: Visitor | None, values: Mapping[str, Any], *, status: int = 200
) -> Response:
    """Render a page. `visitor` is None for public pages."""
    html = _environment().get_template(template).render(visitor=visitor, **values)
    if visitor is not None and visitor.access.is_masked:
        # Also masks names of routes and agents in the HTML.
        html = mask_name(html)
    return Response(html.encode(), status=status, media_type=HTML, headers=POLICY)


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


@cache
def version(content: bytes) -> str:
    return sha256(content).hexdigest()[:12]


@cache
def asset(name: str) -> bytes:
    return files("calltally.web.dashboard").joinpath("assets", name).read_bytes()


@cache
def built_file(name: str) -> bytes | None:
    """Return the bytes of a fetched library; None if it is missing."""
    file = files("calltally.web.dashboard").joinpath("built", name)
    return file.read_bytes() if file.is_file() else None


def built_path(name: str) -> str | None:
    """Return the URL of a library, which changes with its bytes; None if it is missing."""
    content = built_file(name)
    return None if content is None else f"/assets/{name}?{version(content)}"
