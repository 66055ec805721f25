"""HTML from the templates: everything that is filled in is escaped, and a name that is missing is a fault."""

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
# No inline script or style: what a caller's words bring along must never run.
POLICY: Final[Headers] = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
            b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
    ),
)
# Names that people know their zone by; any other of the IANA list can be typed.
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
    """One page. `visitor` is None for those that anybody may see."""
    html = _environment().get_template(template).render(visitor=visitor, **values)
    if visitor is not None and visitor.access.is_masked:
        # Also what no page decodes: names of routes and agents, in all that is told of them.
        html = mask_name(html)
    return Response(html.encode(), status=status, media_type=HTML, headers=(*POLICY, *headers))


def status_mark(name: str) -> str:
    """A state of a call by its shape and its word, for whoever writes rows without a template."""
    return str(_environment().get_template("status.html").module.status(name))  # type: ignore[attr-defined]  # a macro


def redirect(path: str, headers: Headers = ()) -> Response:
    """On to another page of ours, by GET (RFC 9110, 15.4.4)."""
    return Response(b"", status=303, media_type=b"", headers=((b"location", path.encode()), *headers))


@cache
def asset_path(name: str) -> str:
    """Where a file that pages refer to is: its URL changes with its bytes, so that browsers may keep it."""
    return f"/assets/{name}?{version(asset(name))}"


def version(content: bytes) -> str:
    """What tells one state of a file from another."""
    return sha256(content).hexdigest()[:12]


@cache
def asset(name: str) -> bytes:
    """The bytes of a file that pages refer to."""
    return files("calltally.web.dashboard").joinpath("assets", name).read_bytes()
