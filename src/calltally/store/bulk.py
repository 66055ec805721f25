"""Many facts at once, most of them of calls that nobody told of before: an import's way into the ledger.

What is new goes straight into the rows that were prepared for it, a batch of nothing else with the sums that
were made of it; all else is recorded as any fact is, in the same commit. Which way a fact went cannot be told
from the ledger afterwards.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias, cast

from calltally.calls.events import Fact, Outcome
from calltally.calls.identity import call_uuid
from calltally.store.changes import Changes
from calltally.store.components import Component, FactKey, gather
from calltally.store.ledger import CallInHand, InHand, Told, settle_all, tell
from calltally.store.prepared import Batch, Item, Prepared
from calltally.store.session_rows import Packed
from calltally.store.standing import lock_head
from calltally.store.steps import Clock, Many, Params, Step, Table, together
from calltally.store.store import Submission
from calltally.store.sums import Sums

_NODE: Final = ("tenant", "node")
_KNOWN: Final = Told(Outcome.DUPLICATE, "already recorded")
_NEW: Final = (Told(Outcome.APPLIED, None), Told(Outcome.APPLIED, None, conflicting=True))
_Judged: TypeAlias = tuple[InHand | None, Told]
_New: TypeAlias = tuple[Sequence[Prepared], Sums]


# By place in a batch: a fact that is recorded the long way with its call, or None for one that is known.
_Others: TypeAlias = dict[int, tuple[Submission, Component | None] | None]


class _Known(NamedTuple):
    """The facts that the ledger has of the SIDs of a commit, by (node, key), and the SIDs that are not new.

    Those lead to a call already, or more than one fact of the commit tells of them.
    """

    facts: set[FactKey]
    nodes: set[bytes]


class _NewCall:
    """A call in the hands of a commit that nobody told of before: written as it was prepared."""

    __slots__ = ("_item", "id", "revision")

    def __init__(self, item: Prepared) -> None:
        self._item = item
        self.id = item.node
        self.revision = 0

    def missing_turns(self) -> Sequence[Params]:
        """It has no session."""
        return ()

    def settle(self, changes: Changes, _packed: Packed) -> None:
        """Write it, its fact and its words."""
        self.revision = changes.put_prepared(self._item)


def record_prepared(tenant: str, batches: Sequence[Batch], clock: Clock) -> Step[list[Told]]:
    """Record facts of one tenant as one transaction, announcing nothing; what became of each.

    Those in batches of nothing but new calls come first, in this and by their revisions, then the others.
    What is known is left as it is, and not even counted. So many at once keep others from writing meanwhile.
    `clock` is asked once the transaction has begun, so that no later commit is of an earlier time. Raises
    NotFound for a tenant that does not exist.
    """
    heads = yield from lock_head(tenant)
    met = Counter(node for batch in batches for node in _nodes_in(tenant, batch))
    known = yield from _known_of(tenant, met)
    changes = Changes(heads, clock())
    new, rest = _divided(batches, known)
    for items, sums in new:
        changes.put_all_prepared(tenant, items, sums)
    others = yield from _record_rest(tenant, rest, known, changes)
    yield from changes.write()
    return [*(_NEW[item.conflicting] for items, _sums in new for item in items), *others]


def _nodes_in(tenant: str, batch: Batch) -> Iterable[bytes]:
    """The SIDs that a batch speaks of, as often as it does."""
    if batch.sums is not None:
        return map(attrgetter("node"), batch.items)
    return chain.from_iterable(_nodes(tenant, item) for item in batch.items)


def _nodes(tenant: str, item: Item) -> tuple[bytes, ...]:
    """The SIDs that it speaks of."""
    if isinstance(item, Prepared):
        return (item.node,)
    return tuple(call_uuid(tenant, sid) for sid in (item.call_sid, *(link.call_sid for link in item.links)))


def _known_of(tenant: str, met: Mapping[bytes, int]) -> Step[_Known]:
    asked = Table(_NODE, [(tenant, node) for node in met])
    facts, linked = yield from together(Many("keys_of_nodes", asked), Many("identities_of_nodes", asked))
    nodes = {row[0] for row in facts} | {row[1] for row in linked}
    repeated = {node for node, times in met.items() if times > 1}
    return _Known({(row[0], row[1]) for row in facts}, nodes | repeated)


def _divided(batches: Sequence[Batch], known: _Known) -> tuple[list[_New], list[Item]]:
    """Those batches of which each fact makes a call of its own; and what is in the others."""
    new: list[_New] = []
    rest: list[Item] = []
    for items, sums in batches:
        # With sums all of them are prepared.
        ready = cast("Sequence[Prepared]", items)
        if sums is not None and known.nodes.isdisjoint(item.node for item in ready):
            new.append((ready, sums))
        else:
            rest += items
    return new, rest


def _record_rest(tenant: str, items: Sequence[Item], known: _Known, changes: Changes) -> Step[list[Told]]:
    others = yield from _others(tenant, items, known)
    told = list(_tell(items, others, changes))
    yield from settle_all(list({id(call): call for call, _ in told if call is not None}.values()), changes)
    return [each for _call, each in told]


def _others(tenant: str, items: Sequence[Item], known: _Known) -> Step[_Others]:
    """By their places those that are known, and those whose call is, or of which more of the commit tell."""
    places = [
        place
        for place, item in enumerate(items)
        if not isinstance(item, Prepared) or item.node in known.nodes
    ]
    others: _Others = {place: None for place in places if _key(tenant, items[place]) in known.facts}
    new = [place for place in places if place not in others]
    submissions = [Submission(tenant, _fact(items[place]), announce=False) for place in new]
    components = (yield from gather(submissions)) if new else []
    return others | dict(zip(new, zip(submissions, components, strict=True), strict=True))


def _key(tenant: str, item: Item) -> FactKey:
    return _nodes(tenant, item)[0], item.key


def _fact(item: Item) -> Fact:
    return item.fact() if isinstance(item, Prepared) else item


def _tell(items: Sequence[Item], others: _Others, changes: Changes) -> Iterator[_Judged]:
    """What becomes of each, in their order, and of which call it is."""
    work: dict[int, CallInHand] = {}
    for place, item in enumerate(items):
        if place not in others and isinstance(item, Prepared):
            yield _NewCall(item), _NEW[item.conflicting]
        elif (other := others[place]) is None:
            yield None, _KNOWN
        else:
            yield tell(*other, work, changes)
