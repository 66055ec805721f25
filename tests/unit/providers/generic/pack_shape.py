"""Shape of the samples of a mapping pack.

Times are on 2026-08-22, a few minutes after 08:00:00 UTC.
"""

import json
from collections.abc import Mapping
from typing import Final, NamedTuple

START_S: Final = 1_787_385_600  # 2026-08-22T08:00:00Z


class PackSamples(NamedTuple):
    """Samples of one pack: bodies in the vendor's order, and the expected fields of the calls by SID.

    `links` has the expected carrier SIDs. `headers` authenticate the first body with `secret`. Without a
    secret the pack reads files only.
    """

    bodies: tuple[bytes, ...]
    calls: Mapping[str, Mapping[str, object]]
    secret: str = ""
    headers: Mapping[str, str] = {}
    links: frozenset[str] = frozenset()


def at(clock: str) -> str:
    """Return a time of the day as our API writes it."""
    return f"2026-08-22T{clock}.000000Z"


def dumped(content: object) -> bytes:
    return json.dumps(content).encode()
