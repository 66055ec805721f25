"""Increments of a stock client through the change feed, while calls arrive, change and are erased.

After the last increment the copy must have the ids and the revisions of the ledger, byte for byte.
"""

from collections.abc import Mapping
from hashlib import sha256
from time import monotonic
from typing import Final, Protocol
from urllib.parse import urlencode

from interop.checks import run_checks
from interop.moving import MovingMonth
from interop.service import Failed, Service
from interop.window import LIST

_PAGE: Final = 1_000
_RUNS: Final = 4
_HOLD: Final = "interop-increments"


class IncrementalCopy(Protocol):
    """A client with a state of its own, and its copy."""

    def run(self) -> None:
        """Copy the changes since the last run."""
        ...

    def revisions(self) -> Mapping[str, int]:
        """Return the revision of each call of the copy, by its id."""
        ...


class Increments:
    """Runs of a client, and the comparison with the ledger."""

    def __init__(self, service: Service, key: str, copy: IncrementalCopy) -> None:
        self._service, self._key, self._copy = service, key, copy

    def follow(self) -> str:
        """Copy several increments while the ledger moves. Raises Failed if one of them changes nothing."""
        began, sizes = monotonic(), []
        before: Mapping[str, int] = {}
        for _ in range(_RUNS):
            self._copy.run()
            copied = self._copy.revisions()
            if copied == before:
                raise Failed("an increment changed nothing, although the ledger moves")
            sizes.append(len(copied))
            before = copied
        return f"{_RUNS} runs in {monotonic() - began:.1f} s, with {sizes[0]:,} to {sizes[-1]:,} calls"

    def equals_the_ledger(self) -> str:
        """Copy the last increment, and compare ids and revisions with the list."""
        self._copy.run()
        copied, listed = self._copy.revisions(), self._listed()
        if copied != listed:
            lost, extra = len(listed.keys() - copied.keys()), len(copied.keys() - listed.keys())
            old = sum(copied[id_] != listed[id_] for id_ in copied.keys() & listed.keys())
            raise Failed(f"{lost} calls lost, {extra} that the ledger has not, {old} of another revision")
        return f"{len(copied):,} calls, SHA-256 of ids and revisions {_digest(copied)[:16]} as in the ledger"

    def _listed(self) -> dict[str, int]:
        records: dict[str, int] = {}
        while True:
            query = urlencode({"hold": _HOLD, "limit": _PAGE, "offset": len(records)})
            page = self._service.call("GET", f"{LIST}?{query}", key=self._key)
            records |= {record["id"]: record["revision"] for record in page["data"]}
            if not page["data"]:
                return records


def _digest(revisions: Mapping[str, int]) -> str:
    lines = "".join(f"{id_} {revisions[id_]}\n" for id_ in sorted(revisions))
    return sha256(lines.encode()).hexdigest()


def check_while_moving(month: MovingMonth, increments: Increments) -> int:
    """Copy the month with a hold, without one, and by increments while it moves. Returns the exit status."""
    with month.moving():
        return run_checks(
            {
                "a moving month with `hold`": month.copies_exactly,
                "the same month without": month.drifts,
                "increments of the change feed": increments.follow,
            }
        )
