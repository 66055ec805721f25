"""Changes of the record by each fact of a call, in the order in which the facts were received."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from calltally.calls.events import Fact
from calltally.calls.fold import fold
from calltally.calls.identity import Node, canonical

# Each fact needs a fold of all facts before it.
MAX_FACTS: Final = 200
# The call's own ids do not come from a single fact.
_OMITTED: Final = frozenset({"id", "call_sid"})
_NOTHING: Final[Mapping[str, Any]] = {}


def changes_by_fact(tenant: str, facts: Sequence[Fact]) -> list[dict[str, Any]] | None:
    """Return for each fact the fields of the record that it changed, with their values after it.

    A value that the record lost is None. Returns None for a call with too many facts.
    """
    if len(facts) > MAX_FACTS:
        return None
    node = canonical(Node(fact.call_sid, fact.is_carrier) for fact in facts)
    received = sorted(range(len(facts)), key=lambda at: (facts[at].received_us, facts[at].order))
    changes: list[dict[str, Any]] = [{} for _ in facts]
    record, known = _NOTHING, list[Fact]()
    for at in received:
        known.append(facts[at])
        after = msgspec.structs.asdict(fold(tenant, node, known).call)
        changes[at] = _difference(record, after)
        record = after
    return changes


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with another value. Before the first fact, each field is empty."""
    return {
        name: value
        for name, value in after.items()
        if name not in _OMITTED
        and (before[name] != value if before else value not in (None, [], {}, 0, False))
    }
