"""Which call each submission speaks of: the SIDs that facts have linked, and all that is known of them.

A SID that nobody linked is a call by itself and has no row in `identities`: its call's id is the
hash of (tenant, SID), its *node*.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from calltally.calls.events import Fact
from calltally.calls.identity import Node, call_uuid, canonical
from calltally.calls.sessions import any_has_session
from calltally.store.db.fact_codec import unpack_fact
from calltally.store.db.interface import Submission
from calltally.store.db.operation import ParamsTable, Rows, StatementMany, StoreOperation
from calltally.store.rollups.call_counters import Place

NodeKey: TypeAlias = tuple[str, bytes]

# Where the SIDs of an erased call lead: nothing that names one is ever recorded again.
ERASED: Final = bytes(16)
# So many columns behind the id tell the place.
_PLACED: Final = len(Place._fields) - 1
_BY_NODE: Final = ("tenant", "node")
_BY_ID: Final = ("tenant", "id")


class StoredCall(NamedTuple):
    """A call as its row has it, before this commit."""

    id: bytes
    place: Place
    escalated: int
    from_number: str | None
    to_number: str | None
    revision: int
    updated_us: int
    record: bytes
    # What of it stands in the roll-ups; None where a release without them recorded it.
    measured: bytes | None


FactKey: TypeAlias = tuple[bytes, bytes]


class StoredSession(NamedTuple):
    """A session as its row has it: its sealed record, and which facts have its turns and function calls."""

    record: bytes
    turns: FactKey | None
    functions: FactKey | None


@dataclass(slots=True)
class Component:
    """One call: its SIDs by node, its facts by (node, key), and the rows it has had so far.

    `sessions` are by the id of the row of the call that they are of, and their own.
    """

    tenant: str
    sids: dict[bytes, str] = field(default_factory=dict)
    facts: dict[tuple[bytes, bytes], Fact] = field(default_factory=dict)
    calls: dict[bytes, StoredCall] = field(default_factory=dict)
    linked: dict[bytes, bytes] = field(default_factory=dict)
    sessions: dict[tuple[bytes, str], StoredSession] = field(default_factory=dict)

    def canonical(self) -> Node:
        """The SID that names this call, by the facts known so far."""
        if len(self.sids) == 1:
            return Node(next(iter(self.sids.values())), is_carrier=False)
        carriers = {fact.call_sid for fact in self.facts.values() if fact.is_carrier}
        carriers |= {link.call_sid for fact in self.facts.values() for link in fact.links if link.is_carrier}
        return canonical(Node(sid, sid in carriers) for sid in self.sids.values())


class _Partition:
    """Nodes in disjoint sets, joined as links are met (union by the smaller root)."""

    def __init__(self) -> None:
        self._parents: dict[NodeKey, NodeKey] = {}
        self.sids: dict[NodeKey, str] = {}

    def add(self, tenant: str, sid: str) -> NodeKey:
        key = (tenant, call_uuid(tenant, sid))
        if key not in self._parents:
            self._parents[key] = key
            self.sids[key] = sid
        return key

    def root(self, key: NodeKey) -> NodeKey:
        while (parent := self._parents[key]) != key:
            self._parents[key] = key = self._parents[parent]
        return key

    def join(self, keys: Sequence[NodeKey]) -> None:
        roots = sorted({self.root(key) for key in keys})
        for root in roots[1:]:
            self._parents[root] = roots[0]


def gather(submissions: Sequence[Submission]) -> StoreOperation[list[Component | None]]:
    """For each submission its component (one object where they share it), with all that is stored of it.

    None for one that names a SID of an erased call: nothing of it may be kept again.
    """
    partition = _Partition()
    named = [_name(partition, tenant, fact) for tenant, fact, *_ in submissions]
    found = yield StatementMany("identities_of_nodes", ParamsTable(_BY_NODE, list(partition.sids)))
    erased = {(tenant, node) for tenant, node, _sid, call_id in found if call_id == ERASED}
    identities = (yield from _siblings(found)) if found else []
    _join(partition, [keys for keys in named if erased.isdisjoint(keys)], identities)
    components = _components(partition, identities)
    yield from _load(components)
    return [components[partition.root(keys[0])] if erased.isdisjoint(keys) else None for keys in named]


def _siblings(identities: Rows) -> StoreOperation[Rows]:
    """All SIDs of the calls that some lead to."""
    ids = sorted({(row[0], row[3]) for row in identities if row[3] != ERASED})
    if not ids:
        return []
    return (yield StatementMany("identities_of_calls", [{"tenant": t, "id": call_id} for t, call_id in ids]))


def linked_nodes(tenant: str, nodes: Sequence[bytes]) -> StoreOperation[list[bytes]]:
    """The SIDs that are today linked with some, as nodes; those that nobody linked are not among them."""
    identities = yield StatementMany(
        "identities_of_nodes", [{"tenant": tenant, "node": node} for node in nodes]
    )
    return [row[1] for row in (yield from _siblings(identities))]


def component_of(
    tenant: str, facts: dict[tuple[bytes, bytes], Fact], nodes: Iterable[bytes]
) -> dict[bytes, Component]:
    """The call of each node by these facts alone; a node that they do not speak of is left out."""
    partition = _Partition()
    for fact in facts.values():
        partition.join(_name(partition, tenant, fact))
    components: dict[NodeKey, Component] = {}
    for (_tenant, node), sid in partition.sids.items():
        components.setdefault(partition.root((tenant, node)), Component(tenant)).sids[node] = sid
    for (node, key), fact in facts.items():
        components[partition.root((tenant, node))].facts[node, key] = fact
    return {
        node: components[partition.root((tenant, node))] for node in nodes if (tenant, node) in partition.sids
    }


def _name(partition: _Partition, tenant: str, fact: Fact) -> list[NodeKey]:
    return [partition.add(tenant, sid) for sid in (fact.call_sid, *(link.call_sid for link in fact.links))]


def _join(partition: _Partition, named: Iterable[list[NodeKey]], identities: Rows) -> None:
    members: dict[NodeKey, list[NodeKey]] = {}
    for tenant, _node_id, sid, call_id in identities:
        members.setdefault((tenant, call_id), []).append(partition.add(tenant, sid))
    for keys in (*members.values(), *named):
        if len(keys) > 1:
            partition.join(keys)


def _components(partition: _Partition, identities: Rows) -> dict[NodeKey, Component]:
    components: dict[NodeKey, Component] = {}
    for key, sid in partition.sids.items():
        root = partition.root(key)
        component = components.get(root)
        if component is None:
            component = components[root] = Component(key[0])
        component.sids[key[1]] = sid
    for tenant, node, _sid, call_id in identities:
        components[partition.root((tenant, node))].linked[node] = call_id
    return components


def _load(components: dict[NodeKey, Component]) -> StoreOperation[None]:
    by_node = {(c.tenant, node): c for c in components.values() for node in c.sids}
    for tenant, node, key, received_us, content in (
        yield StatementMany("facts_of_nodes", ParamsTable(_BY_NODE, list(by_node)))
    ):
        by_node[tenant, node].facts[node, key] = unpack_fact(content, received_us)
    by_id = {(c.tenant, c.linked.get(node, node)): c for c in components.values() for node in c.sids}
    rows = yield StatementMany("calls_of_ids", ParamsTable(_BY_ID, list(by_id)))
    for row in rows:
        by_id[row[0], row[1]].calls[row[1]] = stored_call(row)
    yield from _load_sessions(by_id)


def _load_sessions(by_id: dict[NodeKey, Component]) -> StoreOperation[None]:
    """Of the calls that have sessions: most have none, and cost nothing here."""
    talking = [key for key, each in by_id.items() if each.calls and any_has_session(each.facts.values())]
    if talking:
        rows = yield StatementMany(
            "sessions_of_calls", [{"tenant": t, "id": call_id} for t, call_id in talking]
        )
        for tenant, session_id, call_id, *row in rows:
            by_id[tenant, call_id].sessions[call_id, session_id] = stored_session(row)


def stored_session(row: Sequence[Any]) -> StoredSession:
    """The last five columns of a session's row."""
    record, turns_node, turns_key, functions_node, functions_key = row
    turns = None if turns_node is None else (turns_node, turns_key)
    return StoredSession(record, turns, None if functions_node is None else (functions_node, functions_key))


def components_of_calls(tenant: str, calls: Sequence[tuple[bytes, str]]) -> StoreOperation[list[Component]]:
    """All that is stored of some calls, each named by its id and canonical SID, in no promised order."""
    asked = [{"tenant": tenant, "id": call_id} for call_id, _sid in calls]
    identities = yield StatementMany("identities_of_calls", asked)
    partition = _Partition()
    for _id, sid in calls:
        partition.add(tenant, sid)
    _join(partition, [], identities)
    components = _components(partition, identities)
    yield from _load(components)
    return list({id(each): each for each in components.values()}.values())


def stored_call(row: tuple[object, ...]) -> StoredCall:
    """A row of `calls_of_ids`."""
    tenant, call_id, *rest = row
    place, others = rest[:_PLACED], rest[_PLACED:]
    return StoredCall(call_id, Place(tenant, *place), *others)  # type: ignore[arg-type]
