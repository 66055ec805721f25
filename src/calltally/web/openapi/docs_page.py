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
        "<p>What happened on the calls of voice agents and phone lines: one true record per call, told by"
        " signed provider callbacks, that a team can list, audit and measure with.</p>"
        '<ul><li><a href="/calls">Calls</a>: find one, and see what happened on it</li>'
        '<li><a href="/docs">How to use it</a>: every endpoint, parameter and example</li>'
        '<li><a href="/docs/problems">Problems</a>: what each error means</li>'
        '<li><a href="/openapi.json">openapi.json</a>: the same for machines (OpenAPI 3.1)</li></ul>',
    )


def problems_page() -> str:
    """Return the page of all problems, each with the anchor that its `type` names."""
    return _frame(
        "Problems",
        "<p>Every answer that is no success is <code>application/problem+json</code> (RFC 9457). Its"
        " <code>type</code> leads to one of these; <code>errors</code> names each parameter at fault, and"
        " <code>request_id</code> finds the request in the server's log.</p>"
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
