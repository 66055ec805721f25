"""Call resources in the format of Twilio's REST API, which several carriers imitate.

`duration` is a string of seconds, null until the call is over. `price` is negative for a charge.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from calltally.calls.events import Fact, StatedFields, content_digest
from calltally.calls.model import Direction, Status
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import RecordSource
from calltally.providers.value_parsers import Parse
from calltally.providers.values import FieldRule

# Links, which change with the version of the API and do not describe the call.
_VOLATILE_FIELDS: Final = ("subresource_uris", "uri")
# The time of the resource is the first of these that is present.
_OCCURRED_FIELDS: Final = ("end_time", "start_time", "date_updated", "date_created")
_FINAL_FIELDS: Final = (FieldRule("duration", "talk_seconds", value_parsers.talk_seconds),)
_OTHER_SID: Final = re.compile(r"(?!CA)[A-Z]{2}[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
_NO_CALL_ID: Final = "the resource names no call"


class ResourceDialect(NamedTuple):
    """One carrier's variant: its name, its fields, the format of its times."""

    provider: str
    fields: tuple[FieldRule, ...]
    time: Parse[int] = timestamps.rfc2822


def fields_of(statuses: Mapping[str, Status], directions: Mapping[str, Direction]) -> tuple[FieldRule, ...]:
    """Return the fields of a resource with a provider's own words."""
    return (
        FieldRule("status", "status", value_parsers.one_of(statuses)),
        FieldRule("direction", "direction", value_parsers.one_of(directions)),
        FieldRule("from", "from_number", value_parsers.number),
        FieldRule("to", "to_number", value_parsers.number),
        FieldRule("parent_call_sid", "parent_call_sid", value_parsers.sid),
        FieldRule("account_sid", "provider_account", value_parsers.sid),
        FieldRule("answered_by", "answered_by", value_parsers.word),
    )


def resource_reader(dialect: ResourceDialect) -> Callable[[Mapping[str, Any], RecordSource], Fact]:
    """Return a function that reads one Call resource as a fact.

    It raises NotUnderstood with the name and value of an unreadable field.
    """

    def fact_of(resource: Mapping[str, Any], source: RecordSource) -> Fact:
        call_sid = values.required_value(resource, "sid", _call_sid, _NO_CALL_ID)
        times_us = _times_us(resource, source, dialect)
        statement = _statement(resource, times_us, dialect)
        return Fact(
            call_sid=call_sid,
            channel=source.channel,
            provider=dialect.provider,
            account=statement.get("provider_account", ""),
            event_id="",
            sequence=None,
            occurred_us=next((each for each in times_us.values() if each is not None), source.received_us),
            received_us=source.received_us,
            digest=_digest(resource),
            stated=statement,
            raw=json_documents.encode(resource),
            is_carrier=True,
        )

    return fact_of


def _times_us(
    resource: Mapping[str, Any], source: RecordSource, dialect: ResourceDialect
) -> dict[str, int | None]:
    return {
        name: values.instant_of(resource, name, dialect.time, source.received_us) for name in _OCCURRED_FIELDS
    }


def _statement(
    resource: Mapping[str, Any], times_us: Mapping[str, int | None], dialect: ResourceDialect
) -> StatedFields:
    statement = values.parsed_fields(resource, dialect.fields, at_end=_FINAL_FIELDS)
    if (started_us := times_us["start_time"]) is not None:
        statement["started_us"] = started_us
    if (ended_us := times_us["end_time"]) is not None:
        statement["ended_us"] = ended_us
    return values.merged(
        statement, values.cost_of(resource, "price", "price_unit"), {"provider": dialect.provider}
    )


def _call_sid(text: str) -> str:
    if _OTHER_SID.fullmatch(text):
        raise ValueError("not the id of a call")
    return value_parsers.sid(text)


def _digest(resource: Mapping[str, Any]) -> bytes:
    lasting = dict(resource)
    for name in _VOLATILE_FIELDS:
        lasting.pop(name, None)
    return content_digest(lasting)


def _is_call(value: Mapping[str, Any]) -> bool:
    """Return whether an object looks like a Call resource: recordings and messages have other ids."""
    if not ({"status", "direction"} & value.keys()):
        return False
    sid = value.get("sid")
    return isinstance(sid, str) and "call_sid" not in value and not _OTHER_SID.fullmatch(sid)


SHAPE: Final = json_documents.RecordShape("Call resource", ("calls",), _is_call)
