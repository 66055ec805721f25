"""Check of network addresses that requests to tenants' URLs may reach.

A tenant names a URL, and this service, inside somebody's network, connects to it. So every address that is
not public is refused unless the operator allows it. These are private and loopback ranges, link-local ones
(where clouds serve credentials), special-purpose ranges, and IPv6 addresses that embed one of these.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

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
