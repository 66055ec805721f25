"""One run against a provider, from both lists to the report. `ProviderRun.run` is the table of contents."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from calltally.calls.errors import InvalidInput
from calltally.calls.events import Fact
from calltally.calls.times import utc_text
from calltally.external_sort import MEMORY_BYTES, Spill
from calltally.providers.callback import Refusal
from calltally.reconcile.against_provider import Terms, judge
from calltally.reconcile.findings import Finding, Kind, Report, Span, Tally
from calltally.reconcile.heal import Healed, Healer
from calltally.reconcile.platform_reports import needs_a_look, reference_of
from calltally.reconcile.provider_sides import Sides, our_calls, their_call
from calltally.reconcile.recheck import Recheck

# After so many pairs others get their turn in the loop.
_TURN: Final = 2_000

Items: TypeAlias = Sequence[Fact | Refusal]


def _untold(_finding: Finding) -> None:
    """Nothing: the report has it."""


class Means(msgspec.Struct, frozen=True):
    """With what a run is done: who looks again, and who heals (None: nobody).

    `folder` is where the spill lies and `memory_bytes` what it may take; `most` is how many findings of each
    kind are listed (None: all); `told` hears each finding as it is confirmed; `is_file` is whether the
    provider's list is a file, which reaches over no more than it shows.
    """

    recheck: Recheck
    healer: Healer | None = None
    folder: Path | None = None
    memory_bytes: int = MEMORY_BYTES
    most: int | None = None
    told: Callable[[Finding], None] = _untold
    is_file: bool = False


class ProviderReport(msgspec.Struct):
    """What was found; and, where healing was asked for, what was brought in."""

    report: Report
    healed: Healed | None = None


class ProviderRun:
    """Compares our calls of a window with what the provider says of them.

    `ours` are chunks of sealed records, `theirs` the provider's items in any order; ours are read first, so
    that a call which comes in between is looked for again rather than taken for one that is missing.
    """

    def __init__(self, terms: Terms, means: Means) -> None:
        self._terms = terms
        self._means = means
        self._tally = Tally(means.most)
        self._reach = _Reach()
        # Of our calls in the window, those that the provider reported.
        self._expected = self._unreadable = 0

    async def run(self, ours: AsyncGenerator[bytes], theirs: AsyncGenerator[Items]) -> ProviderReport:
        """Raises what the lists raise, Unavailable and Misconfigured above all: what was healed stays.

        Raises InvalidInput for a file that names no call of the window, where we have some.
        """
        with Spill(self._means.folder, self._means.memory_bytes) as spill:
            sides = Sides(spill)
            await self._read_ours(ours, sides)
            await self._read_theirs(theirs, sides)
            if self._means.is_file:
                self._check_file()
                self._terms = self._reach.within(self._terms)
            await self._judge(sides)
        if self._means.healer is not None:
            await self._means.healer.finish()
        return self._report(sides)

    async def _read_ours(self, chunks: AsyncGenerator[bytes], sides: Sides) -> None:
        async with aclosing(chunks):
            async for records in chunks:
                for call in our_calls(records):
                    reference = reference_of(call, self._terms)
                    if reference is not None:
                        sides.add_ours(call, reference)
                    if call.provider == self._terms.provider and self._terms.has(call.created_us):
                        self._expected += 1

    def _check_file(self) -> None:
        """A list of nothing, or of another time, must not pass for one that agrees."""
        terms = self._terms
        is_empty = not self._reach.meets(terms.from_us - terms.margin_us, terms.to_us + terms.margin_us)
        if self._expected and is_empty and not self._unreadable:
            message = (
                f"the list names no call of the window, of which there are {self._expected:,} by "
                f"{terms.provider} here: name the file of this window"
            )
            raise InvalidInput.of("provider-file", message)

    async def _read_theirs(self, pages: AsyncGenerator[Items], sides: Sides) -> None:
        keep = self._means.healer is not None
        async with aclosing(pages):
            async for items in pages:
                for item in items:
                    if isinstance(item, Refusal):
                        self._unreadable += 1
                        self._note(Finding(Kind.UNREADABLE, f"{item.position}: {item.reason}"))
                        continue
                    call = their_call(item, keep=keep)
                    self._reach.add(item.account, call.started_us)
                    sides.add_theirs(call)

    async def _judge(self, sides: Sides) -> None:
        terms = self._terms
        for number, pair in enumerate(sides.pairs(), start=1):
            if needs_a_look(pair, terms) or judge(pair, terms) is not None:
                confirmed = await self._means.recheck.confirm(pair, terms)
                if confirmed is not None:
                    self._note(confirmed.finding)
                    if self._means.healer is not None:
                        await self._means.healer.take(confirmed)
            if number % _TURN == 0:
                await asyncio.sleep(0)

    def _note(self, finding: Finding) -> None:
        self._tally.add(finding)
        self._means.told(finding)

    def _report(self, sides: Sides) -> ProviderReport:
        terms, recheck = self._terms, self._means.recheck
        looked_at = {
            "calls": sides.ours,
            "listed": sides.theirs,
            "asked": recheck.asked,
            "disputed": recheck.kept,
        }
        span = Span(utc_text(terms.from_us), utc_text(terms.to_us))
        report = self._tally.report(terms.provider, span, looked_at)
        return ProviderReport(report, self._means.healer.healed if self._means.healer else None)


class _Reach:
    """What a list shows of itself: whose calls it has, and from when to when they began."""

    def __init__(self) -> None:
        self._accounts: set[str] = set()
        self._first_us = self._last_us = 0

    def add(self, account: str, started_us: int) -> None:
        self._first_us = min(self._first_us, started_us) if self._accounts else started_us
        self._last_us = max(self._last_us, started_us)
        self._accounts.add(account)

    def meets(self, from_us: int, to_us: int) -> bool:
        """Whether a call of it can be of this time."""
        return bool(self._accounts) and self._first_us < to_us and self._last_us >= from_us

    def within(self, terms: Terms) -> Terms:
        """The terms for no more than that; of a list of several accounts nothing can be missing."""
        account = terms.account
        if account is None and len(self._accounts) == 1:
            (account,) = self._accounts
        return replace(terms, account=account, listed_from_us=self._first_us, listed_to_us=self._last_us)
