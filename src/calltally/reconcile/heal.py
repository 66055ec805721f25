"""Healing: the provider's listing is recorded in the ledger as a fact. No call is changed otherwise."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeAlias

import msgspec

from calltally.calls.events import Fact
from calltally.reconcile.against_provider import is_healable
from calltally.reconcile.recheck import ConfirmedFinding

# Facts per commit, as in imports.
CHUNK: Final = 500


class SubmitCounts(Protocol):
    """Outcome counts of submitted facts."""

    @property
    def recorded(self) -> int:
        """The number of facts that changed a call."""
        ...

    @property
    def known(self) -> int:
        """The number of facts that the ledger had before."""
        ...

    @property
    def unchanged(self) -> int:
        """The number of facts that are stored but changed nothing."""
        ...

    @property
    def refused(self) -> int:
        """The number of facts that the ledger refused."""
        ...


SubmitFacts: TypeAlias = Callable[[Sequence[Fact]], Awaitable[SubmitCounts]]


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
        """Add one finding."""
        theirs = confirmed.pair.theirs
        fact = theirs.fact() if theirs is not None and is_healable(confirmed.finding) else None
        if fact is None:
            self.counts.left += 1
            return
        self._pending.append(fact)
        if len(self._pending) >= CHUNK:
            await self.finish()

    async def finish(self) -> None:
        """Submit the facts that are still waiting."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        submitted = await self._submit(pending)
        self.counts.recorded += submitted.recorded
        self.counts.known += submitted.known
        self.counts.unchanged += submitted.unchanged
        self.counts.refused += submitted.refused
