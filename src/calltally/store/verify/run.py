"""Run of the checks of `verify` over whole ledgers, chunk by chunk, while other work continues."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from calltally.store.analytics.quality_repair import measure_calls, quality_days, repair_quality
from calltally.store.db.interface import Store
from calltally.store.db.operation import StoreOperation
from calltally.store.rollups.alert_steps import repair_steps, step_differences, step_windows
from calltally.store.rollups.quality_multiday import periods_of, rebuild_blocks
from calltally.store.verify.calls import FIRST_CALL, FIRST_FACT, check_calls, check_facts
from calltally.store.verify.counters import check_counts, count_windows, repair_counts
from calltally.store.verify.quality import check_blocks, check_measured, check_quality
from calltally.store.verify.revisions import (
    CheckResult,
    InvariantFinding,
    check_revisions,
    check_steps,
    measures_of,
)
from calltally.store.verify.snapshots import SAMPLES, check_as_of

# Reports a kind ("calls", "facts", …) and the number of rows just read.
Progress: TypeAlias = Callable[[str, int], None]
_Check: TypeAlias = Callable[[str, Any], StoreOperation[CheckResult]]
_KINDS: Final = ("calls", "facts", "revisions", "counted", "stepped", "measured", "pages")


class _WindowCheck(NamedTuple):
    """Check and repair of one window, and the kind of the rows that it reads."""

    kind: str
    check: Callable[[str, int], StoreOperation[CheckResult]]
    repair: Callable[[str, int], StoreOperation[int]]


class VerifyResult(msgspec.Struct):
    """Numbers of rows read by kind, and all findings; `repaired` counts repaired rows of counters."""

    rows_read: dict[str, int] = msgspec.field(name="looked_at")
    findings: list[InvariantFinding]
    repaired: int = 0

    @property
    def is_clean(self) -> bool:
        """Return whether every invariant holds, or only counters were wrong and are repaired."""
        return all(finding.invariant == _COUNTS and self.repaired for finding in self.findings)


_COUNTS: Final = 6


class Verification:
    """Check of invariants 1, 2, 4, 5 (on pages by `random`) and 6; with `repair` it repairs counters."""

    def __init__(self, store: Store, progress: Progress, random: Random, *, repair: bool = False) -> None:
        self._store = store
        self._progress = progress
        self._random = random
        self._repair = repair
        self._result = VerifyResult(dict.fromkeys(_KINDS, 0), [])

    async def run(self, tenants: Sequence[str]) -> VerifyResult:
        for tenant in tenants:
            await self._walk("calls", tenant, check_calls, FIRST_CALL)
            await self._walk("facts", tenant, check_facts, FIRST_FACT)
            self._note("revisions", await self._store.read(check_revisions(tenant), long=True))
            await self._check_counts(tenant)
            await self._check_steps(tenant)
            await self._check_quality(tenant)
            # Sampled pages would only show the wrong rows or counters again.
            for _ in range(0 if self._result.findings else SAMPLES):
                self._note("pages", await self._store.read(check_as_of(tenant, self._random), long=True))
        return self._result

    async def _walk(self, kind: str, tenant: str, check: _Check, start: object) -> None:
        after: Any = start
        while after is not None:
            checked = await self._store.read(check(tenant, after), long=True)
            self._note(kind, checked)
            after = checked.next

    async def _check_counts(self, tenant: str) -> None:
        windows_s = await self._store.read(count_windows(tenant), long=True)
        await self._check_each(tenant, windows_s, _WindowCheck("counted", check_counts, repair_counts))

    async def _check_each(self, tenant: str, windows_s: Sequence[int], of: _WindowCheck) -> None:
        for window_s in windows_s:
            checked = await self._store.read(of.check(tenant, window_s), long=True)
            self._note(of.kind, checked)
            if checked.findings and self._is_repairing():
                self._result.repaired += await self._store.write(of.repair(tenant, window_s))

    async def _check_steps(self, tenant: str) -> None:
        for window_s in await self._store.read(step_windows(tenant), long=True):
            found = await self._store.read(step_differences(tenant, window_s), long=True)
            self._note("stepped", check_steps(tenant, found))
            if found.missing and self._is_repairing():
                self._result.repaired += await self._store.write(repair_steps(tenant, found))

    async def _check_quality(self, tenant: str) -> None:
        self._note("measured", await self._store.read(check_measured(tenant), long=True))
        subjects = {finding.subject for finding in self._result.findings}
        if measures_of(tenant) in subjects and self._is_repairing():
            after: bytes | None = b""
            while after is not None:
                after = await self._store.write(measure_calls(tenant, after, all_calls=True))
            self._result.repaired += 1
        days_s = await self._store.read(quality_days(tenant), long=True)
        await self._check_each(tenant, days_s, _WindowCheck("measured", check_quality, repair_quality))
        of_blocks = _WindowCheck("measured", check_blocks, rebuild_blocks)
        await self._check_each(tenant, periods_of(days_s), of_blocks)

    def _is_repairing(self) -> bool:
        """Decide whether to repair counters. Repaired counters of damaged rows would hide the damage."""
        return self._repair and all(finding.invariant == _COUNTS for finding in self._result.findings)

    def _note(self, kind: str, checked: CheckResult) -> None:
        self._result.rows_read[kind] += checked.rows_read
        self._result.findings += checked.findings
        self._progress(kind, checked.rows_read)
