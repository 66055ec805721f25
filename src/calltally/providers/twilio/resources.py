"""Call resources of Twilio's REST API as facts: from an export, its list, or a signed JSON body.

Source: Twilio's "Call resource" page. Times are RFC 2822, `duration` is a string of seconds, `price`
is negative for what is charged.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from calltally.calls.events import Fact, Said, content_digest
from calltally.calls.model import Cost
from calltally.providers import documents, instants, values
from calltally.providers.callback import Refusal, Source
from calltally.providers.twilio import words
from calltally.providers.values import Field

_FIELDS: Final = (
    Field("status", "status", values.one_of(words.STATUSES)),
    Field("direction", "direction", values.one_of(words.DIRECTIONS)),
    Field("from", "from_number", values.number),
    Field("to", "to_number", values.number),
    Field("parent_call_sid", "parent_call_sid", values.sid),
    Field("account_sid", "provider_account", values.sid),
    Field("answered_by", "answered_by", values.word),
)
_AT_END: Final = (Field("duration", "talk_seconds", values.talk_seconds),)
# When the resource was true: the first of these that it has.
_OCCURRED: Final = ("end_time", "start_time", "date_updated", "date_created")
# Links, which change with the API's version and say nothing about the call.
_VOLATILE: Final = frozenset({"subresource_uris", "uri"})
_OTHER_SID: Final = re.compile(r"(?!CA)[A-Z]{2}[0-9a-f]{32}", re.ASCII | re.IGNORECASE)


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each call of a resource, a page `{"calls": […]}`, an array, NDJSON, or any nest of those."""
    return documents.list_facts(lines, source, SHAPE, fact_of)


def fact_of(resource: Mapping[str, Any], source: Source) -> Fact:
    """One Call resource as a fact; raises NotUnderstood that names the field and its value."""
    call_sid = values.needed(resource, "sid", _call_sid, "the resource does not say which call it is")
    received_us = source.received_us
    instants_us = {
        name: values.instant_of(resource, name, instants.rfc2822, received_us) for name in _OCCURRED
    }
    said = _said(resource, instants_us)
    return Fact(
        call_sid=call_sid,
        door=source.door,
        provider=words.NAME,
        account=said.get("provider_account", ""),
        event_id="",
        sequence=None,
        occurred_us=next((each for each in instants_us.values() if each is not None), received_us),
        received_us=received_us,
        digest=_digest(resource),
        said=said,
        raw=documents.encode(resource),
        is_carrier=True,
    )


def _call_sid(text: str) -> str:
    if _OTHER_SID.fullmatch(text):
        raise ValueError("the id of something else than a call")
    return values.sid(text)


def _said(resource: Mapping[str, Any], instants_us: Mapping[str, int | None]) -> Said:
    said = values.said_of(resource, _FIELDS, at_end=_AT_END)
    said["provider"] = words.NAME
    started_us, ended_us = instants_us["start_time"], instants_us["end_time"]
    if started_us is not None:
        said["started_us"] = started_us
    if ended_us is not None:
        said["ended_us"] = ended_us
    amount = values.value_of(resource, "price", values.amount)
    if amount is not None:
        cost = Cost(amount, values.value_of(resource, "price_unit", values.currency))
        said["cost"] = msgspec.to_builtins(cost)
    return said


def _digest(resource: Mapping[str, Any]) -> bytes:
    return content_digest({name: value for name, value in resource.items() if name not in _VOLATILE})


def _is_call(value: Mapping[str, Any]) -> bool:
    """Whether a nest looks like a Call resource: recordings and messages have other ids."""
    if not ({"status", "direction"} & value.keys()):
        return False
    sid = value.get("sid")
    return isinstance(sid, str) and "call_sid" not in value and not _OTHER_SID.fullmatch(sid)


SHAPE: Final = documents.Shape("Call resource", ("calls",), _is_call)
