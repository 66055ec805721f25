"""Strict parser of target URLs: it refuses URLs that two parsers may read differently."""

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

MAX_URL_CHARS: Final = 2000
_PORTS: Final = {"https": 443, "http": 80}
_PRINTABLE: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")


class TargetUrl(NamedTuple):
    """Parts of a URL that a request needs. `host` is lower case, without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_secure(self) -> bool:
        """True for https."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_target(url: str, *, allow_http: bool = False) -> TargetUrl:
    """Return the target of a URL. Raises ValueError with the reason; the text does not quote the URL."""
    if len(url) > MAX_URL_CHARS:
        raise ValueError(f"it is longer than {MAX_URL_CHARS} characters")
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise ValueError("it has spaces, backslashes or non-ASCII characters: percent-encode them")
    url_parts = urlsplit(url)
    if url_parts.scheme not in _PORTS:
        raise ValueError("it must begin with https://")
    if url_parts.scheme == "http" and not allow_http:
        raise ValueError("it must begin with https://, because the data is personal")
    if url_parts.username is not None or url_parts.password is not None:
        raise ValueError("it must not contain a user or password")
    if url_parts.fragment:
        raise ValueError("it must not contain a fragment (#...)")
    path = (url_parts.path or "/") + (f"?{url_parts.query}" if url_parts.query else "")
    host = (url_parts.hostname or "").rstrip(".")
    if not _HOST.fullmatch(host):
        raise ValueError("it must contain a host")
    return TargetUrl(url_parts.scheme, host, _port(url_parts.port, url_parts.scheme), path)


def _port(port: int | None, scheme: str) -> int:
    if port == 0:
        raise ValueError("its port must be from 1 to 65535")
    return port or _PORTS[scheme]
