"""Where alerts are told, and what is still to be told there."""

from typing import Final, NamedTuple

from calltally.calls.errors import Conflict, NotFound
from calltally.store.db.operation import Row, Statement, StoreOperation

MOST_SINKS: Final = 50


class Sink(NamedTuple):
    """One place. `shown` is JSON that may be read again, `sealed` holds the rest.

    `told_us` is when something was last told there, `fault` why the last time failed.
    """

    sink: bytes
    kind: str
    name: str
    shown: bytes
    sealed: bytes
    created_us: int = 0
    updated_us: int = 0
    told_us: int | None = None
    fault: str | None = None


class Notice(NamedTuple):
    """A change of an alert that is to be told to a sink, and how often that was tried."""

    sink: bytes
    alert: bytes
    change: int
    tries: int
    created_us: int


def list_sinks(tenant: str) -> StoreOperation[list[Sink]]:
    """All of a tenant, the oldest first."""
    return [_sink(row) for row in (yield Statement("sinks_of_tenant", {"tenant": tenant}))]


def need_sink(tenant: str, sink: bytes) -> StoreOperation[Sink]:
    """The sink of that id; raises NotFound."""
    rows = yield Statement("sink_of_id", {"tenant": tenant, "sink": sink})
    if not rows:
        raise NotFound("there is no alert sink of that id")
    return _sink(rows[0])


def add_sink(tenant: str, new: Sink, now_us: int) -> StoreOperation[Sink]:
    """A new one. Raises Conflict where a tenant has as many as it may."""
    if len((yield from list_sinks(tenant))) >= MOST_SINKS:
        message = f"a tenant has at most {MOST_SINKS} alert sinks; delete one first"
        raise Conflict(message)
    yield Statement("add_sink", _columns(tenant, new, now_us))
    return (yield from need_sink(tenant, new.sink))


def change_sink(tenant: str, sink: Sink, now_us: int) -> StoreOperation[Sink]:
    """Keep a sink as given, in place of what it was. Raises NotFound, where it was dropped meanwhile too."""
    yield Statement("change_sink", _columns(tenant, sink, now_us))
    return (yield from need_sink(tenant, sink.sink))


def _columns(tenant: str, sink: Sink, now_us: int) -> dict[str, object]:
    named = {"tenant": tenant, "sink": sink.sink, "kind": sink.kind, "name": sink.name}
    return {**named, "shown": sink.shown, "sealed": sink.sealed, "now_us": now_us}


def drop_sink(tenant: str, sink: bytes) -> StoreOperation[None]:
    """Tell nothing there any more. Raises NotFound."""
    gone = yield Statement("drop_sink", {"tenant": tenant, "sink": sink})
    if not gone:
        raise NotFound("there is no alert sink of that id")
    yield Statement("drop_notices_of_sink", {"tenant": tenant, "sink": sink})


def due_notices(tenant: str, now_us: int, most: int) -> StoreOperation[list[Notice]]:
    """What is to be told now."""
    rows = yield Statement("due_notices", {"tenant": tenant, "now_us": now_us, "most": most})
    return [Notice(*row) for row in rows]


def settle_notice(
    tenant: str, notice: Notice, told_us: int | None, fault: str | None
) -> StoreOperation[None]:
    """It was told, or nobody tries any more; the sink remembers which."""
    yield Statement("drop_notice", _named(tenant, notice))
    yield from note_sink(tenant, notice.sink, told_us, fault)


def defer_notice(tenant: str, notice: Notice, due_us: int, *, tries: int) -> StoreOperation[None]:
    """Tell it, or tell it again, when it is due."""
    yield Statement("defer_notice", {**_named(tenant, notice), "due_us": due_us, "tries": tries})


def note_sink(tenant: str, sink: bytes, told_us: int | None, fault: str | None) -> StoreOperation[None]:
    """What came of the last time that something was to be told to a sink."""
    yield Statement("note_sink", {"tenant": tenant, "sink": sink, "told_us": told_us, "fault": fault})


def _named(tenant: str, notice: Notice) -> dict[str, object]:
    return {"tenant": tenant, "sink": notice.sink, "alert": notice.alert, "change": notice.change}


def _sink(row: Row) -> Sink:
    return Sink(*row)
