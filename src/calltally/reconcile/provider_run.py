"""Run of a reconciliation with a provider, from both lists to the report; `run` lists its stages."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from calltally.calls.errors import InvalidInput
from calltally.calls.events import Fact
from calltally.calls.plurals import counted
from calltally.calls.times import utc_text
from calltally.external_sort import MEMORY_BYTES, ExternalSorter
from calltally.providers.callback import UnreadableRecord
from calltally.reconcile.against_provider import ProviderTerms, compare_pair, needs_recheck, reference_of
from calltally.reconcile.findings import (
    Finding,
    FindingKind,
    FindingTally,
    ReconciliationReport,
    ReportWindow,
)
from calltally.reconcile.heal import HealCounts, Healer
from calltally.reconcile.provider_sides import Sides, our_calls, their_call
from calltally.reconcile.recheck import Recheck

# The number of pairs between two yields to the event loop.
_PAIRS_PER_YIELD: Final = 2_000

Items: TypeAlias = Sequence[Fact | UnreadableRecord]
OnFinding: TypeAlias = Callable[[Finding], None]


class SortResources(NamedTuple):
    """Resources for sorting: a folder (None: the system's default) and memory."""

    folder: Path | None = None
    memory_bytes: int = MEMORY_BYTES


class RunOptions(msgspec.Struct, frozen=True):
    """Dependencies and limits of a run.

    `healer` is None if nothing is to be healed. `most` limits the listed findings per kind (None: no limit).
    `is_file` is true if the provider's list is a file, which covers only the calls that it contains.
    """

    recheck: Recheck
    healer: Healer | None = None
    most: int | None = None
    is_file: bool = False


class ProviderReport(msgspec.Struct):
    """Report of a run, with the counts of healed calls if healing was requested."""

    report: ReconciliationReport
    healed: HealCounts | None = None


class ProviderRun:
    """Comparison of our calls in a window with the provider's list.

    `ours` are chunks of finished records, `theirs` the provider's items in any order. Our side is read first.
    A call that arrives in between is checked again, and not reported as missing.
    """

    def __init__(self, terms: ProviderTerms, options: RunOptions, on_finding: OnFinding) -> None:
        self._terms = terms
        self._options, self._on_finding = options, on_finding
        self._tally = FindingTally(options.most)
        self._coverage = _ListCoverage()
        # Our calls in the window that this provider reported.
        self._expected = self._unreadable = 0

    async def run(
        self, ours: AsyncGenerator[bytes], theirs: AsyncGenerator[Items], resources: SortResources
    ) -> ProviderReport:
        """Compare both lists. Errors of the lists pass through, above all Unavailable and Misconfigured.

        Healed calls stay healed after an error. Raises InvalidInput for a file without calls of the window,
        if we have calls in the window.
        """
        with ExternalSorter(*resources) as sorter:
            sides = Sides(sorter)
            await self._read_ours(ours, sides)
            await self._read_theirs(theirs, sides)
            if self._options.is_file:
                self._check_file()
                self._terms = self._coverage.limit(self._terms)
            await self._compare(sides)
        if self._options.healer is not None:
            await self._options.healer.finish()
        return self._report(sides)

    async def _read_ours(self, chunks: AsyncGenerator[bytes], sides: Sides) -> None:
        async with aclosing(chunks):
            async for records in chunks:
                for call in our_calls(records):
                    reference = reference_of(call, self._terms)
                    if reference is not None:
                        sides.add_ours(call, reference)
                    if call.provider == self._terms.provider and self._terms.is_in_window(call.created_us):
                        self._expected += 1

    def _check_file(self) -> None:
        """Refuse an empty list or a list of another time: it must not count as a list that agrees."""
        terms = self._terms
        is_empty = not self._coverage.overlaps(terms.from_us - terms.margin_us, terms.to_us + terms.margin_us)
        if self._expected and is_empty and not self._unreadable:
            message = (
                f"the list has no call in the window, but Calltally has {counted(self._expected, 'call')} of "
                f"{terms.provider} there; use the file of this window"
            )
            raise InvalidInput.of("provider-file", message)

    async def _read_theirs(self, pages: AsyncGenerator[Items], sides: Sides) -> None:
        with_fact = self._options.healer is not None
        async with aclosing(pages):
            async for items in pages:
                for item in items:
                    if isinstance(item, UnreadableRecord):
                        self._unreadable += 1
                        self._report_finding(
                            Finding(FindingKind.UNREADABLE, f"{item.position}: {item.reason}")
                        )
                        continue
                    call = their_call(item, with_fact=with_fact)
                    self._coverage.add(item.account, call.started_us)
                    sides.add_theirs(call)

    async def _compare(self, sides: Sides) -> None:
        terms = self._terms
        for number, pair in enumerate(sides.pairs(), start=1):
            if needs_recheck(pair, terms) or compare_pair(pair, terms) is not None:
                confirmed = await self._options.recheck.confirm(pair, terms)
                if confirmed is not None:
                    self._report_finding(confirmed.finding)
                    if self._options.healer is not None:
                        await self._options.healer.add(confirmed)
            if number % _PAIRS_PER_YIELD == 0:
                await asyncio.sleep(0)

    def _report_finding(self, finding: Finding) -> None:
        self._tally.add(finding)
        self._on_finding(finding)

    def _report(self, sides: Sides) -> ProviderReport:
        terms, recheck = self._terms, self._options.recheck
        examined = {
            "calls": sides.ours,
            "listed": sides.theirs,
            "asked": recheck.requests,
            "disputed": recheck.disputed,
        }
        span = ReportWindow(utc_text(terms.from_us), utc_text(terms.to_us))
        healer = self._options.healer
        return ProviderReport(
            self._tally.report(terms.provider, span, examined), healer.counts if healer else None
        )


class _ListCoverage:
    """Coverage of a list: the accounts of its calls, and their first and last start."""

    def __init__(self) -> None:
        self._accounts: set[str] = set()
        self._first_us = self._last_us = 0

    def add(self, account: str, started_us: int) -> None:
        self._first_us = min(self._first_us, started_us) if self._accounts else started_us
        self._last_us = max(self._last_us, started_us)
        self._accounts.add(account)

    def overlaps(self, from_us: int, to_us: int) -> bool:
        return bool(self._accounts) and self._first_us < to_us and self._last_us >= from_us

    def limit(self, terms: ProviderTerms) -> ProviderTerms:
        """Return the terms limited to the list. In a list of several accounts no call counts as missing."""
        account = terms.account
        if account is None and len(self._accounts) == 1:
            (account,) = self._accounts
        return replace(terms, account=account, listed_from_us=self._first_us, listed_to_us=self._last_us)
