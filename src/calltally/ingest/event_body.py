"""Parser of `POST /api/v1/events`: from the bytes to facts, event by event.

A body that is not JSON is refused as a whole, and so is NDJSON with one bad line: a truncated body must not
be half accepted. Events that are valid JSON but have errors are refused one by one.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, cast

import msgspec

from calltally.calls.errors import Fault, InvalidBody, TooLarge
from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.parameters import quote_value
from calltally.ingest.event_fields import MAX_ID_CHARS, parse_fields
from calltally.ingest.event_values import json_type

MAX_BODY_BYTES: Final = 5 * 1024 * 1024
MAX_EVENTS: Final = 1_000

_FACT_FIELDS: Final = ("id", "call_sid", "occurred_us", "sequence")
_KEY: Final = re.compile(rb'"[ \t\r\n]*:')
_UNPAIRED_SURROGATE: Final = re.compile(
    rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F]..)|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]..", re.DOTALL
)
_list_decoder: Final = msgspec.json.Decoder(list[msgspec.Raw])
_decoder: Final = msgspec.json.Decoder()


class ParsedEvent(NamedTuple):
    """Event of a body: its fact, or its errors. `id` is set as far as it is readable."""

    id: str | None
    fact: Fact | None
    faults: tuple[Fault, ...] = ()


class _RawEvent(NamedTuple):
    raw: bytes
    content: Any


def parse_body(body: bytes, *, ndjson: bool, now_us: int) -> list[ParsedEvent]:
    """Return the events of a body in their order.

    Without `ndjson` the body is one JSON object or an array of objects. Raises TooLarge, and InvalidBody for
    a body that is not JSON or has no event.
    """
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"the body has more than {MAX_BODY_BYTES} bytes; split it into several requests")
    raws = _lines(body) if ndjson else _items(body)
    events = [_RawEvent(raw, _decode(raw, f"{where}: ")) for where, raw in raws]
    return [_parse_event(event, now_us) for event in events]


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
        raise TooLarge(
            f"the body has {events} events, more than {MAX_EVENTS}; split it into several requests"
        )


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
    if _UNPAIRED_SURROGATE.search(raw):
        return InvalidBody(f"{where}half of a surrogate pair, which is not a character")
    return InvalidBody(f"{where}{fault}")


def _parse_event(event: _RawEvent, now_us: int) -> ParsedEvent:
    content = event.content
    if not isinstance(content, dict):
        detail = f"an event must be an object, not {json_type(content)}"
        return ParsedEvent(None, None, (Fault("", detail),))
    values, faults = parse_fields(content, now_us)
    faults = faults or _repeated_names(event)
    if faults:
        event_id = content.get("id")
        is_readable = isinstance(event_id, str) and len(event_id) <= MAX_ID_CHARS
        return ParsedEvent(event_id if is_readable else None, None, tuple(faults))
    return ParsedEvent(values["id"], _fact(event, values, now_us))


def _fact(event: _RawEvent, values: dict[str, Any], now_us: int) -> Fact:
    # The digest covers the sent content, not the parsed fields: a later version may parse more of it.
    sent = {name: value for name, value in event.content.items() if value is not None}
    fields = {name: value for name, value in values.items() if name not in _FACT_FIELDS}
    return Fact(
        call_sid=values["call_sid"],
        channel=Channel.OWN_EVENT,
        provider=fields.get("provider", ""),
        account=fields.get("provider_account", ""),
        event_id=values["id"],
        sequence=values.get("sequence"),
        occurred_us=values["occurred_us"],
        received_us=now_us,
        digest=content_digest(sent),
        stated=cast("StatedFields", fields),
        raw=event.raw,
    )


def _repeated_names(event: _RawEvent) -> list[Fault]:
    """Return an error for each name that occurs twice in one object: parsers disagree on the value.

    Every name is followed by a colon, so counting colons is enough for nearly every event. Only texts that
    contain the same pattern need the slower parser.
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

    def collect_repeats(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in pairs:
            if name in values:
                repeated[name] = None
            values[name] = value
        return values

    json.loads(raw, object_pairs_hook=collect_repeats)
    return [
        Fault(quote_value(name)[1:-1], f"{quote_value(name)} is given twice in one object")
        for name in repeated
    ]
