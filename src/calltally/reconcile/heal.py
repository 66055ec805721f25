"""Healing: the provider's word of a call goes into the ledger as a fact. Nothing is closed by hand."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeAlias

import msgspec

from calltally.calls.events import Fact
from calltally.reconcile.against_provider import is_word_wanted
from calltally.reconcile.recheck import Confirmed

# A commit each, as imports have it.
CHUNK: Final = 500


class Brought(Protocol):
    """What became of facts that were brought in."""

    @property
    def recorded(self) -> int:
        """How many changed a call."""
        ...

    @property
    def known(self) -> int:
        """How many had been told before."""
        ...

    @property
    def unchanged(self) -> int:
        """How many were kept and changed nothing."""
        ...

    @property
    def refused(self) -> int:
        """How many the ledger does not take."""
        ...


Bring: TypeAlias = Callable[[Sequence[Fact]], Awaitable[Brought]]


class Healed(msgspec.Struct):
    """What was brought in, and how many findings the provider's word cannot mend: those are left."""

    recorded: int = 0
    known: int = 0
    unchanged: int = 0
    refused: int = 0
    left: int = 0


class Healer:
    """Takes findings as they are confirmed, and brings in what mends them, chunk by chunk.

    `bring` is the way into the ledger, the one that imports take. Stopped at any point and run again it goes
    on: what was brought in is known, and is no finding any more.
    """

    def __init__(self, bring: Bring) -> None:
        self.healed = Healed()
        self._bring = bring
        self._waiting: list[Fact] = []

    async def take(self, confirmed: Confirmed) -> None:
        """Note one finding."""
        theirs = confirmed.pair.theirs
        fact = theirs.fact() if theirs is not None and is_word_wanted(confirmed.finding) else None
        if fact is None:
            self.healed.left += 1
            return
        self._waiting.append(fact)
        if len(self._waiting) >= CHUNK:
            await self.finish()

    async def finish(self) -> None:
        """Bring in what waits."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        brought = await self._bring(waiting)
        self.healed.recorded += brought.recorded
        self.healed.known += brought.known
        self.healed.unchanged += brought.unchanged
        self.healed.refused += brought.refused
