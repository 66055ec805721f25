"""HTML pages about the service: the home page, the API reference (Swagger UI) and the problems."""

from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from calltally.web.dashboard.built_files import REFERENCE_SCRIPT, REFERENCE_STYLE, built_path
from calltally.web.dashboard.rendering import asset_path
from calltally.web.response.problem_kinds import KINDS, ProblemKind


def _template(name: str) -> Template:
    return Template(files("calltally.web").joinpath("pages", name).read_text(encoding="utf-8"))


_FRAME: Final = _template("frame.html")
_REFERENCE: Final = _template("reference.html")
_NOT_BUILT: Final = (
    "<p>This installation lacks Swagger UI, which renders the API reference. Run <code>make setup</code>"
    " in the folder of the repository and start the service again. Wheels have it already.</p>"
    '<p><a href="/openapi.json">openapi.json</a> has the same content for machines (OpenAPI 3.1).</p>'
)


def home_page() -> str:
    """Return the home page with links to the dashboard and the documentation."""
    return _frame(
        "Call history",
        "<p>Call history of voice agents and phone lines: one record per call, built from signed provider"
        " callbacks, to list, audit and measure.</p>"
        '<ul><li><a href="/calls">Calls</a>: find a call and see its details</li>'
        '<li><a href="/docs">API reference</a>: every endpoint, parameter and example</li>'
        '<li><a href="/docs/problems">Problems</a>: the meaning of each error</li>'
        '<li><a href="/openapi.json">openapi.json</a>: the reference for machines (OpenAPI 3.1)</li></ul>',
    )


def problems_page() -> str:
    """Return the page of all problems, each with the anchor that its `type` names."""
    return _frame(
        "Problems",
        "<p>Every error response is <code>application/problem+json</code> (RFC 9457). Its <code>type</code>"
        " links to a problem on this page, <code>errors</code> names each invalid parameter, and"
        " <code>request_id</code> identifies the request in the server's log.</p>"
        + "".join(map(_kind, KINDS.values())),
    )


def reference_page() -> str:
    """Return the API reference, or instructions to build it."""
    library, style = built_path(REFERENCE_SCRIPT), built_path(REFERENCE_STYLE)
    if library is None or style is None:
        return _frame("API", _NOT_BUILT)
    return _REFERENCE.substitute(
        library=library,
        library_style=style,
        icon=asset_path("mark.svg"),
        style=asset_path("reference.css"),
        script=asset_path("reference.js"),
    )


def _frame(title: str, body: str) -> str:
    return _FRAME.substitute(title=escape(title), body=body)


def _text(text: str) -> str:
    """Escape text and convert backquotes to code elements."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(pieces))


def _kind(kind: ProblemKind) -> str:
    slug = escape(kind.slug)
    return (
        f'<section id="{slug}"><h2><a href="#{slug}">{slug}</a></h2>'
        f"<p><strong>{kind.status}</strong> {escape(kind.title)}. {_text(kind.description)}</p></section>"
    )
