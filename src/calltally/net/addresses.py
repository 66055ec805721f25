"""Which addresses of the network the service may be sent to by what a tenant wrote.

A tenant names a URL, and this service, which stands inside somebody's network, speaks to it. So whatever
is not public is refused unless the operator allows it: private and loopback ranges, link-local ones (where
clouds answer with credentials), ranges for special purposes, and IPv6 addresses that carry one of these.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Global unicast; everything else of IPv6 is reserved, local or multicast (RFC 4291, section 2.4).
_PUBLIC_V6: Final = IPv6Network("2000::/3")
# The well-known prefix by which an IPv6-only network reaches IPv4 (RFC 6052, section 2.1).
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Ranges of the IANA registry for special purposes that releases of Python see differently: one cloud's
# metadata is at 192.0.0.192.
_SPECIAL: Final = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
# Public by its number, and yet the agent of every virtual machine of one cloud.
_METADATA: Final = frozenset({IPv4Address("168.63.129.16")})


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks in CIDR, separated by commas. Raises ValueError for what is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def refusal_reason(text: str, allowed: Sequence[Network] = ()) -> str | None:
    """Why nothing may be sent to a numeric address, in words; None where it may."""
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
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, Teredo, NAT64), else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address


def _range_name(address: Address) -> str:
    kinds = (
        (address.is_loopback, "loopback"),
        (address.is_link_local, "link-local"),
        (address.is_unspecified, "no address of a host"),
        (address.is_multicast, "multicast"),
        (address.is_private, "private"),
    )
    return next((word for applies, word in kinds if applies), "not public")
