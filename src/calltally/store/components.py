"""Which call each submission speaks of: the SIDs that facts have linked, and all that is known of them.

A SID that nobody linked is a call by itself and has no row in `identities`: its call's id is the
hash of (tenant, SID), its *node*.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from calltally.calls.events import Fact
from calltally.calls.identity import Node, call_uuid, canonical
from calltally.store.content import unpack_fact
from calltally.store.counts import Place
from calltally.store.steps import Many, Rows, Step
from calltally.store.store import Submission

NodeKey: TypeAlias = tuple[str, bytes]


class StoredCall(NamedTuple):
    """A call as its row has it, before this commit."""

    id: bytes
    place: Place
    escalated: int
    from_number: str | None
    to_number: str | None
    revision: int
    record: bytes


@dataclass(slots=True)
class Component:
    """One call: its SIDs by node, its facts by (node, key), and the rows it has had so far."""

    tenant: str
    sids: dict[bytes, str] = field(default_factory=dict)
    facts: dict[tuple[bytes, bytes], Fact] = field(default_factory=dict)
    calls: dict[bytes, StoredCall] = field(default_factory=dict)
    linked: dict[bytes, bytes] = field(default_factory=dict)

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


def gather(submissions: Sequence[Submission]) -> Step[list[Component]]:
    """For each submission its component (one object where they share it), with all that is stored of it."""
    partition = _Partition()
    named = [_name(partition, tenant, fact) for tenant, fact, _ in submissions]
    identities = yield Many("identities_of_nodes", [_node(key) for key in partition.sids])
    if identities:
        ids = {(tenant, call_id) for tenant, _node_id, _sid, call_id in identities}
        identities = yield Many("identities_of_calls", [{"tenant": t, "id": i} for t, i in sorted(ids)])
    _join(partition, named, identities)
    components = _components(partition, identities)
    yield from _load(components)
    return [components[partition.root(keys[0])] for keys in named]


def _name(partition: _Partition, tenant: str, fact: Fact) -> list[NodeKey]:
    return [partition.add(tenant, sid) for sid in (fact.call_sid, *(link.call_sid for link in fact.links))]


def _node(key: NodeKey) -> dict[str, object]:
    return {"tenant": key[0], "node": key[1]}


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


def _load(components: dict[NodeKey, Component]) -> Step[None]:
    by_node = {(c.tenant, node): c for c in components.values() for node in c.sids}
    for tenant, node, key, received_us, content in (
        yield Many("facts_of_nodes", [_node(key) for key in by_node])
    ):
        by_node[tenant, node].facts[node, key] = unpack_fact(content, received_us)
    by_id = {(c.tenant, c.linked.get(node, node)): c for c in components.values() for node in c.sids}
    rows = yield Many("calls_of_ids", [{"tenant": tenant, "id": call_id} for tenant, call_id in by_id])
    for row in rows:
        by_id[row[0], row[1]].calls[row[1]] = stored_call(row)


def stored_call(row: tuple[object, ...]) -> StoredCall:
    """A row of `calls_of_ids`."""
    tenant, call_id, *place, escalated, from_number, to_number, revision, record = row
    return StoredCall(call_id, Place(tenant, *place), escalated, from_number, to_number, revision, record)  # type: ignore[arg-type]
