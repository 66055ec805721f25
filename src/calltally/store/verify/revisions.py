"""Findings of `verify` about a ledger's invariants (architecture.md), and the checks of revisions and steps.

Each chunk reads one state of the database, so that concurrent writes cause no findings.
"""

from typing import Any, NamedTuple

from calltally.calls.alert_counts import COLUMNS as STEP_COLUMNS
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.rollups.alert_steps import StepDifferences
from calltally.store.snapshots.ledger_head import read_ledger_head


class InvariantFinding(NamedTuple):
    """Violation of an invariant: its number, its subject and a description."""

    invariant: int
    subject: str
    detail: str


class CheckResult(NamedTuple):
    """Result of a chunk: rows read, findings, and the start of the next chunk (None: the end)."""

    rows_read: int
    findings: list[InvariantFinding]
    next: Any


def measures_of(tenant: str) -> str:
    """Return the subject of findings that a new measurement repairs."""
    return f"measures of {tenant}"


def check_revisions(tenant: str) -> StoreOperation[CheckResult]:
    """Check that each revision occurs at most once, and each kept revision up to the head exactly once.

    Older versions are pruned, so only some of the older revisions are left.
    """
    ledger_head = yield from read_ledger_head(tenant)
    head, kept_from = ledger_head.revision, ledger_head.kept_from
    params = {"tenant": tenant, "kept_from": kept_from}
    [(total, different, lowest, highest, kept)] = yield Statement("revisions_recorded", params)
    findings = []
    each_once = total == different and kept == head - max(kept_from, 1) + 1
    if not (each_once and (lowest is None or lowest > 0) and (highest or 0) == head >= kept_from):
        recorded = f"{total} revisions are recorded ({different} different, {lowest} to {highest})"
        detail = (
            f"the head is {head} and the first kept revision {kept_from}, but {recorded}, {kept} of them kept"
        )
        findings.append(InvariantFinding(4, f"revisions of {tenant}", detail))
    return CheckResult(head, findings, None)


def check_steps(tenant: str, found: StepDifferences) -> CheckResult:
    """Check that the steps of a day equal its calls."""
    findings = []
    for key, cells in sorted(found.missing.items()):
        missing = ", ".join(f"{n:+d} {name}" for name, n in zip(STEP_COLUMNS, cells, strict=True) if n)
        keys = ", ".join(f"{name} {value}" for name, value in key._asdict().items() if value)
        findings.append(InvariantFinding(6, f"alert steps of {tenant}, {keys}", f"it lacks {missing}"))
    return CheckResult(found.calls_read, findings, None)
