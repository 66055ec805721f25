"""A month of calls that goes on changing while a stock client copies it by limit and offset.

With one fixed parameter, `hold`, the copy must be the month as it was at one instant: no call lost, none
doubled. Without it the same copy must go wrong, or the first one would prove nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from interop.notes import Traffic, running_traffic
from interop.service import Failed, Service
from interop.window import LIST, SEEDS, TENANT, WINDOW, seed_event

BATCH: Final = 1_000
LISTED: Final = 1_000
HOLD: Final = "interop-copy"
# What is left of an erased call; the rest is null.
_KEPT_OF_ERASED: Final = {"id", "created_at", "erased"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Row(NamedTuple):
    """Compared fields of a copied call. An erased one has neither status nor revision."""

    id: str
    created_us: int
    status: str | None
    revision: int | None


# Copies the list into a place of this name, with these fixed parameters: rows as they came, none merged.
Copy = Callable[[str, Mapping[str, str]], list[Row]]


class Copied(NamedTuple):
    """A finished copy, and when it was made (monotonic seconds)."""

    rows: list[Row]
    began: float
    ended: float

    @property
    def ids(self) -> set[str]:
        """Each id once."""
        return {row.id for row in self.rows}

    @property
    def doubled(self) -> int:
        """How many rows were there before."""
        return len(self.rows) - len(self.ids)


def row_of(record: Mapping[str, Any]) -> Row:
    """The row of a record as the list has it. Some clients leave out what is null."""
    created_us = (datetime.fromisoformat(record["created_at"]) - _EPOCH) // timedelta(microseconds=1)
    return Row(record["id"], created_us, record.get("status"), record.get("revision"))


class MovingMonth:
    """A seeded tenant under traffic, and what is known of it without asking the list."""

    def __init__(self, service: Service, key: str, copy: Copy) -> None:
        self._service, self._key, self._copy = service, key, copy
        # The ids of the seeded calls, by their numbers; and the revision that made each call.
        self._seeds: list[str] = []
        self._made: dict[str, int] = {}
        self._traffic: Traffic | None = None

    @property
    def key(self) -> str:
        """Return the key of the tenant, which reads and writes its calls."""
        return self._key

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Seed the month, and keep it moving for as long as the block runs."""
        self._seed()
        with running_traffic(self._service, self._key) as self._traffic:
            yield

    def copies_exactly(self) -> str:
        """With `hold`: what was copied is what the hold names, and what the traffic says was there."""
        copied = self._copied("held", {**WINDOW, "hold": HOLD})
        facts, erasures = self._moved.expect_pace(copied.began, copied.ended)
        _expect_none("calls doubled", copied.doubled)
        listed = self._listed(HOLD)
        erased = self._compare_with_list(copied, listed)
        self._compare_with_traffic(copied)
        return (
            f"{len(copied.rows):,} calls in {copied.ended - copied.began:.1f} s, while {facts:,} facts came"
            f" and {erasures} calls were erased; {erased} of them kept their places"
        )

    def drifts(self) -> str:
        """Without `hold`: of the calls that were there all the time some are lost, or some come twice."""
        copied = self._copied("drifting", WINDOW)
        facts, erasures = self._moved.expect_pace(copied.began, copied.ended)
        lost = len(self._there_all_the_time(copied) - copied.ids)
        if not copied.doubled + lost:
            raise Failed(
                f"{len(copied.rows):,} calls copied without drift, so the copy with `hold` proves nothing"
            )
        return (
            f"{copied.doubled:,} calls doubled and {lost:,} lost in {copied.ended - copied.began:.1f} s,"
            f" while {facts:,} facts came and {erasures} calls were erased"
        )

    def copies_by(self, copier: "Callable[[Service, str], Copy]") -> str:
        """After the traffic: another copier copies what the list has."""
        copied = self._copied_by(copier(self._service, self._key), "printed", WINDOW)
        listed = self._listed("after-the-traffic")
        _expect_none("calls doubled", copied.doubled)
        _expect_none("calls that the list does not have, or that were lost", len(copied.ids ^ listed.keys()))
        return f"{len(copied.rows):,} calls"

    @property
    def _moved(self) -> Traffic:
        if self._traffic is None:
            raise Failed("the month is not moving")
        return self._traffic

    def _copied(self, name: str, query: Mapping[str, str]) -> Copied:
        return self._copied_by(self._copy, name, query)

    def _copied_by(self, copy: Copy, name: str, query: Mapping[str, str]) -> Copied:
        began = monotonic()
        rows = copy(name, query)
        copied = Copied(rows, began, monotonic())
        if len(rows) < SEEDS:
            raise Failed(f"only {len(rows):,} calls copied, of {SEEDS:,} at least")
        return copied

    def _compare_with_list(self, copied: Copied, listed: Mapping[str, Mapping[str, Any]]) -> int:
        """Ids and states. Returns how many came as erased: a call may be erased between copy and listing."""
        _expect_none("calls that the hold does not name", len(copied.ids - listed.keys()))
        _expect_none("calls of the hold that were lost", len(listed.keys() - copied.ids))
        for row in copied.rows:
            record = listed[row.id]
            now = row_of(record)
            if record.get("erased"):
                kept = {name for name, value in record.items() if value is not None}
                if kept != _KEPT_OF_ERASED:
                    raise Failed(f"an erased call keeps {sorted(kept)}, not {sorted(_KEPT_OF_ERASED)}")
                now = now if row.status is None else row._replace(created_us=now.created_us)
            if row != now:
                raise Failed(f"copied as {row}, listed under the hold as {now}")
        erased = sum(row.status is None for row in copied.rows)
        if not erased:
            raise Failed("no call was erased while it waited to be copied")
        return erased

    def _compare_with_traffic(self, copied: Copied) -> None:
        """The same ids, from what the answers to the senders had promised, without asking the list."""
        made = self._made | {id_: revision for each in self._moved.facts() for id_, revision in each.made}
        # Of new calls none is ever erased, so all that the hold holds have a revision that tells where it is.
        held = max(row.revision for row in copied.rows if row.revision is not None)
        gone = self._gone_before(copied)
        expected = {id_ for id_, revision in made.items() if revision <= held} - gone
        _expect_none("calls made by then that were lost", len(expected - copied.ids))
        _expect_none("calls that were not there then", len(copied.ids - expected))

    def _gone_before(self, copied: Copied) -> set[str]:
        """Return the calls erased before the hold: erasures have an order, so they are the first ones.

        Those answered before the copy began must be in it, those begun after it must not.
        """
        erasures = self._moved.erasures()
        gone = [self._seeds[each.seed] not in copied.ids for each in erasures]
        count = sum(gone)
        if gone != [True] * count + [False] * (len(gone) - count):
            raise Failed("of two erased calls, the one erased later is gone and the other is not")
        least = sum(each.ended < copied.began for each in erasures)
        most = sum(each.began < copied.ended for each in erasures)
        if not least <= count <= most:
            raise Failed(f"{count} erased calls are gone, which must be {least} to {most}")
        return {self._seeds[each.seed] for each in erasures[:count]}

    def _there_all_the_time(self, copied: Copied) -> set[str]:
        made = {
            id_ for each in self._moved.facts() if each.ended < copied.began for id_, _revision in each.made
        }
        erased = {self._seeds[each.seed] for each in self._moved.erasures() if each.began < copied.ended}
        return (self._made.keys() | made) - erased

    def _listed(self, hold: str) -> Mapping[str, Mapping[str, Any]]:
        """All records that the hold names, by id, asked for plainly, page by page."""
        records: dict[str, Mapping[str, Any]] = {}
        rows, total = 0, SEEDS
        while rows < total:
            query = urlencode({**WINDOW, "hold": hold, "limit": LISTED, "offset": rows})
            page = self._service.call("GET", f"{LIST}?{query}", key=self._key)
            total = page["total"]
            rows += len(page["data"])
            records |= {record["id"]: record for record in page["data"]}
            if not page["data"]:
                break
        _expect_none("rows that the hold's pages lack or repeat", abs(total - len(records)))
        return records

    def _seed(self) -> None:
        for start in range(0, SEEDS, BATCH):
            self._seed_batch([seed_event(number) for number in range(start, start + BATCH)])

    def _seed_batch(self, events: Sequence[Mapping[str, Any]]) -> None:
        outcomes = self._service.call("POST", "/api/v1/events", events, key=self._key)["outcomes"]
        applied = [each for each in outcomes if each["outcome"] == "applied"]
        _expect_none("events of a batch that were not applied", len(events) - len(applied))
        self._seeds += [each["call_id"] for each in applied]
        self._made |= {each["call_id"]: each["revision"] for each in applied}


def new_month(service: Service, copy: Callable[[Service, str], Copy]) -> MovingMonth:
    """A tenant with a month to move; `copy` is told the service and the key to copy with."""
    service.new_tenant(TENANT)
    _id, key = service.new_key(TENANT, "calls:read", "events:write")
    return MovingMonth(service, key, copy(service, key))


def _expect_none(what: str, found: int) -> None:
    if found:
        raise Failed(f"{found:,} {what}")
