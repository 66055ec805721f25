"""Call resources in the manner of Twilio's REST API, which several carriers imitate.

`duration` is a string of seconds, null until the call is over; `price` is negative for what is charged.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from calltally.calls.events import Fact, Said, content_digest
from calltally.calls.model import Direction, Status
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import Source

# Links, which change with the API's version and say nothing about the call.
from calltally.providers.value_parsers import Parse
from calltally.providers.values import Field

# Links, which change with the API's version and say nothing about the call.
_VOLATILE: Final = ("subresource_uris", "uri")
# When the resource was true: the first of these that it has.
_OCCURRED: Final = ("end_time", "start_time", "date_updated", "date_created")
_AT_END: Final = (Field("duration", "talk_seconds", value_parsers.talk_seconds),)
_OTHER_SID: Final = re.compile(r"(?!CA)[A-Z]{2}[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
_NAMELESS: Final = "the resource does not say which call it is"


class Dialect(NamedTuple):
    """How one provider writes them: its name, its fields, its times."""

    provider: str
    fields: tuple[Field, ...]
    time: Parse[int] = timestamps.rfc2822


def fields_of(statuses: Mapping[str, Status], directions: Mapping[str, Direction]) -> tuple[Field, ...]:
    """The fields of a resource by a provider's own words."""
    return (
        Field("status", "status", value_parsers.one_of(statuses)),
        Field("direction", "direction", value_parsers.one_of(directions)),
        Field("from", "from_number", value_parsers.number),
        Field("to", "to_number", value_parsers.number),
        Field("parent_call_sid", "parent_call_sid", value_parsers.sid),
        Field("account_sid", "provider_account", value_parsers.sid),
        Field("answered_by", "answered_by", value_parsers.word),
    )


def reader(dialect: Dialect) -> Callable[[Mapping[str, Any], Source], Fact]:
    """Reads one Call resource as a fact; raises NotUnderstood that names the field and its value."""

    def fact_of(resource: Mapping[str, Any], source: Source) -> Fact:
        call_sid = values.needed(resource, "sid", _call_sid, _NAMELESS)
        told_us = _told_us(resource, source, dialect)
        said = _said(resource, told_us, dialect)
        return Fact(
            call_sid=call_sid,
            door=source.door,
            provider=dialect.provider,
            account=said.get("provider_account", ""),
            event_id="",
            sequence=None,
            occurred_us=next((each for each in told_us.values() if each is not None), source.received_us),
            received_us=source.received_us,
            digest=_digest(resource),
            said=said,
            raw=json_documents.encode(resource),
            is_carrier=True,
        )

    return fact_of


def _told_us(resource: Mapping[str, Any], source: Source, dialect: Dialect) -> dict[str, int | None]:
    return {name: values.instant_of(resource, name, dialect.time, source.received_us) for name in _OCCURRED}


def _said(resource: Mapping[str, Any], told_us: Mapping[str, int | None], dialect: Dialect) -> Said:
    said = values.said_of(resource, dialect.fields, at_end=_AT_END)
    if (started_us := told_us["start_time"]) is not None:
        said["started_us"] = started_us
    if (ended_us := told_us["end_time"]) is not None:
        said["ended_us"] = ended_us
    said.update(values.cost_of(resource, "price", "price_unit"))
    said["provider"] = dialect.provider
    return said


def _call_sid(text: str) -> str:
    if _OTHER_SID.fullmatch(text):
        raise ValueError("the id of something else than a call")
    return value_parsers.sid(text)


def _digest(resource: Mapping[str, Any]) -> bytes:
    lasting = dict(resource)
    for name in _VOLATILE:
        lasting.pop(name, None)
    return content_digest(lasting)


def _is_call(value: Mapping[str, Any]) -> bool:
    """Whether a nest looks like a Call resource: recordings and messages have other ids."""
    if not ({"status", "direction"} & value.keys()):
        return False
    sid = value.get("sid")
    return isinstance(sid, str) and "call_sid" not in value and not _OTHER_SID.fullmatch(sid)


SHAPE: Final = json_documents.Shape("Call resource", ("calls",), _is_call)
