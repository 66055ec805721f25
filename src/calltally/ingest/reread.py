"""Second reading of stored bodies by later code, so that an upgrade also corrects earlier calls."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, cast

import msgspec

from calltally.calls.errors import CalltallyError, InvalidInput
from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.times import DAY_US, SECOND_US
from calltally.ingest.callbacks import Providers, UnparsedBody, read_facts
from calltally.ingest.event_body import parse_body
from calltally.providers import json_documents
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.generic.mapping_compiler import compile_mapping
from calltally.providers.provider import Provider
from calltally.providers.registry import GENERIC

# Fields that the tenant's routes gave at the time of receipt; no body has them.
_MAPPED: Final = ("mapped_route", "mapped_agent")
_URL: Final = "https://calls.invalid/"
_TIMES: Final[tuple[Literal["started_us", "ringing_us", "answered_us", "ended_us"], ...]] = (
    *("started_us", "ringing_us", "answered_us", "ended_us"),
)
# Offsets of time zones are multiples of this, and at most 14 hours.
_QUARTER_US: Final = 900 * SECOND_US
_MAX_OFFSET_US: Final = 14 * 3_600 * SECOND_US


class Rereader:
    """Reader of facts' bodies with the present code, and with a tenant's present mappings."""

    def __init__(self, providers: Providers, mappings: Iterable[str] = ()) -> None:
        self._providers = providers
        self._mappings: dict[str, list[str]] = {}
        for text in mappings:
            try:
                self._mappings.setdefault(compile_mapping(text).provider, []).append(text)
            except InvalidInput:
                # An earlier release accepted it, and its calls stay as they are.
                continue

    def __call__(self, fact: Fact) -> Fact:
        """Return the fact with the fields that the present code reads from its raw body.

        The fact is unchanged if its body gives no fact with the same SID and key.
        """
        if not fact.raw:
            return fact
        again = next((each for each in self._read(fact) if _is_same(each, fact)), None)
        stated = None if again is None else _in_zone_of(fact, again.stated)
        if stated is None:
            return fact
        mapped = {name: value for name, value in fact.stated.items() if name in _MAPPED}
        return msgspec.structs.replace(fact, stated=cast("StatedFields", {**stated, **mapped}))

    def _read(self, fact: Fact) -> Iterator[Fact]:
        if fact.channel == Channel.OWN_EVENT:
            yield from _own_events(fact)
            return
        for mapping in self._mappings.get(fact.provider, ()):
            yield from _record_facts(fact, GENERIC, mapping)
        provider = self._providers.get(fact.provider)
        if provider is None:
            return
        if fact.channel == Channel.CALLBACK:
            yield from _callback_facts(fact, provider)
        elif provider.record_fact is not None:
            yield from _record_facts(fact, provider)
        elif provider.list_facts is not None:
            listed = provider.list_facts([fact.raw], _source(fact))
            yield from (each for each in listed if isinstance(each, Fact))


def _is_same(again: Fact, fact: Fact) -> bool:
    return (again.call_sid, again.key) == (fact.call_sid, fact.key)


def _source(fact: Fact, mapping: str = "") -> RecordSource:
    """Return the source of a record. In the zone of its switch a time may be later than in UTC."""
    return RecordSource(Channel(fact.channel), fact.received_us + DAY_US, fact.account, mapping=mapping)


def _own_events(fact: Fact) -> list[Fact]:
    try:
        parsed = parse_body(fact.raw, ndjson=False, now_us=fact.received_us)
    except CalltallyError:
        return []
    return [each.fact for each in parsed if each.fact is not None]


def _callback_facts(fact: Fact, provider: Provider) -> list[Fact]:
    """Return the facts of a callback's body, which came by POST, or as the query of a GET."""
    is_form = fact.raw.lstrip()[:1] not in (b"{", b"[", b"<")
    headers = {} if is_form else {"content-type": "application/json"}
    posted = Callback("POST", _URL, headers, fact.raw, fact.received_us, fact.account)
    parsed = read_facts(provider, posted)
    if isinstance(parsed, UnparsedBody) and is_form:
        url = f"{_URL}?{fact.raw.decode(errors='replace')}"
        parsed = read_facts(provider, Callback("GET", url, {}, b"", fact.received_us, fact.account))
    return list(parsed.facts) if isinstance(parsed, UnparsedBody) else parsed


def _record_facts(fact: Fact, provider: Provider, mapping: str = "") -> list[Fact]:
    """Return the fact of one record of a switch or a mapping: its raw body is the record as JSON."""
    document = json_documents.decode(fact.raw, "the body")
    if isinstance(document, UnreadableRecord) or provider.record_fact is None:
        return []
    try:
        found = provider.record_fact(_record(document.value), _source(fact, mapping))
    except CalltallyError:
        return []
    return [] if found is None else [found]


def _record(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _in_zone_of(fact: Fact, again: StatedFields) -> StatedFields | None:
    """Return fields that were read again, in the zone of the first reading; None if that is uncertain.

    The zone of an import's local times is not stored, but its times are. Both readings differ by the offset.
    """
    if fact.channel != Channel.IMPORT:
        return again
    shared = [name for name in _TIMES if name in fact.stated and name in again]
    offsets = {fact.stated[name] - again[name] for name in shared}
    if len(offsets) != 1:
        return None if any(name in again for name in _TIMES) else again
    offset_us = offsets.pop()
    if offset_us % _QUARTER_US or abs(offset_us) > _MAX_OFFSET_US:
        return None
    moved = {name: again[name] + offset_us for name in _TIMES if name in again}
    return cast("StatedFields", {**again, **moved})
