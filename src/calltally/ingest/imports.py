"""Imports: a provider's own list of calls, however long, as facts through the ledger's one write path."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.events import Fact, IngestOutcome
from calltally.ingest.routes import RouteTable, map_route
from calltally.providers.callback import UnreadableRecord
from calltally.store.db.fact_codec import pack
from calltally.store.db.interface import Store, Submission, SubmissionResult
from calltally.store.ledger.unrecorded_facts import unknown_facts
from calltally.store.tenants.routes import routes_by_number
from calltally.store.tenants.tenants import need_tenant

# One commit of `calltally import`: two thirds of the cost of commits of 128 facts, and short enough (a tenth
# of a second) for a service that waits to write to the same file.
COMMIT_FACTS: Final = 1_000
# Facts that are looked up together inside a service, whose commits stay small.
CHUNK: Final = 500
# A file of another kind may have a refusal a line; the count goes on, the list does not.
MAX_REFUSALS: Final = 1_000

Listed: TypeAlias = Iterable[Fact | UnreadableRecord]


class Read(NamedTuple):
    """Progress in the files: the number of a file, its size (None: not known), the bytes read of it."""

    file: int
    size: int | None
    done: int


class Chunk(NamedTuple):
    """A part of the items: facts ready for the ledger, refusals, and how far the files are read."""

    submissions: Sequence[Submission]
    refused: Sequence[UnreadableRecord] = ()
    read: Read | None = None


class ImportReport(msgspec.Struct, frozen=True):
    """Result of an import. `refusals` are the first of the `refused`, in their order.

    `recorded` changed a call, `conflicting` of them in contradiction to what was known of it; `known` had
    been told before; `unchanged` were new, kept, and changed nothing.
    """

    recorded: int = 0
    conflicting: int = 0
    known: int = 0
    unchanged: int = 0
    refused: int = 0
    refusals: tuple[UnreadableRecord, ...] = ()

    @property
    def total(self) -> int:
        """All the items that were read."""
        return self.recorded + self.known + self.unchanged + self.refused


OnProgress: TypeAlias = Callable[[ImportReport], None]


def _ignored(_report: ImportReport) -> None:
    """Nobody listens."""


async def import_facts(
    store: Store,
    tenant: str,
    *,
    items: Listed,
    deliver: bool = False,
    on_progress: OnProgress = _ignored,
) -> ImportReport:
    """Record the items of `items` in the writer's small commits.

    `on_progress` hears the report after each chunk. With `deliver` the tenant's endpoints get its events.
    Stopped at any point and run again, it finds what it did as known. Raises NotFound for an unknown
    tenant, Unavailable where the store is down.
    """
    table = await routes_for(store, tenant)
    report = ImportReport()
    for part in _chunks(items, CHUNK):
        chunk = chunk_of(part, tenant, table, deliver=deliver)
        report = await _recorded(store, tenant, chunk, report, in_one_commit=False)
        on_progress(report)
    return report


async def import_chunks(
    store: Store,
    tenant: str,
    chunks: AsyncIterator[Chunk],
    *,
    on_chunk: Callable[[Chunk], None],
) -> ImportReport:
    """Record chunks, each as one commit; `on_chunk` hears of each that is recorded.

    For a process without other work in its event loop, which a commit of a thousand facts holds up.
    """
    report = ImportReport()
    async for chunk in chunks:
        report = await _recorded(store, tenant, chunk, report, in_one_commit=True)
        on_chunk(chunk)
    return report


async def routes_for(store: Store, tenant: str) -> RouteTable:
    """Return the table by which an import's calls are routed. Raises NotFound for an unknown tenant."""
    await store.read(need_tenant(tenant))
    return await store.read(routes_by_number(tenant))


def chunks_of(items: Listed, tenant: str, table: RouteTable, *, deliver: bool) -> Iterator[Chunk]:
    """Yield the items ready for the ledger, a commit at a time; in whichever process."""
    for chunk in _chunks(items, COMMIT_FACTS):
        yield chunk_of(chunk, tenant, table, deliver=deliver)


def chunk_of(
    items: Sequence[Fact | UnreadableRecord], tenant: str, table: RouteTable, *, deliver: bool
) -> Chunk:
    """Map the facts among items to routes and pack their rows."""
    facts = [map_route(item, table) for item in items if isinstance(item, Fact)]
    submissions = [Submission(tenant, _slim(fact), deliver, pack(fact, fact.key)) for fact in facts]
    return Chunk(submissions, [item for item in items if isinstance(item, UnreadableRecord)])


def _slim(fact: Fact) -> Fact:
    """Drop the raw body, which is in the packed row: nothing else reads it."""
    return msgspec.structs.replace(fact, raw=b"")


async def _recorded(
    store: Store, tenant: str, chunk: Chunk, report: ImportReport, *, in_one_commit: bool
) -> ImportReport:
    """Record what is not known: an import that was stopped is soon where it was."""
    submissions = chunk.submissions
    fresh = await store.read(unknown_facts(tenant, submissions)) if submissions else []
    recorded = await store.submit(fresh, in_one_commit=in_one_commit) if fresh else []
    report = _added(report, recorded, chunk.refused)
    return msgspec.structs.replace(report, known=report.known + len(submissions) - len(fresh))


def _chunks(items: Listed, size: int) -> Iterator[list[Fact | UnreadableRecord]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def _added(
    report: ImportReport, became: Sequence[SubmissionResult], refusals: Sequence[UnreadableRecord]
) -> ImportReport:
    outcomes = Counter(map(attrgetter("outcome"), became))
    return ImportReport(
        recorded=report.recorded + outcomes[IngestOutcome.APPLIED],
        conflicting=report.conflicting + sum(map(attrgetter("conflicting"), became)),
        known=report.known + outcomes[IngestOutcome.DUPLICATE],
        unchanged=report.unchanged + outcomes[IngestOutcome.IGNORED],
        refused=report.refused + len(refusals) + outcomes[IngestOutcome.REFUSED],
        refusals=(*report.refusals, *refusals[: MAX_REFUSALS - len(report.refusals)]),
    )
