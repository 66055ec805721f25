"""Parsing of reconciliation requests: JSON for a provider, or parameters with uploaded events."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from calltally.calls.errors import Fault, Forbidden, InvalidBody
from calltally.calls.parameters import (
    Parameter,
    instant_parameter,
    instant_value,
    one_of_parameter,
    raise_faults,
    range_schema,
    read_all,
    whole_number,
)
from calltally.providers.registry import FETCHERS
from calltally.reconcile.jobs.spec import Against, ReconciliationSpec
from calltally.web.api.reconciliations.schemas import MOST_SECONDS, ReconciliationBody
from calltally.web.request.access import EVENTS_WRITE, Access
from calltally.web.request.bodies import decode_body

_ORDER: Final = "from must be earlier than to: the window is from <= created_at < to"


def _seconds(name: str, field: str, meaning: str, default_s: int) -> Parameter:
    schema = range_schema(0, MOST_SECONDS, default_s)
    return Parameter(name, field, meaning, schema, str(default_s), whole_number(0, MOST_SECONDS))


EVENT_TERMS: Final = (
    one_of_parameter(
        "against",
        "With events in the body, it is `events` and optional.",
        [Against.EVENTS.value],
        Against.EVENTS.value,
    ),
    instant_parameter("from", "from_us", "Calls created at or after this time. Required.", "2026-10-01"),
    instant_parameter("to", "to_us", "Calls created before this time. Required.", "2026-11-01"),
    _seconds("late_seconds", "late_s", "Seconds after its creation from which an event counts as late.", 300),
    _seconds("grace_seconds", "grace_s", "Seconds that the event of a final state may take to arrive.", 900),
)
_PARAMETERS_BY_NAME: Final = {each.name: each for each in EVENT_TERMS}


def events_spec(pairs: Sequence[tuple[str, str]]) -> ReconciliationSpec:
    """Return the comparison with events that a query requests. Raises InvalidInput with every error in it."""
    values, faults = read_all(pairs, _PARAMETERS_BY_NAME)
    names = {name for name, _ in pairs}
    missing = [Fault(end, f"{end} is missing: name the window") for end in ("from", "to") if end not in names]
    raise_faults([*faults, *missing])
    values["against"] = Against.EVENTS
    raise_faults(_order_faults(values["from_us"], values["to_us"]))
    return ReconciliationSpec(**values)


def provider_spec(body: bytes, pairs: Sequence[tuple[str, str]], access: Access) -> ReconciliationSpec:
    """Return the comparison with a provider that a body requests.

    Raises InvalidBody, Forbidden if the key may not heal, and InvalidInput for settings in the query.
    """
    raise_faults([Fault(name, f"{name} is a field of the body, not a query parameter") for name, _ in pairs])
    terms = decode_body(body, ReconciliationBody)
    window, faults = _window(terms)
    faults = [*_word_faults(terms), *faults]
    if faults:
        raise InvalidBody("; ".join(fault.detail for fault in faults), tuple(faults))
    if terms.heal and not access.has_scope(EVENTS_WRITE):
        has = ", ".join(sorted(access.scopes)) or "none"
        raise Forbidden(f"healing needs the scope {EVENTS_WRITE} too; the key has {has}")
    return ReconciliationSpec(
        Against.PROVIDER,
        **window,
        provider=terms.provider,
        heal=terms.heal,
        deliver=terms.deliver,
        tolerance_s=int(terms.tolerance_seconds),
    )


def _word_faults(terms: ReconciliationBody) -> Iterable[Fault]:
    if terms.against != Against.PROVIDER:
        hint = "use provider in JSON; send events as application/x-ndjson, with their settings in the URL"
        yield Fault("against", f"against is {terms.against[:64]!r}: {hint}")
    if terms.provider not in FETCHERS:
        yield Fault(
            "provider",
            f"the provider {terms.provider[:64]!r} has no call list; supported are {', '.join(FETCHERS)}",
        )
    if terms.deliver and not terms.heal:
        yield Fault("deliver", "deliver needs heal: without healing, there are no events to deliver")


def _window(terms: ReconciliationBody) -> tuple[dict[str, Any], list[Fault]]:
    values: dict[str, Any] = {}
    faults = []
    for name, field, text in (("from", "from_us", terms.from_), ("to", "to_us", terms.to)):
        try:
            values[field] = instant_value(text)
        except ValueError as fault:
            faults.append(Fault(name, f"{name} {fault}"))
    return values, faults or list(_order_faults(values["from_us"], values["to_us"]))


def _order_faults(from_us: int, to_us: int) -> list[Fault]:
    return [Fault("from", _ORDER)] if from_us >= to_us else []
