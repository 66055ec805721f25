"""Imports: a provider's own list of calls, however long, as facts through the ledger's one door."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeAlias

import msgspec

from calltally.calls.events import Fact, Outcome
from calltally.ingest.routes import map_route
from calltally.providers.callback import Refusal
from calltally.store.known import unknown_facts
from calltally.store.routes import routes_by_number
from calltally.store.store import Store, Submission
from calltally.store.tenants import need_tenant

# A commit each: enough for the ledger's speed, few enough that others are not kept waiting.
CHUNK: Final = 500
# A file of another kind may have a refusal a line; the count goes on, the list does not.
MAX_REFUSALS: Final = 1_000

Told: TypeAlias = Iterable[Fact | Refusal]


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


async def import_facts(
    store: Store,
    tenant: str,
    *,
    told: Told,
    deliver: bool = False,
    on_progress: Callable[[ImportReport], None] = lambda _: None,
) -> ImportReport:
    """Record what `told` gives, chunk by chunk; `on_progress` hears the report so far after each.

    Nothing is delivered to the tenant's endpoints unless `deliver`. Stopped at any point and run again, it
    finds what it did as known. Raises NotFound for an unknown tenant, Unavailable where the store is down.
    """
    await store.read(need_tenant(tenant))
    table = await store.read(routes_by_number(tenant))
    report = ImportReport()
    for chunk in _chunks(told):
        facts = [map_route(item, table) for item in chunk if isinstance(item, Fact)]
        # What is known is read and not written again: so an import that was stopped soon is where it was.
        fresh = await store.read(unknown_facts(tenant, facts)) if facts else []
        recorded = await store.submit([Submission(tenant, fact, deliver) for fact in fresh]) if fresh else []
        outcomes = Counter(each.outcome for each in recorded)
        outcomes[Outcome.DUPLICATE] += len(facts) - len(fresh)
        refusals = [item for item in chunk if isinstance(item, Refusal)]
        report = _added(report, outcomes, sum(each.conflicting for each in recorded), refusals)
        on_progress(report)
    return report


def _chunks(told: Told) -> Iterator[list[Fact | Refusal]]:
    items = iter(told)
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def _added(
    report: ImportReport, outcomes: Counter[Outcome], conflicting: int, refusals: list[Refusal]
) -> ImportReport:
    return ImportReport(
        recorded=report.recorded + outcomes[Outcome.APPLIED],
        conflicting=report.conflicting + conflicting,
        known=report.known + outcomes[Outcome.DUPLICATE],
        unchanged=report.unchanged + outcomes[Outcome.IGNORED],
        refused=report.refused + len(refusals) + outcomes[Outcome.REFUSED],
        refusals=(*report.refusals, *refusals[: MAX_REFUSALS - len(report.refusals)]),
    )
