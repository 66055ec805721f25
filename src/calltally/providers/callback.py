"""What a provider sends us, and what of it could not be read."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from calltally.calls.events import Door


class Callback(msgspec.Struct, frozen=True):
    """One HTTP request of a provider, as it came.

    `url` is the public one, with its query, as the provider called it; header names are in lower case.
    `account` is the tenant's account at the provider as the tenant stored it, for bodies that name none;
    empty until the signature was checked, and where none is stored. So is `mapping`, by which the bodies of a
    provider that we do not know are read; it is looked up anew for a replay, and not kept with the request.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_us: int
    account: str = ""
    mapping: str = ""


class Source(NamedTuple):
    """By which door records come, when (microseconds UTC), and of whose account where they do not say.

    `time_zone` is the IANA name of the clock by which times without an offset were written, `columns` are the
    names of a table's columns where it has no header, and `encoding` is how its text is written. By a
    `mapping` the records of a provider that we do not know are read.
    """

    door: Door
    received_us: int
    account: str = ""
    time_zone: str = "UTC"
    columns: tuple[str, ...] = ()
    encoding: str = "utf-8"
    mapping: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """One item of a list that could not be read: where it stands, and why."""

    position: str
    reason: str
