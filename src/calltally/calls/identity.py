"""Identity of calls: the id of a call, and the canonical one of its linked SIDs."""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID


# A commit computes the same few ids five times per fact.
@lru_cache(maxsize=16_384)
def call_uuid(tenant: str, call_sid: str) -> bytes:
    """Return the 16 bytes of a call's id: SHA-256 of (tenant, SID) as a custom UUID of RFC 9562 (version 8).

    The id is the same after a re-import, on another machine, and after a rebuild from the facts.
    """
    digest = bytearray(sha256(f"{tenant}\0{call_sid}".encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return bytes(digest)


def uuid_text(uuid: bytes) -> str:
    """Return the 36-character text of a call's id."""
    digits = uuid.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def uuid_bytes(text: str) -> bytes:
    """Return the bytes of a text from `uuid_text`, in a tenth of the time of `parse_uuid`."""
    return bytes.fromhex(text.replace("-", ""))


def parse_uuid(text: str) -> bytes | None:
    """Return the bytes of an id in canonical spelling, else None (the text may then be a SID)."""
    try:
        uuid = UUID(text)
    except ValueError:
        return None
    return uuid.bytes if str(uuid) == text.lower() else None


class Node(NamedTuple):
    """SID that a fact names. `is_carrier`: a carrier itself states the SID."""

    call_sid: str
    is_carrier: bool


def canonical(nodes: Iterable[Node]) -> Node:
    """Return the canonical SID of linked SIDs: the carrier's, else the lowest in byte order."""
    return min(nodes, key=lambda node: (not node.is_carrier, node.call_sid.encode()))
