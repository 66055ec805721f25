"""Text of the page of a call's fields: their types and meanings, and the providers that give them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from calltally.calls.end_reasons import EXPLANATIONS
from calltally.calls.events import Channel, Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node
from calltally.calls.model import CALL_FIELDS, OPEN, Status
from calltally.providers.callback import RecordSource
from calltally.providers.provider import Provider
from calltally.web.openapi.call_schema import SCHEMAS
from tests.unit.providers.sampling import NOW_US, records_of, samples_of
from tools.coverage_pages.fields import Effects, webhook_facts

_INTRODUCTION: Final = """# Fields of a call

These are the fields of a call in lists, streams, exports and the change feed. The answer for
[a single call](#more-fields-of-a-single-call) has some more. `make pages` generates this page from the API's
declarations and from the samples of each provider.

A value that no source has reported is `null`, never 0 or a guess. Times are RFC 3339 in UTC with six digits
and `Z`. Numbers are in E.164 if the source gives enough digits. A record changes until its call is final, and
again if a later fact changes it. `revision` distinguishes two states of one call.

## Fields

The last column lists the [providers](../README.md) whose callbacks, lists or files give the field a value;
`all` means each of them. Your own events can give every field except those by Calltally. So can
[a mapping](mapping.md), for any other provider."""
_BY_CALLTALLY: Final = frozenset({"id", "conflicts", "revision", "updated_at"})
# No provider reports these. The table of a tenant's numbers gives a route and an agent.
_OTHER_SOURCES: Final[Mapping[str, str]] = {
    "provider": "all",
    "route": "your events, or the number by `calltally route put`",
    "escalated": "your events, or transfers by `calltally tenant escalation`",
    "escalation": "your events",
}
_ALSO_BY_NUMBER: Final = ", or the number by `calltally route put`"
_UNITS: Final[Mapping[str, str]] = {
    "duration_seconds": "seconds",
    "ring_seconds": "seconds",
    "hangup_cause": "Q.850, 0 to 127",
    "sip_code": "SIP, 100 to 699",
}
_STATUSES: Final[Mapping[Status, str]] = {
    Status.QUEUED: "The call is known, and no fact states that it was placed.",
    Status.INITIATED: "The call was placed.",
    Status.RINGING: "The called party's phone rings.",
    Status.IN_PROGRESS: "The call was answered and has not ended.",
    Status.COMPLETED: "The call ended, and a fact proves an answer or no source states a failure.",
    Status.BUSY: "The called line was busy.",
    Status.FAILED: "The call could not be connected.",
    Status.NO_ANSWER: "Nobody answered.",
    Status.CANCELED: "The caller ended the call before the answer.",
}


def call_fields_page(
    tables: Mapping[str, Sequence[tuple[str, Effects]]], providers: Sequence[Provider]
) -> str:
    """Return the page as Markdown. `tables` has the effects of each provider's fields, by its name."""
    return "\n".join(_lines(_reporters(tables, providers), len(providers))) + "\n"


def _lines(reporters: Mapping[str, Sequence[str]], count: int) -> Iterator[str]:
    yield _INTRODUCTION
    yield from ("", "| field | type | meaning | given by |", "| --- | --- | --- | --- |")
    for name in CALL_FIELDS:
        schema = SCHEMAS["Call"]["properties"][name]
        given = _given(name, reporters, count)
        yield f"| `{name}` | {_type(name, schema)} | {schema['description']} | {given} |"
        yield from _nested(name, schema, blank=1)
    yield from ("", "## Statuses", "", "| status | state | meaning |", "| --- | --- | --- |")
    for status, meaning in _STATUSES.items():
        yield f"| `{status}` | {'open' if status in OPEN else 'final'} | {meaning} |"
    yield from ("", "## End reasons", "", "| end_reason | meaning |", "| --- | --- |")
    yield from (f"| `{reason}` | {meaning} |" for reason, meaning in EXPLANATIONS.items())
    yield from ("", "## More fields of a single call", "", "`GET /api/v1/call-logs/{id}` also returns:", "")
    yield from _more_fields()


def _more_fields() -> Iterator[str]:
    yield from ("| field | type | meaning |", "| --- | --- | --- |")
    for name, schema in SCHEMAS["CallDetail"]["properties"].items():
        if name not in CALL_FIELDS:
            yield f"| `{name}` | {_type(name, schema)} | {schema['description']} |"
            yield from _nested(name, schema)
    yield from ("", "Each fact in `events` has:", "", "| field | type | meaning |", "| --- | --- | --- |")
    for name, schema in SCHEMAS["Event"]["properties"].items():
        yield f"| `events[].{name}` | {_type(name, schema)} | {schema['description']} |"


def _nested(name: str, schema: Mapping[str, Any], blank: int = 0) -> Iterator[str]:
    """Yield a row for each field of an object."""
    for option in schema.get("anyOf", ()):
        for field, inner in option.get("properties", {}).items():
            yield f"| `{name}.{field}` | {_type(field, inner)} | {inner['description']} |{' |' * blank}"


def _type(name: str, schema: Mapping[str, Any]) -> str:
    """Return the type in words, with its unit, such as "integer or null, seconds"."""
    options = [option for option in schema.get("anyOf", [schema]) if option != {"type": "null"}]
    kinds = [_kind(option) for option in options]
    is_nullable = len(options) < len(schema.get("anyOf", options)) or "null" in schema.get("type", "")
    text = " or ".join([*kinds, "null"] if is_nullable else kinds)
    return f"{text}; {_UNITS[name]}" if name in _UNITS else text


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema or schema.get("type") == "object":
        return "object"
    stated = schema.get("type", "string")
    [kind] = [each for each in ([stated] if isinstance(stated, str) else stated) if each != "null"]
    if kind == "array":
        return f"array of {_kind(schema['items'])}s"
    return {"date-time": "time", "uuid": "UUID"}.get(schema.get("format", ""), kind)


def _given(name: str, reporters: Mapping[str, Sequence[str]], count: int) -> str:
    if name in _BY_CALLTALLY:
        return "Calltally"
    if name in _OTHER_SOURCES:
        return _OTHER_SOURCES[name]
    found = reporters[name]
    text = "all" if len(found) == count else ", ".join(found)
    return text + _ALSO_BY_NUMBER if name == "agent" else text


def _reporters(
    tables: Mapping[str, Sequence[tuple[str, Effects]]], providers: Sequence[Provider]
) -> dict[str, list[str]]:
    """Return the providers of each field, sorted: those that decide it, or that have it in a sample."""
    found: dict[str, list[str]] = {}
    for provider in sorted(providers):
        names = {name for _, effects in tables[provider.name] for each in effects.values() for name in each}
        for name in names | _fields_of_samples(provider):
            found.setdefault(name, []).append(provider.name)
    return found


def _fields_of_samples(provider: Provider) -> set[str]:
    by_sid: dict[str, list[Fact]] = {}
    for fact in _sample_facts(provider):
        by_sid.setdefault(fact.call_sid, []).append(fact)
    calls = [fold("acme", Node(sid, is_carrier=True), facts).call for sid, facts in by_sid.items()]
    values = [pair for call in calls for pair in msgspec.structs.asdict(call).items()]
    return {name for name, value in values if value is not None and value != []}


def _sample_facts(provider: Provider) -> Iterator[Fact]:
    if provider.webhook is not None:
        samples = samples_of(provider.name)
        for sent in samples.story:
            yield from webhook_facts(provider, samples, sent)
    if provider.list_facts is not None:
        lines = records_of(provider.name).file.splitlines(keepends=True)
        source = RecordSource(Channel.IMPORT, NOW_US, "switch")
        yield from (item for item in provider.list_facts(lines, source) if isinstance(item, Fact))
