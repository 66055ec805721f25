"""A page of the list as an exporter reads it: each record's own bytes, and the little that must be known."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from calltally.client.errors import UnexpectedAnswer
from calltally.client.wire import Answer, Pairs, Request

LIST: Final = "/api/v1/call-logs"
LINE_FEED: Final = b"\n"


class Sender(Protocol):
    """What an exporter needs of a client: a request is answered well, or raises a ClientError."""

    def send(self, request: Request) -> Answer:
        """Send it, again where that helps."""
        ...


class Glimpse(msgspec.Struct, gc=False):
    """What is read of a record: the reference page promises the first two."""

    id: str
    status: str | None = None
    direction: str | None = None
    created_at: str | None = None
    revision: int | None = None


class _Told(msgspec.Struct, gc=False):
    data: list[msgspec.Raw]
    total: int | None = None
    snapshot: str | None = None


class _Seen(msgspec.Struct, gc=False):
    data: list[Glimpse]


_told: Final = msgspec.json.Decoder(_Told)
_seen: Final = msgspec.json.Decoder(_Seen)


class Page(NamedTuple):
    """Records as they came, what is seen of each, and what the answer tells beside them."""

    records: Sequence[msgspec.Raw]
    glimpses: Sequence[Glimpse]
    total: int | None
    snapshot: str | None
    body: bytes

    @property
    def ids(self) -> list[str]:
        """The ids in their order."""
        return [glimpse.id for glimpse in self.glimpses]


def fetch_page(sender: Sender, params: Pairs, *, is_near: bool = False) -> Page:
    """Ask for one page. `is_near` says that to compress it would cost more than to send it.

    Raises ClientError; UnexpectedAnswer for what is no page of the reference page's shape.
    """
    headers = {"accept": "application/json", **({"accept-encoding": "identity"} if is_near else {})}
    return read_page(sender.send(Request("GET", LIST, params, headers)).body)


def read_page(body: bytes) -> Page:
    """The page that a body holds."""
    try:
        told, seen = _told.decode(body), _seen.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        message = f"GET {LIST} was not answered with a page of calls ({fault})"
        raise UnexpectedAnswer(message) from fault
    return Page(told.data, seen.data, told.total, told.snapshot, body)


def joined(records: Sequence[Any]) -> bytes:
    """Records as writers of files take them: one line each, joined by a line feed."""
    whole = LINE_FEED.join(records)
    return whole if whole.count(b"\n") == len(records) - 1 else LINE_FEED.join(map(_on_one_line, records))


def lines_of(records: Sequence[Any]) -> bytes:
    """Records as NDJSON."""
    whole = b"\n".join([*records, b""])
    return whole if whole.count(b"\n") == len(records) else b"\n".join([*map(_on_one_line, records), b""])


def _on_one_line(record: Any) -> bytes:  # noqa: ANN401 (bytes, or what has their buffer)
    """Somebody's server writes its JSON for people. Outside of the layout JSON has no line feed."""
    return msgspec.json.format(bytes(record), indent=-1)
