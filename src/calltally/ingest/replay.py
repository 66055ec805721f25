"""Dead letters through today's code: what it understands now goes in as if it had just come."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from calltally.ingest.callbacks import Providers, StoredSecrets, Told, Unread, read_facts, with_stored
from calltally.ingest.dead_letter_codec import plain_reason, read_letter
from calltally.ingest.routes import RouteTable, map_route
from calltally.providers.registry import registered_name
from calltally.store.db.interface import Store, Submission
from calltally.store.db.operation import Clock, Step
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
# A thousand letters of one kind have one reason; the count goes on, the list does not.
MAX_LISTED: Final = 1_000


class StillDead(msgspec.Struct, frozen=True):
    """A letter that is not understood today either."""

    letter_id: str
    provider: str
    reason: str


class ReplayReport(msgspec.Struct):
    """What a replay did so far.

    `facts` counts what the understood letters told, by its outcome; `kept` are letters of kinds that name no
    call's state, which wait no longer; `listed` are the first of the `still_dead`, in their order.
    """

    understood: int = 0
    still_dead: int = 0
    kept: int = 0
    facts: Counter[str] = msgspec.field(default_factory=Counter)
    listed: list[StillDead] = msgspec.field(default_factory=list)


class Replay:
    """Replays the dead letters of one tenant; `deliver` announces what they change to its endpoints."""

    def __init__(
        self,
        store: Store,
        providers: Providers,
        *,
        clock: Clock,
        secrets: StoredSecrets | None = None,
        deliver: bool = False,
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._providers = providers
        self._clock = clock
        self._deliver = deliver

    async def run(self, tenant: str, provider: str = ANY_PROVIDER, *, kept: bool = False) -> ReplayReport:
        """Oldest first, chunk by chunk; stopped at any point and run again, it does what is left.

        With `kept` also messages of kinds that were in no table when they came.
        Raises NotFound for an unknown tenant, DamagedStore for a letter that cannot be read back.
        """
        await self._store.read(need_tenant(tenant))
        table = await self._store.read(routes_by_number(tenant))
        report, last = ReplayReport(), None
        while letters := await self._store.read(
            list_dead_letters(tenant, provider, after=last, limit=CHUNK, kept=kept)
        ):
            await self._replay(tenant, letters, table, report)
            last = letters[-1]
        return report

    async def _replay(
        self, tenant: str, letters: Sequence[DeadLetter], table: RouteTable, report: ReplayReport
    ) -> None:
        told = [(letter, await self._read(tenant, letter)) for letter in letters]
        facts = [map_route(fact, table) for _, each in told if not isinstance(each, Unread) for fact in each]
        # The facts first: a letter that is marked as understood must be in the ledger.
        recorded = await self._store.submit([Submission(tenant, fact, self._deliver) for fact in facts])
        await self._store.write(_mark(tenant, told, self._clock()))
        report.facts.update(each.outcome.value for each in recorded)
        for letter, each in told:
            _count(report, letter, each)

    async def _read(self, tenant: str, letter: DeadLetter) -> Told:
        provider = self._providers.get(registered_name(letter.provider))
        if provider is None:
            return Unread(f"there is no provider {letter.provider!r} in this version")
        # By what is stored today: a mapping may have been mended since.
        secrets = await self._secrets.of((tenant, letter.provider)) if self._secrets else {}
        return read_facts(provider, with_stored(provider, read_letter(letter), secrets))


def _mark(tenant: str, told: Sequence[tuple[DeadLetter, Told]], now_us: int) -> Step[None]:
    for letter, each in told:
        if not isinstance(each, Unread):
            yield from settle_dead_letter(tenant, letter.letter_id, now_us)
        elif each.kind:
            # As if it had been settled when it came.
            yield from settle_dead_letter(tenant, letter.letter_id, letter.received_us)
        elif plain_reason(each.reason) != letter.reason:
            yield from explain_dead_letter(tenant, letter.letter_id, plain_reason(each.reason))


def _count(report: ReplayReport, letter: DeadLetter, told: Told) -> None:
    if not isinstance(told, Unread):
        report.understood += 1
        return
    if told.kind:
        report.kept += 1
        return
    report.still_dead += 1
    if len(report.listed) < MAX_LISTED:
        report.listed.append(StillDead(letter.letter_id.hex(), letter.provider, plain_reason(told.reason)))
