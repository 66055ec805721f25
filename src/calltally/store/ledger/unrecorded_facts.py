"""Which of many facts are recorded already: an import that is run again reads, and writes nothing."""

from collections.abc import Sequence

from calltally.calls.events import Fact
from calltally.calls.identity import call_uuid
from calltally.store.db.operation import Many, Step


def unknown_facts(tenant: str, facts: Sequence[Fact]) -> Step[list[Fact]]:
    """Those that are not recorded, in the order given."""
    keys = {(call_uuid(tenant, fact.call_sid), fact.key): fact for fact in facts}
    nodes = {node for node, _key in keys}
    rows = yield Many("keys_of_nodes", [{"tenant": tenant, "node": node} for node in nodes])
    known = {(row[0], row[1]) for row in rows}
    return [fact for fact in facts if (call_uuid(tenant, fact.call_sid), fact.key) not in known]
