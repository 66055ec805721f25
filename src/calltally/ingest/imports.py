"""Imports: a provider's list of calls, of any length, recorded as facts."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

import msgspec

from calltally.calls.events import UNREAD, Fact, IngestOutcome
from calltally.ingest.callbacks import unknown_ends
from calltally.ingest.routes import RouteTable, map_route
from calltally.providers.callback import UnreadableRecord
from calltally.providers.known_fields import unlisted_in_record
from calltally.store.db.fact_codec import pack
from calltally.store.db.interface import Store, Submission
from calltally.store.ledger.fact_queries import unknown_facts
from calltally.store.tenants.routes import routes_by_number
from calltally.store.tenants.tenants import need_tenant

# One commit of `calltally import`: two thirds of the cost of commits of 128 facts, and short enough (a tenth
# of a second) for a service that waits to write to the same file.
COMMIT_FACTS: Final = 1_000
# Facts that are looked up together inside a service, whose commits stay small.
CHUNK: Final = 500
# Records of a chunk whose fields are compared with the provider's page: all would cost a third of the import.
_COMPARED: Final = 50
_MAX_UNLISTED: Final = 50
# A file of another kind may have a refusal a line; the count goes on, the list does not.
MAX_REFUSALS: Final = 1_000

Listed: TypeAlias = Iterable[Fact | UnreadableRecord]


class Read(NamedTuple):
    """Reading progress: the number of the current file, its size (None: unknown), and the bytes read."""

    file: int
    size: int | None
    done: int


class Chunk(NamedTuple):
    """Part of the items: facts ready for the ledger, refusals, and the reading progress.

    `unread_fields` counts values that could not be read. `unlisted` names fields and end reasons that the
    provider's coverage page does not list.
    """

    submissions: Sequence[Submission]
    refused: Sequence[UnreadableRecord] = ()
    read: Read | None = None
    unread_fields: int = 0
    unlisted: tuple[str, ...] = ()


class ImportReport(msgspec.Struct, frozen=True):
    """Result of an import. `refused` counts the refused records; `refusals` are the first of them, in order.

    `recorded` counts records that changed a call, and `conflicting` those of them that contradict earlier
    facts of the call. `known` counts records that were stored before. `unchanged` counts new records that
    changed no call. `unread_fields` counts values that could not be read and were left out. `unlisted` names
    fields, in samples of the records, and end reasons that the provider's coverage page does not list.
    """

    recorded: int = 0
    conflicting: int = 0
    known: int = 0
    unchanged: int = 0
    refused: int = 0
    refusals: tuple[UnreadableRecord, ...] = ()
    unread_fields: int = 0
    unlisted: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return self.recorded + self.known + self.unchanged + self.refused


async def import_facts(store: Store, tenant: str, *, items: Listed, deliver: bool = False) -> ImportReport:
    """Record the items in small commits. With `deliver` the tenant's endpoints get the events.

    An interrupted import can be run again: the items that it has recorded count as known. Raises NotFound for
    an unknown tenant, Unavailable if the store does not respond.
    """
    table = await routes_for(store, tenant)
    report = ImportReport()
    rest = iter(items)
    while listed := list(islice(rest, CHUNK)):
        chunk = chunk_of(listed, tenant, table, deliver=deliver)
        report = await _record(store, tenant, chunk, report, in_one_commit=False)
    return report


async def import_chunks(
    store: Store, tenant: str, chunks: AsyncIterator[Chunk], *, on_chunk: Callable[[Chunk], None]
) -> ImportReport:
    """Record chunks, each as one commit; `on_chunk` is called after each.

    Only for a process without other work in its event loop: a commit of a thousand facts blocks the loop.
    """
    report = ImportReport()
    async for chunk in chunks:
        report = await _record(store, tenant, chunk, report, in_one_commit=True)
        on_chunk(chunk)
    return report


async def routes_for(store: Store, tenant: str) -> RouteTable:
    """Return the table by which an import's calls are routed. Raises NotFound for an unknown tenant."""
    await store.read(need_tenant(tenant))
    return await store.read(routes_by_number(tenant))


def chunks_of(
    items: Listed, tenant: str, table: RouteTable, *, deliver: bool, provider: str = ""
) -> Iterator[Chunk]:
    """Yield the items, ready for the ledger, in chunks of one commit each; see `chunk_of`."""
    rest = iter(items)
    while chunk := list(islice(rest, COMMIT_FACTS)):
        yield chunk_of(chunk, tenant, table, deliver=deliver, provider=provider)


def chunk_of(
    items: Sequence[Fact | UnreadableRecord],
    tenant: str,
    table: RouteTable,
    *,
    deliver: bool,
    provider: str = "",
) -> Chunk:
    """Map the facts among items to routes and pack their rows. `provider` has the page of known fields."""
    facts = [map_route(item, table) for item in items if isinstance(item, Fact)]
    # Without the raw body, which is in the packed row: nothing else reads it.
    submissions = [
        Submission(tenant, msgspec.structs.replace(fact, raw=b""), deliver, pack(fact, fact.key))
        for fact in facts
    ]
    return Chunk(
        submissions,
        [item for item in items if isinstance(item, UnreadableRecord)],
        unread_fields=sum(len(fact.stated.get(UNREAD, ())) for fact in facts),
        unlisted=_unlisted(facts, provider),
    )


def _unlisted(facts: Sequence[Fact], provider: str) -> tuple[str, ...]:
    """Return the unlisted end reasons of all facts, and the unlisted fields of the first ones."""
    names = dict.fromkeys(unknown_ends(facts))
    for fact in facts[:_COMPARED] if provider else ():
        names.update(dict.fromkeys(unlisted_in_record(provider, fact.raw)))
    return tuple(names)[:_MAX_UNLISTED]


async def _record(
    store: Store, tenant: str, chunk: Chunk, report: ImportReport, *, in_one_commit: bool
) -> ImportReport:
    """Record the facts that are not stored yet, and return the new report. Stored facts are skipped fast."""
    submissions, refusals = chunk.submissions, chunk.refused
    fresh = await store.read(unknown_facts(tenant, submissions)) if submissions else []
    recorded = await store.submit(fresh, in_one_commit=in_one_commit) if fresh else []
    outcomes = Counter(each.outcome for each in recorded)
    known = len(submissions) - len(fresh) + outcomes[IngestOutcome.DUPLICATE]
    return ImportReport(
        recorded=report.recorded + outcomes[IngestOutcome.APPLIED],
        conflicting=report.conflicting + sum(each.conflicting for each in recorded),
        known=report.known + known,
        unchanged=report.unchanged + outcomes[IngestOutcome.IGNORED],
        refused=report.refused + len(refusals) + outcomes[IngestOutcome.REFUSED],
        refusals=(*report.refusals, *refusals[: MAX_REFUSALS - len(report.refusals)]),
        unread_fields=report.unread_fields + chunk.unread_fields,
        unlisted=tuple(dict.fromkeys((*report.unlisted, *chunk.unlisted)))[:_MAX_UNLISTED],
    )
