"""Requests and record sources of providers, and records that cannot be read."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Channel, Fact


class Callback(msgspec.Struct, frozen=True):
    """One HTTP request of a provider, unchanged.

    `url` is the public URL with its query, as the provider called it. Header names are in lower case.
    `account` is the tenant's stored account at the provider, for bodies that name none. It is empty until the
    signature is verified, and if none is stored. The same holds for `mapping`, which reads the bodies of
    generic providers. A replay looks the mapping up again: it is not stored with the request.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_us: int
    account: str = ""
    mapping: str = ""


class RecordSource(NamedTuple):
    """Origin of a batch of records: channel, time of receipt (microseconds UTC), and default account.

    `account` applies to records that name none. `time_zone` is the IANA zone of times without an offset.
    `columns` names the columns of a table without a header, and `encoding` is the encoding of its text.
    `mapping` reads the records of generic providers.
    """

    channel: Channel
    received_us: int
    account: str = ""
    time_zone: str = "UTC"
    columns: tuple[str, ...] = ()
    encoding: str = "utf-8"
    mapping: str = ""


class UnreadableRecord(msgspec.Struct, frozen=True):
    """One item of a list that cannot be read: its position, and the reason."""

    position: str
    reason: str


class PartlyUnderstood(Exception):
    """Body of several events of which some cannot be read, with the facts of the others.

    `fault` is the NotUnderstood or UnknownKind of one of those events.
    """

    def __init__(self, fault: NotUnderstood, facts: tuple[Fact, ...]) -> None:
        super().__init__(fault.detail)
        self.fault = fault
        self.facts = facts
