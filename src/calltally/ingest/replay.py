"""Replay of dead letters: letters that this version can parse are recorded like new callbacks."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from calltally.ingest.callbacks import (
    ParsedFacts,
    Providers,
    SecretCache,
    UnparsedBody,
    plain_reason,
    read_facts,
    read_letter,
    with_stored_settings,
)
from calltally.ingest.routes import RouteTable, map_route
from calltally.providers.registry import registered_name
from calltally.store.db.interface import Store, Submission
from calltally.store.db.operation import Clock, StoreOperation
from calltally.store.tenants.dead_letters import (
    ANY_PROVIDER,
    DeadLetter,
    explain_dead_letter,
    list_dead_letters,
    settle_dead_letter,
)
from calltally.store.tenants.routes import routes_by_number
from calltally.store.tenants.tenants import need_tenant

CHUNK: Final = 100
# A thousand letters of one kind have one reason. The list has a limit, the count has none.
MAX_LISTED: Final = 1_000


class StillDead(msgspec.Struct, frozen=True):
    """Dead letter that this version cannot parse either."""

    letter_id: str
    provider: str
    reason: str


class ReplayReport(msgspec.Struct):
    """Progress of a replay.

    `facts` counts the facts of the parsed letters by outcome. `kept` counts letters of kinds that describe no
    call's status; no replay is pending for them. `listed` has the first `still_dead` letters in their order.
    """

    understood: int = 0
    still_dead: int = 0
    kept: int = 0
    facts: Counter[str] = msgspec.field(default_factory=Counter)
    listed: list[StillDead] = msgspec.field(default_factory=list)


class DeadLetterReplay:
    """Replay of one tenant's dead letters; with `deliver` their changes are sent to webhook endpoints."""

    def __init__(
        self,
        store: Store,
        providers: Providers,
        *,
        clock: Clock,
        secrets: SecretCache | None = None,
        deliver: bool = False,
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._providers = providers
        self._clock = clock
        self._deliver = deliver

    async def run(self, tenant: str, provider: str = ANY_PROVIDER, *, kept: bool = False) -> ReplayReport:
        """Replay all letters, oldest first, in chunks. A run after an interruption continues with the rest.

        With `kept` also replays messages of kinds that were unknown at receipt.
        Raises NotFound for an unknown tenant, DamagedStore for a letter that cannot be read back.
        """
        await self._store.read(need_tenant(tenant))
        table = await self._store.read(routes_by_number(tenant))
        report, last = ReplayReport(), None
        while letters := await self._store.read(
            list_dead_letters(tenant, provider, after=last, limit=CHUNK, includes_settled=kept)
        ):
            await self._replay(tenant, letters, table, report)
            last = letters[-1]
        return report

    async def replay(self, tenant: str, letters: Sequence[DeadLetter]) -> ReplayReport:
        """Replay these letters of a tenant."""
        report = ReplayReport()
        table = await self._store.read(routes_by_number(tenant))
        await self._replay(tenant, letters, table, report)
        return report

    async def _replay(
        self, tenant: str, letters: Sequence[DeadLetter], table: RouteTable, report: ReplayReport
    ) -> None:
        parsed = [(letter, await self._read(tenant, letter)) for letter in letters]
        facts = [
            map_route(fact, table)
            for _, each in parsed
            for fact in (each.facts if isinstance(each, UnparsedBody) else each)
        ]
        # Facts first: a letter that is marked as parsed must be in the ledger.
        recorded = await self._store.submit([Submission(tenant, fact, self._deliver) for fact in facts])
        await self._store.write(_mark(tenant, parsed, self._clock()))
        report.facts.update(each.outcome.value for each in recorded)
        for letter, each in parsed:
            _count(report, letter, each)

    async def _read(self, tenant: str, letter: DeadLetter) -> ParsedFacts:
        provider = self._providers.get(registered_name(letter.provider))
        if provider is None:
            return UnparsedBody(f"this version has no provider {letter.provider!r}")
        # Use today's stored settings: a mapping may have been corrected since.
        secrets = await self._secrets.get((tenant, letter.provider)) if self._secrets else {}
        return read_facts(provider, with_stored_settings(provider, read_letter(letter), secrets))


def _mark(tenant: str, parsed: Sequence[tuple[DeadLetter, ParsedFacts]], now_us: int) -> StoreOperation[None]:
    for letter, each in parsed:
        if not isinstance(each, UnparsedBody):
            yield from settle_dead_letter(tenant, letter.letter_id, now_us)
        elif each.kind:
            # The letter is settled as of its receipt.
            yield from settle_dead_letter(tenant, letter.letter_id, letter.received_us)
        elif plain_reason(each.reason) != letter.reason:
            yield from explain_dead_letter(tenant, letter.letter_id, plain_reason(each.reason))


def _count(report: ReplayReport, letter: DeadLetter, parsed: ParsedFacts) -> None:
    if not isinstance(parsed, UnparsedBody):
        report.understood += 1
        return
    if parsed.kind:
        report.kept += 1
        return
    report.still_dead += 1
    if len(report.listed) < MAX_LISTED:
        report.listed.append(StillDead(letter.letter_id.hex(), letter.provider, plain_reason(parsed.reason)))
