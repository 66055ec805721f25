"""A walk over whole ledgers with the checks of `verify`, chunk by chunk, beside whatever else runs."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, TypeAlias

import msgspec

from calltally.store.analytics.quality_repair import measure_calls, quality_days, repair_quality
from calltally.store.db.interface import Store
from calltally.store.db.operation import StoreOperation
from calltally.store.rollups.alert_steps import differences, repair_steps, step_windows
from calltally.store.rollups.quality_multiday import close_again, periods_of
from calltally.store.verify.calls import FIRST_CALL, FIRST_FACT, check_calls, check_facts
from calltally.store.verify.counters import check_counts, count_windows, repair_counts
from calltally.store.verify.quality import check_blocks, check_measured, check_quality
from calltally.store.verify.revisions import Checked, Finding, check_revisions, check_steps, measures_of
from calltally.store.verify.snapshots import SAMPLES, check_past

# How much of what kind ("calls", "facts", …) was just looked at.
Progress: TypeAlias = Callable[[str, int], None]
_Check: TypeAlias = Callable[[str, Any], StoreOperation[Checked]]
_KINDS: Final = ("calls", "facts", "revisions", "counted", "stepped", "measured", "pages")


class Verdict(msgspec.Struct):
    """What was looked at, and all that was found; `repaired` counts rows of counters put right."""

    looked_at: dict[str, int]
    findings: list[Finding]
    repaired: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether every invariant holds, or counters were the only fault and are repaired."""
        return all(finding.invariant == _COUNTS and self.repaired for finding in self.findings)


_COUNTS: Final = 6


class Verification:
    """Checks invariants 1, 2, 4, 5 and 6 of tenants; with `repair`, puts counters right as it goes.

    The fifth by sampling, which pages as `random` draws them.
    """

    def __init__(self, store: Store, progress: Progress, random: Random, *, repair: bool = False) -> None:
        self._store = store
        self._progress = progress
        self._random = random
        self._repair = repair
        self._verdict = Verdict(dict.fromkeys(_KINDS, 0), [])

    async def run(self, tenants: Sequence[str]) -> Verdict:
        """Check each tenant's ledger from end to end."""
        for tenant in tenants:
            await self._walk("calls", tenant, check_calls, FIRST_CALL)
            await self._walk("facts", tenant, check_facts, FIRST_FACT)
            self._note("revisions", await self._store.read(check_revisions(tenant), long=True))
            await self._check_counts(tenant)
            await self._check_steps(tenant)
            await self._check_quality(tenant)
            await self._sample_past(tenant)
        return self._verdict

    async def _sample_past(self, tenant: str) -> None:
        """Only where all else is well: what is wrong with rows or counters would show here once more."""
        if not self._verdict.findings:
            for _ in range(SAMPLES):
                self._note("pages", await self._store.read(check_past(tenant, self._random), long=True))

    async def _walk(self, kind: str, tenant: str, check: _Check, start: object) -> None:
        after: Any = start
        while after is not None:
            checked = await self._store.read(check(tenant, after), long=True)
            self._note(kind, checked)
            after = checked.next

    async def _check_counts(self, tenant: str) -> None:
        for window_s in await self._store.read(count_windows(tenant), long=True):
            checked = await self._store.read(check_counts(tenant, window_s), long=True)
            self._note("counted", checked)
            if checked.findings and self._repair and self._are_rows_sound():
                self._verdict.repaired += await self._store.write(repair_counts(tenant, window_s))

    async def _check_steps(self, tenant: str) -> None:
        for window_s in await self._store.read(step_windows(tenant), long=True):
            found = await self._store.read(differences(tenant, window_s), long=True)
            self._note("stepped", check_steps(tenant, found))
            if found.lacking and self._repair and self._are_rows_sound():
                self._verdict.repaired += await self._store.write(repair_steps(tenant, found))

    async def _check_quality(self, tenant: str) -> None:
        self._note("measured", await self._store.read(check_measured(tenant), long=True))
        is_repairing = self._repair and self._are_rows_sound()
        if is_repairing and any(each.subject == measures_of(tenant) for each in self._verdict.findings):
            await self._measure_anew(tenant)
        days_s = await self._store.read(quality_days(tenant), long=True)
        for day_s in days_s:
            checked = await self._store.read(check_quality(tenant, day_s), long=True)
            self._note("measured", checked)
            if checked.findings and is_repairing:
                self._verdict.repaired += await self._store.write(repair_quality(tenant, day_s))
        for period_s in periods_of(days_s):
            checked = await self._store.read(check_blocks(tenant, period_s), long=True)
            self._note("measured", checked)
            if checked.findings and is_repairing:
                self._verdict.repaired += await self._store.write(close_again(tenant, period_s))

    async def _measure_anew(self, tenant: str) -> None:
        after: bytes | None = b""
        while after is not None:
            after = await self._store.write(measure_calls(tenant, after, anew=True))
        self._verdict.repaired += 1

    def _are_rows_sound(self) -> bool:
        """Counters that were made equal to damaged rows would hide the damage."""
        return all(finding.invariant == _COUNTS for finding in self._verdict.findings)

    def _note(self, kind: str, checked: Checked) -> None:
        self._verdict.looked_at[kind] += checked.looked_at
        self._verdict.findings += checked.findings
        self._progress(kind, checked.looked_at)
