"""What a provider sends us, and what of it could not be read."""

from collections.abc import Mapping

import msgspec


class Callback(msgspec.Struct, frozen=True):
    """One HTTP request of a provider, as it came.

    `url` is the public one, with its query, as the provider called it; header names are in lower case.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_us: int


class Refusal(msgspec.Struct, frozen=True):
    """One item of a list that could not be read: where it stands, and why."""

    position: str
    reason: str
