"""Linked calls: the call of each submission, with its linked SIDs, its facts and its stored rows.

A SID without links is a call by itself and has no row in `identities`: the id of its call is the hash of
(tenant, SID), its *node*.
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
from calltally.store.rollups.call_counters import CallDimensions

NodeKey: TypeAlias = tuple[str, bytes]

# Call id of the SIDs of erased calls: no fact that names one is recorded again.
ERASED: Final = bytes(16)
# Number of columns after the id that hold the dimensions.
_DIMENSION_COLUMNS: Final = len(CallDimensions._fields) - 1
_BY_NODE: Final = ("tenant", "node")
_BY_ID: Final = ("tenant", "id")


class StoredCall(NamedTuple):
    """Stored row of a call, before this commit."""

    id: bytes
    dimensions: CallDimensions
    escalated: int
    from_number: str | None
    to_number: str | None
    parent_call_sid: str | None
    revision: int
    updated_us: int
    record: bytes
    # Measures in the roll-ups; None if a release without roll-ups recorded the call.
    measured: bytes | None


FactKey: TypeAlias = tuple[bytes, bytes]


class StoredSession(NamedTuple):
    """Session as its row has it: its finished record, and the facts with its turns and function calls."""

    record: bytes
    turns: FactKey | None
    functions: FactKey | None


@dataclass(slots=True)
class LinkedCall:
    """Call: SIDs by node, facts by (node, key), rows by id, sessions by (id of the row, own id)."""

    tenant: str
    sids: dict[bytes, str] = field(default_factory=dict)
    facts: dict[tuple[bytes, bytes], Fact] = field(default_factory=dict)
    calls: dict[bytes, StoredCall] = field(default_factory=dict)
    linked: dict[bytes, bytes] = field(default_factory=dict)
    sessions: dict[tuple[bytes, str], StoredSession] = field(default_factory=dict)

    def canonical(self) -> Node:
        """Return the SID that names this call, by its facts so far."""
        if len(self.sids) == 1:
            return Node(next(iter(self.sids.values())), is_carrier=False)
        carriers = {fact.call_sid for fact in self.facts.values() if fact.is_carrier}
        carriers |= {link.call_sid for fact in self.facts.values() for link in fact.links if link.is_carrier}
        return canonical(Node(sid, sid in carriers) for sid in self.sids.values())


class _Partition:
    """Disjoint sets of nodes, joined by links (union by the smaller root)."""

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


def gather(submissions: Sequence[Submission]) -> StoreOperation[list[LinkedCall | None]]:
    """Return the linked call of each submission, with its stored rows; submissions can share one object.

    None for a submission that names a SID of an erased call: nothing of it may be stored again.
    """
    partition = _Partition()
    named = [_name(partition, tenant, fact) for tenant, fact, *_ in submissions]
    found = yield StatementMany("identities_of_nodes", ParamsTable(_BY_NODE, list(partition.sids)))
    erased = {(tenant, node) for tenant, node, _sid, call_id in found if call_id == ERASED}
    identities = (yield from _siblings(found)) if found else []
    _join(partition, [keys for keys in named if erased.isdisjoint(keys)], identities)
    linked_calls = _linked_calls(partition, identities)
    yield from _load(linked_calls)
    return [linked_calls[partition.root(keys[0])] if erased.isdisjoint(keys) else None for keys in named]


def _siblings(identities: Rows) -> StoreOperation[Rows]:
    """Return all SIDs of the calls of some identities."""
    ids = sorted({(row[0], row[3]) for row in identities if row[3] != ERASED})
    if not ids:
        return []
    return (yield StatementMany("identities_of_calls", [{"tenant": t, "id": call_id} for t, call_id in ids]))


def linked_nodes(tenant: str, nodes: Sequence[bytes]) -> StoreOperation[list[bytes]]:
    """Return the nodes that are linked with some nodes today; nodes without links are left out."""
    keys = [{"tenant": tenant, "node": node} for node in nodes]
    identities = yield StatementMany("identities_of_nodes", keys)
    return [row[1] for row in (yield from _siblings(identities))]


def linked_calls_of_nodes(
    tenant: str, facts: dict[tuple[bytes, bytes], Fact], nodes: Iterable[bytes]
) -> dict[bytes, LinkedCall]:
    """Return the call of each node by these facts alone; nodes that no fact names are left out."""
    partition = _Partition()
    for fact in facts.values():
        partition.join(_name(partition, tenant, fact))
    linked_calls = _linked_calls(partition, [])
    for (node, key), fact in facts.items():
        linked_calls[partition.root((tenant, node))].facts[node, key] = fact
    return {
        node: linked_calls[partition.root((tenant, node))]
        for node in nodes
        if (tenant, node) in partition.sids
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


def _linked_calls(partition: _Partition, identities: Rows) -> dict[NodeKey, LinkedCall]:
    linked_calls: dict[NodeKey, LinkedCall] = {}
    for key, sid in partition.sids.items():
        root = partition.root(key)
        linked_call = linked_calls.get(root)
        if linked_call is None:
            linked_call = linked_calls[root] = LinkedCall(key[0])
        linked_call.sids[key[1]] = sid
    for tenant, node, _sid, call_id in identities:
        linked_calls[partition.root((tenant, node))].linked[node] = call_id
    return linked_calls


def _load(linked_calls: dict[NodeKey, LinkedCall]) -> StoreOperation[None]:
    by_node = {(c.tenant, node): c for c in linked_calls.values() for node in c.sids}
    for tenant, node, key, received_us, content in (
        yield StatementMany("facts_of_nodes", ParamsTable(_BY_NODE, list(by_node)))
    ):
        by_node[tenant, node].facts[node, key] = unpack_fact(content, received_us)
    by_id = {(c.tenant, c.linked.get(node, node)): c for c in linked_calls.values() for node in c.sids}
    rows = yield StatementMany("calls_of_ids", ParamsTable(_BY_ID, list(by_id)))
    for row in rows:
        by_id[row[0], row[1]].calls[row[1]] = stored_call(row)
    yield from _load_sessions(by_id)


def _load_sessions(by_id: dict[NodeKey, LinkedCall]) -> StoreOperation[None]:
    """Load the sessions of calls that have any: most have none and cost nothing."""
    with_sessions = [
        key for key, each in by_id.items() if each.calls and any_has_session(each.facts.values())
    ]
    if with_sessions:
        rows = yield StatementMany(
            "sessions_of_calls", [{"tenant": t, "id": call_id} for t, call_id in with_sessions]
        )
        for tenant, session_id, call_id, *row in rows:
            by_id[tenant, call_id].sessions[call_id, session_id] = stored_session(row)


def stored_session(row: Sequence[Any]) -> StoredSession:
    """Return a session from the last five columns of its row."""
    record, turns_node, turns_key, functions_node, functions_key = row
    turns = None if turns_node is None else (turns_node, turns_key)
    return StoredSession(record, turns, None if functions_node is None else (functions_node, functions_key))


def linked_calls_of_ids(tenant: str, calls: Sequence[tuple[bytes, str]]) -> StoreOperation[list[LinkedCall]]:
    """Return the linked calls of some calls (id, canonical SID), in no particular order."""
    ids = [{"tenant": tenant, "id": call_id} for call_id, _sid in calls]
    identities = yield StatementMany("identities_of_calls", ids)
    partition = _Partition()
    for _id, sid in calls:
        partition.add(tenant, sid)
    _join(partition, [], identities)
    linked_calls = _linked_calls(partition, identities)
    yield from _load(linked_calls)
    return list({id(each): each for each in linked_calls.values()}.values())


def stored_call(row: tuple[object, ...]) -> StoredCall:
    tenant, call_id, *rest = row
    dimensions, others = rest[:_DIMENSION_COLUMNS], rest[_DIMENSION_COLUMNS:]
    return StoredCall(call_id, CallDimensions(tenant, *dimensions), *others)  # type: ignore[arg-type]
