"""Shape of the rows of `test_vendor_records`, and the shorthand that their modules share."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from tests.unit.providers.sampling import FORM, Sent

# A request of the provider, or one of its files.
Message: TypeAlias = Sent | bytes
START: Final = "2026-08-22T08:00:00.000000Z"


class VendorRow(NamedTuple):
    """One sentence of a requirement: messages in the vendor's shape, and fields of the record of `sid`.

    `expected` has fields of the record, and besides: `side` at fault, `word` of the end, `unread` fields,
    number of `calls`, and `kind` of a message that is no fact.
    """

    point: str
    provider: str
    sid: str
    messages: Sequence[Message]
    expected: Mapping[str, Any]


def rows(
    point: str, provider: str, sid: str, cases: Sequence[tuple[Sequence[Message], Mapping[str, Any]]]
) -> list[VendorRow]:
    """Return a row per case of one point and one call."""
    return [VendorRow(point, provider, sid, messages, expected) for messages, expected in cases]


def json_file(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def document(value: object) -> Sent:
    return Sent(json.dumps(value).encode())


def transfer(outcome: str, target: str | None = None) -> dict[str, Any]:
    return {"transfer": {"target": target, "outcome": outcome}}


def form(body: bytes) -> Sent:
    return Sent(body, FORM)
