"""Where a URL leads, read strictly: what two readers may understand differently is refused."""

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

MAX_URL_CHARS: Final = 2000
_PORTS: Final = {"https": 443, "http": 80}
_PRINTABLE: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")


class TargetUrl(NamedTuple):
    """The parts of a URL that a request needs. `host` is lower case, without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_target(url: str, *, allow_http: bool = False) -> TargetUrl:
    """The target of a URL. Raises ValueError with what is wrong; the text does not quote the URL."""
    if len(url) > MAX_URL_CHARS:
        raise ValueError(f"it has more than {MAX_URL_CHARS} characters")
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise ValueError("it has spaces, backslashes or characters beyond ASCII: percent-encode them")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError("it must begin with https://")
    if parts.scheme == "http" and not allow_http:
        raise ValueError("it must begin with https://, since what is sent is personal")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it must name no user and no password")
    if parts.fragment:
        raise ValueError("it must have no fragment (#...)")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = (parts.hostname or "").rstrip(".")
    if not _HOST.fullmatch(host):
        raise ValueError("it must name a host")
    return TargetUrl(parts.scheme, host, _port(parts.port, parts.scheme), path)


def _port(port: int | None, scheme: str) -> int:
    if port == 0:
        raise ValueError("its port must be from 1 to 65535")
    return port or _PORTS[scheme]
