"""Check of tenants' URLs, and of the network addresses that requests to them may reach.

A tenant names a URL, and this service, inside somebody's network, connects to it. So every address that is
not public is refused unless the operator allows it. These are private and loopback ranges, link-local ones
(where clouds serve credentials), special-purpose ranges, and IPv6 addresses that embed one of these.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Global unicast; all other IPv6 is reserved, local or multicast (RFC 4291, section 2.4).
_PUBLIC_V6: Final = IPv6Network("2000::/3")
# Well-known prefix by which an IPv6-only network reaches IPv4 (RFC 6052, section 2.1).
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Special-purpose ranges of the IANA registry that Python releases classify differently; one cloud's metadata
# service is at 192.0.0.192.
_SPECIAL: Final = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
# A public address by its number, but on one cloud the agent of every virtual machine.
_METADATA: Final = frozenset({IPv4Address("168.63.129.16")})
MAX_URL_CHARS: Final = 2000
_PORTS: Final = {"https": 443, "http": 80}
_PRINTABLE: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a comma-separated list in CIDR. Raises ValueError for an invalid one."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def refusal_reason(text: str, allowed: Sequence[Network] = ()) -> str | None:
    """Return the reason why a numeric address is refused, or None if it is allowed."""
    address = _embedded_ipv4(ip_address(text))
    if any(address in network for network in allowed):
        return None
    if address in _METADATA:
        return f"{address} is a metadata service"
    if address.is_global and not address.is_multicast and not address.is_reserved and _is_public(address):
        return None
    return f"{address} is {_range_name(address)}"


def permitted_addresses(host: str, found: Iterable[str], allowed: Sequence[Network]) -> list[str]:
    """Return the permitted addresses of a host. Raises ValueError with the reasons if there are none."""
    refusals = {address: refusal_reason(address, allowed) for address in found}
    permitted = [address for address, reason in refusals.items() if reason is None]
    if not permitted:
        reasons = "; ".join(map(str, refusals.values())) or "it has no address"
        raise ValueError(f"nothing may be sent to {host}: {reasons}")
    return permitted


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        return address in _PUBLIC_V6
    return not any(address in network for network in _SPECIAL)


def _embedded_ipv4(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64), or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address


def _range_name(address: Address) -> str:
    kinds = (
        (address.is_loopback, "loopback"),
        (address.is_link_local, "link-local"),
        (address.is_unspecified, "no host address"),
        (address.is_multicast, "multicast"),
        (address.is_private, "private"),
    )
    return next((word for applies, word in kinds if applies), "not public")


class TargetUrl(NamedTuple):
    """Parts of a URL that a request needs. `host` is lower case, without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_secure(self) -> bool:
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_target(url: str, *, allow_http: bool = False) -> TargetUrl:
    """Return the target of a URL. Raises ValueError if it is refused or two parsers may read it differently.

    The text gives the reason and does not quote the URL.
    """
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
