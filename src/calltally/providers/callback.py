"""What a provider sends us, and what of it could not be read."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from calltally.calls.events import Door


class Callback(msgspec.Struct, frozen=True):
    """One HTTP request of a provider, as it came.

    `url` is the public one, with its query, as the provider called it; header names are in lower case.
    `account` is the tenant's account at the provider as the tenant stored it, for bodies that name none;
    empty until the signature was checked, and where none is stored.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_us: int
    account: str = ""


class Source(NamedTuple):
    """By which door records come, when (microseconds UTC), and of whose account where they do not say."""

    door: Door
    received_us: int
    account: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """One item of a list that could not be read: where it stands, and why."""

    position: str
    reason: str
