"""What a request asks to be compared: a JSON object for a provider, parameters beside uploaded events."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from calltally.calls.errors import Fault, Forbidden, InvalidBody
from calltally.calls.parameters import (
    Parameter,
    instant_value,
    one_of,
    raise_faults,
    range_schema,
    read_all,
    whole_number,
    words_schema,
)
from calltally.providers.registry import FETCHERS
from calltally.reconcile.jobs.spec import Against, ReconciliationSpec
from calltally.web.api.reconciliations.schemas import MOST_SECONDS, ReconciliationBody
from calltally.web.request.access import EVENTS_WRITE, Access
from calltally.web.request.bodies import decode_body

_INSTANT: Final = {"type": "string", "format": "date-time"}
_ORDER: Final = "from must be earlier than to: the window is from <= created_at < to"


def _seconds(name: str, field: str, meaning: str, default_s: int) -> Parameter:
    schema = range_schema(0, MOST_SECONDS, default_s)
    return Parameter(name, field, meaning, schema, str(default_s), whole_number(0, MOST_SECONDS))


EVENT_TERMS: Final = (
    Parameter(
        "against",
        "against",
        "With events in the body it is `events`, and need not be said.",
        words_schema([Against.EVENTS.value]),
        Against.EVENTS.value,
        one_of([Against.EVENTS.value]),
    ),
    Parameter(
        "from", "from_us", "Calls created at or after it. Needed.", _INSTANT, "2026-10-01", instant_value
    ),
    Parameter("to", "to_us", "Calls created before it. Needed.", _INSTANT, "2026-11-01", instant_value),
    _seconds("late_seconds", "late_s", "An event is late so long after it was made.", 300),
    _seconds("grace_seconds", "grace_s", "The event of a final state may be under way for so long.", 900),
)
_KNOWN: Final = {each.name: each for each in EVENT_TERMS}


def events_spec(pairs: Sequence[tuple[str, str]]) -> ReconciliationSpec:
    """The comparison with events that a query asks for. Raises InvalidInput with every fault in it."""
    values, faults = read_all(pairs, _KNOWN)
    names = {name for name, _ in pairs}
    missing = [
        Fault(end, f"{end} is missing: say which window") for end in ("from", "to") if end not in names
    ]
    raise_faults([*faults, *missing])
    values["against"] = Against.EVENTS
    raise_faults(_order_faults(values["from_us"], values["to_us"]))
    return ReconciliationSpec(**values)


def provider_spec(body: bytes, pairs: Sequence[tuple[str, str]], access: Access) -> ReconciliationSpec:
    """The comparison with a provider that a body asks for.

    Raises InvalidBody, Forbidden where its key may not heal, and InvalidInput for terms in the query.
    """
    raise_faults([Fault(name, f"{name} is a field of the body here, not of the URL") for name, _ in pairs])
    asked = decode_body(body, ReconciliationBody)
    window, faults = _window(asked)
    faults = [*_word_faults(asked), *faults]
    if faults:
        raise InvalidBody("; ".join(fault.detail for fault in faults), tuple(faults))
    if asked.heal and not access.has_scope(EVENTS_WRITE):
        has = ", ".join(sorted(access.scopes)) or "none"
        raise Forbidden(f"to heal needs the scope {EVENTS_WRITE} too; the key has {has}")
    return ReconciliationSpec(
        Against.PROVIDER,
        **window,
        provider=asked.provider,
        heal=asked.heal,
        deliver=asked.deliver,
        tolerance_s=int(asked.tolerance_seconds),
    )


def _word_faults(asked: ReconciliationBody) -> Iterable[Fault]:
    if asked.against != Against.PROVIDER:
        told = "in JSON it is provider; events are sent as application/x-ndjson, and their terms in the URL"
        yield Fault("against", f"against is {asked.against[:64]!r}: {told}")
    if asked.provider not in FETCHERS:
        yield Fault(
            "provider", f"no provider {asked.provider[:64]!r} can be asked; there are {', '.join(FETCHERS)}"
        )
    if asked.deliver and not asked.heal:
        yield Fault("deliver", "deliver goes with heal: there is nothing else to tell of")


def _window(asked: ReconciliationBody) -> tuple[dict[str, Any], list[Fault]]:
    values: dict[str, Any] = {}
    faults = []
    for name, field, text in (("from", "from_us", asked.from_), ("to", "to_us", asked.to)):
        try:
            values[field] = instant_value(text)
        except ValueError as fault:
            faults.append(Fault(name, f"{name} {fault}"))
    return values, faults or list(_order_faults(values["from_us"], values["to_us"]))


def _order_faults(from_us: int, to_us: int) -> list[Fault]:
    return [Fault("from", _ORDER)] if from_us >= to_us else []
