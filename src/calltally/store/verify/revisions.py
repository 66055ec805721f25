"""What is found in a live ledger that its invariants (architecture.md) forbid; revisions and alert steps.

Each chunk reads one state of the database, so that a ledger which is being written to is not
called wrong for it.
"""

from typing import Any, NamedTuple

from calltally.calls.alert_counts import COLUMNS as STEP_COLUMNS
from calltally.store.db.operation import Statement, StoreOperation
from calltally.store.rollups.alert_steps import Differences
from calltally.store.snapshots.ledger_head import read_ledger_head


class Finding(NamedTuple):
    """One thing that is not as it should be: which invariant, of what, and how."""

    invariant: int
    subject: str
    detail: str


class Checked(NamedTuple):
    """A chunk: how much was looked at, what was found, and where the next one begins (None: the end)."""

    looked_at: int
    findings: list[Finding]
    next: Any


def measures_of(tenant: str) -> str:
    """The subject of findings that are put right by measuring anew."""
    return f"measures of {tenant}"


def check_revisions(tenant: str) -> StoreOperation[Checked]:
    """Each revision is told of once at most, and from what is kept up to the head exactly once.

    What ended before is pruned, so that of older revisions only some are left.
    """
    ledger_head = yield from read_ledger_head(tenant)
    head, kept_from = ledger_head.revision, ledger_head.kept_from
    asked = {"tenant": tenant, "kept_from": kept_from}
    [(told, different, lowest, highest, kept)] = yield Statement("revisions_told", asked)
    findings = []
    each_once = told == different and kept == head - max(kept_from, 1) + 1
    if not (each_once and (lowest is None or lowest > 0) and (highest or 0) == head >= kept_from):
        told_of = f"{told} revisions are told of ({different} different, {lowest} to {highest})"
        detail = f"the head is {head}, kept from {kept_from}, but {told_of}, {kept} of those that are kept"
        findings.append(Finding(4, f"revisions of {tenant}", detail))
    return Checked(head, findings, None)


def check_steps(tenant: str, found: Differences) -> Checked:
    """The steps of one day equal its calls."""
    findings = []
    for key, cells in sorted(found.lacking.items()):
        lacking = ", ".join(f"{n:+d} {name}" for name, n in zip(STEP_COLUMNS, cells, strict=True) if n)
        whose = ", ".join(f"{name} {value}" for name, value in key._asdict().items() if value)
        findings.append(Finding(6, f"alert steps of {tenant}, {whose}", f"it lacks {lacking}"))
    return Checked(found.looked_at, findings, None)
