"""The stock dlt rest_api source, with its OffsetPaginator, copies the call list into DuckDB, whole.

Most of the calls share one `created_at`, the worst case for whoever pages: only the order's second
key tells them apart. What arrives is compared with what was sent and with what the list counts. Then it
copies a month that goes on moving meanwhile.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple

from interop.checks import expect, run_checks
from interop.dlt.copier import ChangesCopy, Copier, month_copier, printed_copier
from interop.increments import Increments, check_while_moving
from interop.loopback import forbid_the_network, outside_attempts
from interop.moving import new_month
from interop.service import Service, running_service
from interop.window import LIST

TENANT: Final = "acme"
BATCH: Final = 1_000
SHARED_CALLS: Final = 5_000
SPREAD_CALLS: Final = 3_000
LATE_CALLS: Final = 40
SHARED: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATUSES: Final = (
    "queued",
    "initiated",
    "ringing",
    "in-progress",
    "completed",
    "busy",
    "failed",
    "no-answer",
    "canceled",
)

Row = tuple[str, str]


class Call(NamedTuple):
    """A call as it is told: one event that names its state and its time."""

    sid: str
    status: str
    at: datetime

    def event(self) -> dict[str, Any]:
        """Return a body for `POST /api/v1/events`."""
        moment = self.at.isoformat(timespec="microseconds")
        return {
            "id": f"event-{self.sid}",
            "call_sid": self.sid,
            "occurred_at": moment,
            "status": self.status,
            "direction": "inbound",
            "from_number": "+14155550100",
            "cost": {"amount": "0.0140", "currency": "USD"},
            "tags": ["interop", self.status],
            "metadata": {"desk": {"floor": 3}},
        }


def seed_calls() -> list[Call]:
    """Calls before, at and after the shared instant, one a minute outside it."""
    before = SHARED - timedelta(minutes=SPREAD_CALLS // 2)
    spread = [before + timedelta(minutes=number) for number in range(SPREAD_CALLS)]
    moments = spread[: SPREAD_CALLS // 2] + [SHARED] * SHARED_CALLS + spread[SPREAD_CALLS // 2 + 1 :]
    return [_call(number, moment) for number, moment in enumerate(moments)]


def late_calls(last: datetime) -> list[Call]:
    """Calls that are told after a first copy: half of them at the very instant where that one ended."""
    moments = [last] * (LATE_CALLS // 2) + [last + timedelta(hours=1)] * (LATE_CALLS // 2)
    return [_call(1_000_000 + number, moment) for number, moment in enumerate(moments)]


def _call(number: int, moment: datetime) -> Call:
    # Hashed, so that the order of ids is not the order in which they were sent.
    sid = sha256(b"%d" % number).hexdigest()[:32]
    return Call(f"CA{sid}", STATUSES[number % len(STATUSES)], moment)


class Trial:
    """A tenant with calls, and the means to copy them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        service.new_tenant(TENANT)
        _id, self._key = service.new_key(TENANT, "calls:read", "events:write")
        self._copier = Copier(service, self._key)
        self.calls = seed_calls()
        self._send(self.calls)

    def _send(self, calls: Sequence[Call]) -> None:
        for start in range(0, len(calls), BATCH):
            events = [call.event() for call in calls[start : start + BATCH]]
            answer = self._service.call("POST", "/api/v1/events", events, key=self._key)
            outcomes = Counter(each["outcome"] for each in answer["outcomes"])
            expect("outcomes of a batch", outcomes, Counter(applied=len(events)))

    def count(self, query: str) -> int:
        """Return the calls that match `query` by the list itself."""
        total: int = self._service.call("GET", f"{LIST}?limit=1&{query}", key=self._key)["total"]
        return total

    def copy(self, name: str, query: dict[str, str]) -> list[Row]:
        """SIDs and statuses of what a fresh copy of `query` holds; each id is there once."""
        return rows_of(self._copier.copy(name, query))

    def copies_all(self) -> str:
        """Everything, and each status by itself, as the list counts it."""
        rows = self.copy("all", {})
        self._compare(rows, self.calls, "")
        by_status = {status: self.count(f"status={status}") for status in STATUSES}
        expect("calls by status", dict(Counter(status for _sid, status in rows)), by_status)
        return f"{len(rows)} calls, {SHARED_CALLS} of one instant"

    def copies_a_window(self) -> str:
        """One microsecond wide: `from` is in it, `to` is not."""
        end = SHARED + timedelta(microseconds=1)
        query = {"from": _text(SHARED), "to": _text(end), "order": "asc"}
        rows = self.copy("window", query)
        wanted = [call for call in self.calls if SHARED <= call.at < end]
        self._compare(rows, wanted, f"from={_text(SHARED)}&to={_text(end)}")
        return f"{len(rows)} calls in one microsecond"

    def copies_statuses_of_a_window(self) -> str:
        """Two statuses from the shared instant on."""
        query = {"from": _text(SHARED), "status": "completed,failed"}
        rows = self.copy("statuses", query)
        wanted = [call for call in self.calls if call.at >= SHARED and call.status in {"completed", "failed"}]
        self._compare(rows, wanted, f"from={_text(SHARED)}&status=completed&status=failed")
        return f"{len(rows)} completed and failed calls"

    def resumes(self) -> str:
        """An incremental copy goes on where it ended: `from` is inclusive, so no late equal is lost."""
        incremental = {"start_param": "from", "cursor_path": "created_at", "initial_value": "2020-01-01"}
        endpoint = {"params": {"order": "asc"}, "incremental": incremental}
        pipeline = self._copier.pipeline("resumed")
        pipeline.run(self._copier.source(endpoint))
        first = len(rows_of(pipeline))
        expect("rows of the first copy", first, len(self.calls))
        late = late_calls(max(call.at for call in self.calls))
        self._send(late)
        pipeline.run(self._copier.source(endpoint))
        rows = rows_of(pipeline)
        self._compare(rows, [*self.calls, *late], "")
        return f"{first} calls, then {len(rows) - first} more"

    def _compare(self, rows: Sequence[Row], wanted: Sequence[Call], query: str) -> None:
        expect("rows, as the list counts them", len(rows), self.count(query))
        expect("rows, as they were sent", len(rows), len(wanted))
        expect("checksum", checksum(rows), checksum((call.sid, call.status) for call in wanted))


def rows_of(pipeline: Any) -> list[Row]:  # noqa: ANN401 (as above)
    """SID and status of each row of the copy. Raises Failed if an id is there twice."""
    with pipeline.sql_client() as client:
        rows = client.execute_sql("SELECT id, call_sid, status FROM calls")
    expect("distinct ids", len({row[0] for row in rows}), len(rows))
    return [(sid, status) for _id, sid, status in rows]


def checksum(rows: Iterator[Row] | Sequence[Row]) -> str:
    """The same for the same rows in any order."""
    return sha256("\n".join(sorted(f"{sid} {status}" for sid, status in rows)).encode()).hexdigest()


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def nothing_left_the_machine() -> str:
    """Telemetry is off, and nothing else looked outside."""
    expect("connections to elsewhere", outside_attempts(), [])
    return "loopback alone"


def main() -> int:
    """Returns the exit status."""
    forbid_the_network()
    with running_service() as service:
        folder = str(service.folder)
        os.environ |= {
            "DLT_DATA_DIR": folder,
            "DLT_PROJECT_DIR": folder,
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            # It warns of each field that is null in all rows, and of the many equal times that we made.
            "RUNTIME__LOG_LEVEL": "ERROR",
        }
        trial = Trial(service)
        still = run_checks(
            {
                "all calls": trial.copies_all,
                "a window": trial.copies_a_window,
                "statuses of a window": trial.copies_statuses_of_a_window,
                "a second, incremental run": trial.resumes,
            }
        )
        month = new_month(service, month_copier)
        increments = Increments(service, month.key, ChangesCopy(service, month.key))
        moving = check_while_moving(month, increments)
        after = run_checks(
            {
                "the last increment": increments.equals_the_ledger,
                "the program of the documents": lambda: month.copies_by(printed_copier),
                "the network": nothing_left_the_machine,
            }
        )
        return still or moving or after


if __name__ == "__main__":
    sys.exit(main())
