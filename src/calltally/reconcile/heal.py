"""Healing: the provider's listing is recorded in the ledger as a fact. No call is changed otherwise."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import msgspec

from calltally.calls.events import Fact
from calltally.ingest.imports import ImportReport
from calltally.reconcile.against_provider import HEALABLE
from calltally.reconcile.recheck import ConfirmedFinding

# Facts per commit, as in imports.
CHUNK: Final = 500


SubmitFacts: TypeAlias = Callable[[Sequence[Fact]], Awaitable[ImportReport]]


class HealCounts(msgspec.Struct):
    """Outcome counts of a healing; `left` counts findings that the provider's listing cannot heal."""

    recorded: int = 0
    known: int = 0
    unchanged: int = 0
    refused: int = 0
    left: int = 0


class Healer:
    """Healer of confirmed findings, in chunks.

    `submit` records facts like an import does. After an interruption a new run continues: healed calls agree,
    and are no findings any more.
    """

    def __init__(self, submit: SubmitFacts) -> None:
        self.counts = HealCounts()
        self._submit = submit
        self._pending: list[Fact] = []

    async def add(self, confirmed: ConfirmedFinding) -> None:
        theirs = confirmed.pair.theirs
        fact = theirs.fact() if theirs is not None and confirmed.finding.kind in HEALABLE else None
        if fact is None:
            self.counts.left += 1
            return
        self._pending.append(fact)
        if len(self._pending) >= CHUNK:
            await self.finish()

    async def finish(self) -> None:
        pending, self._pending = self._pending, []
        if not pending:
            return
        submitted = await self._submit(pending)
        for name in ("recorded", "known", "unchanged", "refused"):
            setattr(self.counts, name, getattr(self.counts, name) + getattr(submitted, name))
