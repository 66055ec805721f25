"""Who is who: the id of a call, and the components that linked SIDs form."""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID


# A commit asks for the same few ids five times a fact.
@lru_cache(maxsize=16_384)
def call_uuid(tenant: str, call_sid: str) -> bytes:
    """The 16 bytes of a call's id: SHA-256 of (tenant, SID) in the custom form of RFC 9562 (version 8).

    The same after a re-import, on another machine, or from a rebuild of the facts.
    """
    digest = bytearray(sha256(f"{tenant}\0{call_sid}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return bytes(digest)


def uuid_text(uuid: bytes) -> str:
    """The 36 characters that a call's id is written as."""
    digits = uuid.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def uuid_bytes(text: str) -> bytes:
    """What `uuid_text` wrote, as bytes: a tenth of what it takes to parse somebody else's words."""
    return bytes.fromhex(text.replace("-", ""))


def parse_uuid(text: str) -> bytes | None:
    """The bytes of an id in its one canonical spelling, else None (then it may be a SID)."""
    try:
        uuid = UUID(text)
    except ValueError:
        return None
    return uuid.bytes if str(uuid) == text.lower() else None


class Node(NamedTuple):
    """One SID that was told of, and whether a carrier's own word vouches for it."""

    call_sid: str
    is_carrier: bool


def canonical(nodes: Iterable[Node]) -> Node:
    """The SID that names a component: the carrier's, else the lowest in byte order."""
    return min(nodes, key=lambda node: (not node.is_carrier, node.call_sid.encode()))
