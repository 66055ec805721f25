"""From the bytes of `POST /api/v1/events` to facts, each event by itself.

A body that is no JSON is refused as a whole, and so is NDJSON with one line that is none: a sender
whose bytes were cut must not be told that half of them went in. Events that are JSON but wrong are
refused one by one.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

import msgspec

from calltally.calls.errors import Fault, InvalidBody, TooLarge
from calltally.calls.events import Door, Fact, Said, content_digest
from calltally.calls.parameters import shown
from calltally.ingest.event_fields import MAX_ID_CHARS, read_fields
from calltally.ingest.event_values import json_type

MAX_BODY_BYTES: Final = 5 * 1024 * 1024
MAX_EVENTS: Final = 1_000

_ABOUT_THE_CALL: Final = ("id", "call_sid", "occurred_us", "sequence")
_KEY: Final = re.compile(rb'"[ \t\r\n]*:')
_HALF_PAIR: Final = re.compile(
    rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F]..)|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]..", re.DOTALL
)
_list_decoder: Final = msgspec.json.Decoder(list[msgspec.Raw])
_decoder: Final = msgspec.json.Decoder()


class Told(NamedTuple):
    """One event of a body: the fact that it is, or what is wrong with it. `id` as far as it could be read."""

    id: str | None
    fact: Fact | None
    faults: tuple[Fault, ...] = ()


class _Event(NamedTuple):
    raw: bytes
    content: Any


def read_body(body: bytes, *, ndjson: bool, now_us: int) -> list[Told]:
    """The events of a body in their order.

    Without `ndjson` the body is one JSON object or an array of them. Raises TooLarge, and InvalidBody
    for what is not JSON or holds no event.
    """
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"the body has more than {MAX_BODY_BYTES} bytes; send it in parts")
    raws = _lines(body) if ndjson else _items(body)
    events = [_Event(raw, _decode(raw, f"{where}: ")) for where, raw in raws]
    return [_told(event, now_us) for event in events]


def _lines(body: bytes) -> list[tuple[str, bytes]]:
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
    _check_count(len(lines))
    return [(f"line {number}", line.strip()) for number, line in lines]


def _items(body: bytes) -> list[tuple[str, bytes]]:
    whole = body.strip()
    if not whole.startswith(b"["):
        _check_count(1 if whole else 0)
        return [("the body", whole)]
    try:
        items = _list_decoder.decode(whole)
    except (ValueError, RecursionError) as fault:
        raise _not_json(whole, "the body: ", fault) from fault
    _check_count(len(items))
    return [(f"event {number}", bytes(item)) for number, item in enumerate(items, start=1)]


def _check_count(events: int) -> None:
    if not events:
        raise InvalidBody("the body holds no event")
    if events > MAX_EVENTS:
        raise TooLarge(f"the body holds {events} events, more than {MAX_EVENTS}; send it in parts")


def _decode(raw: bytes, where: str) -> Any:  # noqa: ANN401 - JSON may be anything
    try:
        return _decoder.decode(raw)
    except (ValueError, RecursionError) as fault:
        raise _not_json(raw, where, fault) from fault


def _not_json(raw: bytes, where: str, fault: Exception) -> InvalidBody:
    if isinstance(fault, RecursionError):
        return InvalidBody(f"{where}nested too deep")
    if isinstance(fault, UnicodeDecodeError):
        return InvalidBody(f"{where}not UTF-8: {fault.reason}")
    if _HALF_PAIR.search(raw):
        return InvalidBody(f"{where}half of a surrogate pair, which is no character")
    return InvalidBody(f"{where}{fault}")


def _told(event: _Event, now_us: int) -> Told:
    content = event.content
    if not isinstance(content, dict):
        detail = f"an event must be an object, not {json_type(content)}"
        return Told(None, None, (Fault("", detail),))
    values, faults = read_fields(content, now_us)
    faults = faults or _given_twice(event)
    if faults:
        return Told(_readable_id(content), None, tuple(faults))
    return Told(values["id"], _fact(event, values, now_us))


def _readable_id(content: Mapping[str, Any]) -> str | None:
    found = content.get("id")
    return found if isinstance(found, str) and len(found) <= MAX_ID_CHARS else None


def _fact(event: _Event, values: dict[str, Any], now_us: int) -> Fact:
    # The digest is of what was sent, not of our reading, which may learn more in a later version.
    sent = {name: value for name, value in event.content.items() if value is not None}
    said = {name: value for name, value in values.items() if name not in _ABOUT_THE_CALL}
    return Fact(
        call_sid=values["call_sid"],
        door=Door.OWN_EVENT,
        provider=said.get("provider", ""),
        account=said.get("provider_account", ""),
        event_id=values["id"],
        sequence=values.get("sequence"),
        occurred_us=values["occurred_us"],
        received_us=now_us,
        digest=content_digest(sent),
        said=cast("Said", said),
        raw=event.raw,
    )


def _given_twice(event: _Event) -> list[Fault]:
    """Names that stand twice in one object, of which JSON readers keep one, and not all the same one.

    Every name is followed by a colon, so that counting those settles nearly every event; only where
    a text holds something like it does the slower parser look.
    """
    colons = len(_KEY.findall(event.raw))
    if colons == len(event.content) or colons == _count_names(event.content):
        return []
    return _find_repeats(event.raw)


def _count_names(content: Any) -> int:  # noqa: ANN401 - JSON may be anything
    count, left = 0, [content]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            count += len(value)
            value = value.values()
        left.extend(inner for inner in value if isinstance(inner, dict | list))
    return count


def _find_repeats(raw: bytes) -> list[Fault]:
    repeated: dict[str, None] = {}

    def look(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for name, value in pairs:
            if name in seen:
                repeated[name] = None
            seen[name] = value
        return seen

    json.loads(raw, object_pairs_hook=look)
    return [Fault(shown(name)[1:-1], f"{shown(name)} is given twice in one object") for name in repeated]
