"""Many facts at once, most of them of calls that nobody told of before: an import's way into the ledger.

What is new goes straight into the rows that were prepared for it, and into the counters with the sums of it;
all else is recorded as any fact is, in the same commit. Which way a fact went cannot be told from the ledger
afterwards.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from calltally.calls.events import Fact, Outcome
from calltally.calls.identity import call_uuid
from calltally.store.db.interface import Submission
from calltally.store.db.operation import Clock, Many, Step, Table, together
from calltally.store.ledger.change_set import Changes
from calltally.store.ledger.linked_calls import FactKey, gather
from calltally.store.ledger.prepared_calls import Batch, Item, Prepared, sums_left
from calltally.store.ledger.record import CallInHand, Told, settle_all, tell
from calltally.store.snapshots.ledger_head import lock_head

_NODE: Final = ("tenant", "node")
_KNOWN: Final = Told(Outcome.DUPLICATE, "already recorded")
_NEW: Final = (Told(Outcome.APPLIED, None), Told(Outcome.APPLIED, None, conflicting=True))


class _Known(NamedTuple):
    """The facts that the ledger has of the SIDs of a commit, by (node, key), and the SIDs that are not new.

    Those lead to a call already, or more than one fact of the commit tells of them.
    """

    facts: set[FactKey]
    nodes: set[bytes]


def record_prepared(tenant: str, batches: Sequence[Batch], clock: Clock) -> Step[list[Told]]:
    """Record facts of one tenant as one transaction, announcing nothing; what became of each.

    Those that make a new call come first, here and by their revisions, then what is known, then the others.
    What is known is left as it is, and not even counted. So many at once keep others from writing meanwhile.
    `clock` is asked once the transaction has begun, so that no later commit is of an earlier time. Raises
    NotFound for a tenant that does not exist.
    """
    heads = yield from lock_head(tenant)
    known = yield from _known_of(tenant, Counter(_nodes_in(tenant, batches)))
    changes = Changes(heads, clock())
    told: list[Told] = []
    rest: list[Item] = []
    for ready, sums, others in batches:
        new, familiar = _divided(ready, known)
        changes.put_prepared(tenant, new, sums_left(sums, new, familiar))
        told += [_NEW[item.conflicting] for item in new]
        rest += [*familiar, *others]
    told += yield from _record_rest(tenant, rest, known, changes)
    yield from changes.write()
    return told


def _nodes_in(tenant: str, batches: Sequence[Batch]) -> Iterator[bytes]:
    """The SIDs that batches speak of, as often as they do."""
    for ready, _sums, others in batches:
        yield from map(attrgetter("node"), ready)
        for fact in others:
            sids = (fact.call_sid, *(link.call_sid for link in fact.links))
            yield from (call_uuid(tenant, sid) for sid in sids)


def _known_of(tenant: str, met: Mapping[bytes, int]) -> Step[_Known]:
    asked = Table(_NODE, [(tenant, node) for node in met])
    facts, linked = yield from together(Many("keys_of_nodes", asked), Many("identities_of_nodes", asked))
    nodes = {row[0] for row in facts} | {row[1] for row in linked}
    repeated = {node for node, times in met.items() if times > 1}
    return _Known({(row[0], row[1]) for row in facts}, nodes | repeated)


def _divided(ready: Sequence[Prepared], known: _Known) -> tuple[Sequence[Prepared], list[Prepared]]:
    """Those that make a call of their own, and the others."""
    familiar = [item for item in ready if item.node in known.nodes]
    return [item for item in ready if item.node not in known.nodes] if familiar else ready, familiar


def _record_rest(tenant: str, rest: Sequence[Item], known: _Known, changes: Changes) -> Step[list[Told]]:
    """As any fact is recorded; of what is known only that it is."""
    facts = [_fact(item) for item in rest if (_node(tenant, item), item.key) not in known.facts]
    submissions = [Submission(tenant, fact, announce=False) for fact in facts]
    components = (yield from gather(submissions)) if submissions else []
    work: dict[int, CallInHand] = {}
    told = [tell(*each, work, changes)[1] for each in zip(submissions, components, strict=True)]
    yield from settle_all(list(work.values()), changes)
    return [_KNOWN] * (len(rest) - len(facts)) + told


def _node(tenant: str, item: Item) -> bytes:
    return item.node if isinstance(item, Prepared) else call_uuid(tenant, item.call_sid)


def _fact(item: Item) -> Fact:
    return item.fact() if isinstance(item, Prepared) else item
