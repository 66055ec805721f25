"""The pages for people, as HTML made of the OpenAPI document and the table of problems."""

from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from shlex import quote
from string import Template
from typing import Any, Final

import msgspec

from calltally.web.response.problem_kinds import KINDS, Kind

Json = dict[str, Any]

_FRAME: Final = Template(files("calltally.web").joinpath("pages", "frame.html").read_text(encoding="utf-8"))
_CURL_URL: Final = "http://127.0.0.1:8080"


def home_page() -> str:
    """What this is, and where to go from here."""
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
    """Each problem under the anchor that its `type` names."""
    return _frame(
        "Problems",
        "<p>Every answer that is no success is <code>application/problem+json</code> (RFC 9457). Its"
        " <code>type</code> leads to one of these; <code>errors</code> names each parameter at fault, and"
        " <code>request_id</code> finds the request in the server's log.</p>"
        + "".join(map(_kind, KINDS.values())),
    )


def docs_page(document: Json) -> str:
    """Every published operation, with its parameters, bodies, answers and a command to try."""
    operations = list(_operations(document))
    base = str(document["servers"][0]["url"])
    keys = map(_key, document["components"]["securitySchemes"].values())
    return _frame(
        "API",
        f"<p>{_text(document['info']['description'])}</p>"
        f"<h2>Keys</h2><ul>{''.join(keys)}</ul>"
        f"<h2>Endpoints</h2><ul class='index'>{''.join(_entry(*each) for each in operations)}</ul>"
        + "".join(_section(*each, base=base if base != "/" else _CURL_URL) for each in operations),
    )


def _frame(title: str, body: str) -> str:
    return _FRAME.substitute(title=escape(title), body=body)


def _text(text: str) -> str:
    """Escaped, with what stands between backquotes as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _kind(kind: Kind) -> str:
    slug = escape(kind.slug)
    return (
        f'<section id="{slug}"><h2><a href="#{slug}">{slug}</a></h2>'
        f"<p><strong>{kind.status}</strong> {escape(kind.title)}. {_text(kind.meaning)}</p></section>"
    )


def _key(scheme: Json) -> str:
    header = "Authorization: Bearer" if scheme["type"] == "http" else f"{scheme['name']}:"
    return f"<li><code>{escape(header)} …</code> {_text(scheme['description'])}</li>"


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _entry(method: str, path: str, operation: Json) -> str:
    label = f"<b>{method}</b> <code>{escape(path)}</code>"
    return f'<li><a href="#{operation["operationId"]}">{label}</a> {_text(operation["summary"])}</li>'


def _section(method: str, path: str, operation: Json, *, base: str) -> str:
    body = operation.get("requestBody")
    return (
        f'<section id="{operation["operationId"]}"><h2><b>{method}</b> <code>{escape(path)}</code></h2>'
        f"<p>{_text(operation['summary'])} {_text(operation.get('description', ''))}</p>"
        + _parameters(operation.get("parameters", []))
        + (f"<h3>Body</h3>{''.join(_content(body['content']))}" if body else "")
        + f"<h3>Try it</h3><pre>{escape(_curl(method, base + path, operation))}</pre>"
        + "<h3>Answers</h3>"
        + "".join(_answer(*each) for each in operation["responses"].items())
        + "</section>"
    )


def _parameters(parameters: Iterable[Json]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{_text(each['description'])}</td>"
        f"<td><code>{escape(_limits(each['schema']))}</code></td></tr>"
        for each in parameters
    )
    head = "<tr><th>Parameter</th><th>Meaning</th><th>Values</th></tr>"
    return f"<div class='wide'><table>{head}{rows}</table></div>" if rows else ""


def _limits(schema: Json) -> str:
    """The values that a schema lets through, in short."""
    if "anyOf" in schema:
        return " or ".join(map(_limits, schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "items" in schema:
        return f"any of {_limits(schema['items'])}"
    span = [str(schema[key]) for key in ("minimum", "maximum") if key in schema]
    default = f", {schema['default']} if left out" if "default" in schema else ""
    return f"{schema.get('format', schema.get('type', 'any'))} {' to '.join(span)}".strip() + default


def _content(content: Json) -> Iterator[str]:
    for media_type, each in content.items():
        yield f"<p><code>{escape(media_type)}</code></p>"
        if "example" in each:
            yield f"<pre>{escape(_pretty(each['example']))}</pre>"


def _written(example: object) -> str:
    return example if isinstance(example, str) else msgspec.json.encode(example).decode()


def _pretty(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.format(_written(value), indent=2)


def _answer(status: str, answer: Json) -> str:
    if "$ref" in answer:
        kinds = [kind for kind in KINDS.values() if str(kind.status) == status]
        links = ", ".join(f'<a href="/docs/problems#{kind.slug}">{kind.slug}</a>' for kind in kinds)
        return f"<p><strong>{status}</strong> {links}</p>"
    content = "".join(_content(answer.get("content", {})))
    return f"<p><strong>{status}</strong> {_text(answer['description'])}</p>{content}"


def _curl(method: str, url: str, operation: Json) -> str:
    """A command that works once the variables are set."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            url = url.replace("{" + parameter["name"] + "}", str(parameter["example"]))
    window = [
        f"{each['name']}={each['example']}"
        for each in operation.get("parameters", [])
        if each["name"] in {"limit", "offset"}
    ]
    query = f"?{'&'.join(window)}" if window else ""
    verb = "" if method == "GET" else f"-X {method} "
    lines = [f'curl -sS {verb}"{url}{query}"', *_curl_headers(operation)]
    return " \\\n  ".join(lines)


def _curl_headers(operation: Json) -> Iterator[str]:
    schemes = [name for requirement in operation["security"] for name in requirement]
    if "bearer" in schemes:
        yield '-H "Authorization: Bearer ${CALLTALLY_API_KEY}"'
    elif schemes:
        yield '-H "x-admin-key: ${CALLTALLY_ADMIN_KEY}"'
    for media_type, each in operation.get("requestBody", {}).get("content", {}).items():
        if "example" in each:
            yield f"-H 'Content-Type: {media_type}' -d {quote(_written(each['example']))}"
            return
