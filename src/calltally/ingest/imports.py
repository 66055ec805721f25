"""Imports: a provider's own list of calls, however long, as facts through the ledger's one door."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.events import Fact, Outcome
from calltally.ingest.routes import RouteTable, map_route
from calltally.providers.callback import Refusal
from calltally.store.db.interface import Recorded, Store, Submission
from calltally.store.db.operation import Clock
from calltally.store.ledger.bulk_import import record_prepared
from calltally.store.ledger.prepared_calls import Batch, prepare
from calltally.store.ledger.record import Told
from calltally.store.ledger.unrecorded_facts import unknown_facts
from calltally.store.tenants.routes import routes_by_number
from calltally.store.tenants.tenants import need_tenant

# A commit each: enough for the ledger's speed, few enough that others are not kept waiting.
CHUNK: Final = 500
# A file of another kind may have a refusal a line; the count goes on, the list does not.
MAX_REFUSALS: Final = 1_000

Listed: TypeAlias = Iterable[Fact | Refusal]


class Chunk(NamedTuple):
    """What a stretch of the items gives: facts ready for the ledger, and what is refused."""

    batch: Batch
    refused: Sequence[Refusal] = ()


class ImportReport(msgspec.Struct, frozen=True):
    """What became of an import's items. `refusals` are the first of the `refused`, in their order.

    `recorded` changed a call, `conflicting` of them in contradiction to what was known of it; `known` had
    been told before; `unchanged` were new, kept, and changed nothing.
    """

    recorded: int = 0
    conflicting: int = 0
    known: int = 0
    unchanged: int = 0
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()

    @property
    def total(self) -> int:
        """All the items that were read."""
        return self.recorded + self.known + self.unchanged + self.refused


OnProgress: TypeAlias = Callable[[ImportReport], None]


def _untold(_report: ImportReport) -> None:
    """Nobody listens."""


async def import_facts(
    store: Store, tenant: str, *, told: Listed, clock: Clock, on_progress: OnProgress = _untold
) -> ImportReport:
    """Record what `told` gives, chunk by chunk; `on_progress` hears the report so far after each.

    Nothing is delivered to the tenant's endpoints. Stopped at any point and run again, it finds what it did
    as known. Raises NotFound for an unknown tenant, Unavailable where the store is down.
    """
    table = await routes_for(store, tenant)
    chunks = prepared_chunks(told, tenant, table, CHUNK)
    return await bring_chunks(store, tenant, _one_by_one(chunks), clock=clock, on_progress=on_progress)


async def submit_facts(
    store: Store, tenant: str, *, told: Listed, deliver: bool, on_progress: OnProgress = _untold
) -> ImportReport:
    """The same in the writer's small commits, beside what else it is handed; endpoints may be told of it."""
    table = await routes_for(store, tenant)
    report = ImportReport()
    for chunk in _chunks(told, CHUNK):
        facts = [map_route(item, table) for item in chunk if isinstance(item, Fact)]
        # What is known is read and not written again: so an import that was stopped soon is where it was.
        fresh = await store.read(unknown_facts(tenant, facts)) if facts else []
        recorded = await store.submit([Submission(tenant, fact, deliver) for fact in fresh]) if fresh else []
        report = _added(report, recorded, _refused_in(chunk))
        report = msgspec.structs.replace(report, known=report.known + len(facts) - len(fresh))
        on_progress(report)
    return report


async def routes_for(store: Store, tenant: str) -> RouteTable:
    """The table by which an import's calls are routed. Raises NotFound for an unknown tenant."""
    await store.read(need_tenant(tenant))
    return await store.read(routes_by_number(tenant))


def prepared_chunks(told: Listed, tenant: str, table: RouteTable, size: int) -> Iterator[Chunk]:
    """What `told` gives, in stretches of `size`, ready for the ledger; in whichever process."""
    for chunk in _chunks(told, size):
        yield prepared(chunk, tenant, table)


def prepared(told: Sequence[Fact | Refusal], tenant: str, table: RouteTable) -> Chunk:
    """What was told, ready for the ledger."""
    facts = [map_route(item, table) for item in told if isinstance(item, Fact)]
    return Chunk(prepare(tenant, facts), _refused_in(told))


def _refused_in(told: Iterable[Fact | Refusal]) -> list[Refusal]:
    return [item for item in told if isinstance(item, Refusal)]


async def bring_chunks(
    store: Store,
    tenant: str,
    chunks: AsyncIterator[Sequence[Chunk]],
    *,
    clock: Clock,
    on_progress: OnProgress = _untold,
) -> ImportReport:
    """Record prepared chunks, those that come together as a transaction, or each where others wait to write.

    `on_progress` hears the report so far after each.
    """
    report = ImportReport()
    async for together in chunks:
        left = together
        while left:
            many = 1 if store.is_wanted() else len(left)
            part, left = left[:many], left[many:]
            refused = [refusal for chunk in part for refusal in chunk.refused]
            report = _added(report, await _recorded(store, tenant, part, clock), refused)
            on_progress(report)
    return report


async def _recorded(store: Store, tenant: str, part: Sequence[Chunk], clock: Clock) -> Sequence[Told]:
    batches = [chunk.batch for chunk in part if chunk.batch.ready or chunk.batch.others]
    return await store.write(record_prepared(tenant, batches, clock)) if batches else ()


async def _one_by_one(chunks: Iterable[Chunk]) -> AsyncIterator[Sequence[Chunk]]:
    for chunk in chunks:
        yield [chunk]


def _chunks(told: Listed, size: int) -> Iterator[list[Fact | Refusal]]:
    items = iter(told)
    while chunk := list(islice(items, size)):
        yield chunk


def _added(
    report: ImportReport, became: Sequence[Told | Recorded], refusals: Sequence[Refusal]
) -> ImportReport:
    outcomes = Counter(map(attrgetter("outcome"), became))
    return ImportReport(
        recorded=report.recorded + outcomes[Outcome.APPLIED],
        conflicting=report.conflicting + sum(map(attrgetter("conflicting"), became)),
        known=report.known + outcomes[Outcome.DUPLICATE],
        unchanged=report.unchanged + outcomes[Outcome.IGNORED],
        refused=report.refused + len(refusals) + outcomes[Outcome.REFUSED],
        refusals=(*report.refusals, *refusals[: MAX_REFUSALS - len(report.refusals)]),
    )
