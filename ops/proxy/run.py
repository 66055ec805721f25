"""The proxies of deploy/, in front of the service with TLS: on a host of its own, and under a path."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

from interop.checks import Check, expect, run_checks
from interop.programs import running_program, wait_for
from interop.service import HOST, Failed, Service, free_port, running_service
from ops.proxy.certificates import Certificates, make_certificates

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
TENANT: Final = "acme"
PREFIX: Final = "/calls-api"
_CALLS: Final = 60
_LINK: Final = re.compile(r'(?:href|src|action)="([^"#]+)')
# nginx wants to write nowhere else than into its folder.
_NGINX: Final = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {included}
}}
"""
_CADDY: Final = "{{\n\tadmin off\n\tauto_https off\n\tstorage file_system {folder}/caddy\n}}\n{included}"


class Answer(NamedTuple):
    """Response after redirects."""

    status: int
    url: str
    text: str
    links: str = ""


@dataclass
class Site:
    """The service as clients find it behind a proxy."""

    service: Service
    url: str
    certificates: Certificates

    def __post_init__(self) -> None:
        self.cookies = CookieJar()
        https = urllib.request.HTTPSHandler(context=self.certificates.context())
        jar = urllib.request.HTTPCookieProcessor(self.cookies)
        self._opener = urllib.request.build_opener(https, jar)

    def get(self, path: str, **headers: str) -> Answer:
        """Return the answer at a path below the public URL, or at a whole URL."""
        url = path if path.startswith("https:") else self.url + path
        return self._answer(urllib.request.Request(url, headers=headers))  # noqa: S310 (https and loopback)

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        return self._answer(urllib.request.Request(self.url + path, urlencode(fields).encode()))  # noqa: S310

    def _answer(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=60) as answer:
                text = answer.read().decode("utf-8", "replace")
                return Answer(answer.status, answer.url, text, answer.headers.get("link", ""))
        except urllib.error.HTTPError as refused:
            return Answer(refused.code, refused.url, refused.read().decode("utf-8", "replace"))


def _nginx(name: str, folder: Path, replaced: dict[str, str]) -> tuple[str, ...]:
    text = _replaced((DEPLOY / "nginx" / name).read_text(encoding="utf-8"), replaced)
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, included=text), encoding="utf-8")
    return ("nginx", "-c", str(config), "-e", str(folder / "error.log"))


def _caddy(name: str, folder: Path, replaced: dict[str, str]) -> tuple[str, ...]:
    text = _replaced((DEPLOY / "caddy" / name).read_text(encoding="utf-8"), replaced)
    config = folder / "Caddyfile"
    config.write_text(_CADDY.format(folder=folder, included=text), encoding="utf-8")
    return ("caddy", "run", "--adapter", "caddyfile", "--config", str(config))


def _replaced(text: str, replaced: dict[str, str]) -> str:
    for printed, here in replaced.items():
        text = text.replace(printed, here)
    return text


@contextmanager
def running_site(kind: str, prefix: str, certificates: Certificates) -> Iterator[Site]:
    """The service, with calls, behind a proxy of that kind for as long as the block runs."""
    port = free_port()
    url = f"https://localhost:{port}{prefix}"
    with running_service(public_url=url, trust_proxy="true") as service:
        replaced = {
            "127.0.0.1:8080": f"{HOST}:{service.port}",
            "listen 443": f"listen {HOST}:{port}",
            "/etc/ssl/calltally/fullchain.pem": str(certificates.certificate),
            "/etc/ssl/calltally/privkey.pem": str(certificates.key),
            "calls.example.com": "localhost",
            "example.com": "localhost",
            "localhost {": f"localhost:{port} {{\n\ttls {certificates.certificate} {certificates.key}",
        }
        name = {
            ("nginx", False): "calltally.conf",
            ("nginx", True): "calltally-path.conf",
            ("caddy", False): "Caddyfile",
            ("caddy", True): "Caddyfile.path",
        }[kind, bool(prefix)]
        command = (_nginx if kind == "nginx" else _caddy)(name, service.folder, replaced)
        os.environ["XDG_DATA_HOME"] = os.environ["XDG_CONFIG_HOME"] = str(service.folder)
        log = service.folder / "proxy.log"
        with running_program(command, log):
            site = Site(service, url, certificates)
            wait_for(f"{kind} answers", lambda: site.get("/readyz").status == 200 or None, log)  # noqa: PLR2004
            _fill(service)
            yield site


def _fill(service: Service) -> None:
    service.new_tenant(TENANT)
    key = service.new_key(TENANT, "events:write")[1]
    events = [
        {
            "id": f"evt-{number}",
            "call_sid": f"CA{number:032}",
            "occurred_at": f"2026-10-01T09:{number:02}:00Z",
            "status": "completed",
            "direction": "outbound",
        }
        for number in range(_CALLS)
    ]
    service.call("POST", "/api/v1/events", events, key=key)


def _signs_in(site: Site) -> str:
    page = site.get("/calls")
    expect("the sign-in", page.url, f"{site.url}/sign-in?next=%2Fcalls")
    fields = {"key": site.service.admin_key, "tenant": TENANT, "next": "/calls"}
    expect("the page after it", site.post("/sign-in", fields).url, f"{site.url}/calls")
    (cookie,) = list(site.cookies)
    expect("the path of the cookie", cookie.path, urlsplit(site.url).path or "/")
    return f"{cookie.name}, path {cookie.path}"


def _links_lead_home(site: Site) -> str:
    """Follow every link of every page, from the overview and the guide."""
    waiting = [f"{site.url}/", f"{site.url}/docs", f"{site.url}/docs/guide/"]
    read: set[str] = set()
    while waiting:
        url = waiting.pop()
        if url in read or len(read) > 400:  # noqa: PLR2004 (all of a page of each kind)
            continue
        read.add(url)
        page = site.get(url)
        if page.status != 200:  # noqa: PLR2004
            raise Failed(f"{url} answered {page.status}")
        if not page.text.lower().startswith("<!doctype html"):
            continue
        for link in map(unescape, _LINK.findall(page.text)):
            found = urljoin(page.url, link)
            if urlsplit(found).netloc == urlsplit(site.url).netloc:
                if not found.startswith(f"{site.url}/"):
                    raise Failed(f"{url} leads to {found}")
                if _is_read(found.removeprefix(site.url)):
                    waiting.append(found)
    return f"{len(read)} pages and assets"


def _is_read(path: str) -> bool:
    """Return whether a link is followed: no forms, and one search of the list."""
    forms = ("/sign-out", "/preferences", "/settings/", "/calls-", "/quality-")
    is_search = "?" in path and not path.startswith(("/assets/", "/calls?limit=", "/sign-in"))
    return not path.startswith(forms) and not is_search


def _pages_through(site: Site) -> str:
    key = site.service.new_key(TENANT, "calls:read")[1]
    found, url = [], f"{site.url}/api/v1/call-logs?limit=25&offset=0"
    while url:
        page = site.get(url, Authorization=f"Bearer {key}")
        found += [call["call_sid"] for call in json.loads(page.text)["data"]]
        following = re.search(r'<([^>]+)>; rel="next"', page.links)
        url = following[1] if following else ""
    expect("calls by the links", len(set(found)), _CALLS)
    stream = site.get("/api/v1/call-logs?format=csv", Authorization=f"Bearer {key}")
    expect("lines of the stream", len(stream.text.splitlines()), _CALLS + 1)
    return f"{len(found)} calls by Link, and as a stream"


def _keeps_the_metrics(site: Site) -> str:
    for path in ("/metrics", "/metrics/", "/%6detrics", "//metrics", "/./metrics", "/x/../metrics"):
        answer = site.get(path)
        if "calltally_" in answer.text or answer.status == 200:  # noqa: PLR2004
            raise Failed(f"{path} answered {answer.status} with the metrics")
    own = urllib.request.urlopen(f"{site.service.url}/metrics", timeout=30).read()  # noqa: S310
    expect("the metrics without the proxy", b"calltally_" in own, wanted=True)
    return "closed; open on the port itself"


def _reads_the_reference(site: Site) -> str:
    expect("its server", json.loads(site.get("/openapi.json").text)["servers"], [{"url": site.url}])
    profile = site.service.folder / "chromium"
    command = [
        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"),
        *("--ignore-certificate-errors", "--virtual-time-budget=20000", "--dump-dom", f"{site.url}/docs"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    operations = done.stdout.count('class="opblock ')
    if not operations or f'value="{site.url}"' not in done.stdout:
        raise Failed(f"the reference shows {operations} operations: {done.stdout[-500:]}{done.stderr[-500:]}")
    return f"{operations} operations, server {urlsplit(site.url).path or '/'}"


def _limits_bodies(site: Site) -> str:
    key = site.service.new_key(TENANT, "events:write")[1]
    body, answer = site.service.folder / "sent", site.service.folder / "answer"
    body.write_bytes(b" " * (6 * 1024 * 1024))
    command = [
        *("curl", "-sS", "--cacert", str(site.certificates.authority), "--data-binary", f"@{body}"),
        *("-H", f"Authorization: Bearer {key}", "-H", "Content-Type: application/json", "-o", str(answer)),
        *("-w", "%{http_code}", f"{site.url}/api/v1/events"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    expect("6 MiB of events", done.stdout, "413")
    return str(json.loads(answer.read_text(encoding="utf-8"))["detail"])


def _checks(kind: str, prefix: str, site: Site) -> dict[str, Check]:
    named = f"{kind} {prefix or '/'}"
    checks = {
        "sign-in": _signs_in,
        "links": _links_lead_home,
        "pages": _pages_through,
        "metrics": _keeps_the_metrics,
        "bodies": _limits_bodies,
        "reference": _reads_the_reference,
    }
    return {f"{named}: {name}": partial(check, site) for name, check in checks.items()}


def main() -> int:
    """Returns the exit status."""
    failed = 0
    with TemporaryDirectory() as name:
        certificates = make_certificates(Path(name))
        for kind in ("nginx", "caddy"):
            for prefix in ("", PREFIX):
                with running_site(kind, prefix, certificates) as site:
                    failed += run_checks(_checks(kind, prefix, site))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
