"""Steps are driven alike by what answers at once and by what has to be awaited."""

import asyncio

from calltally.store.steps import (
    Request,
    Rows,
    Statement,
    Step,
    Table,
    drive,
    drive_async,
    one_by_one,
    together,
)


def _step() -> Step[list[Rows]]:
    first = yield Statement("one", {})
    second, third = yield from together(Statement("two", {}), Statement("three", {}))
    none = yield from together()
    assert none == []
    return [first, second, third]


def _rows(request: Request) -> Rows:
    return [(request.name,)]


async def _awaited(request: Request) -> Rows:
    await asyncio.sleep(0)
    return _rows(request)


def test_what_is_asked_together_is_answered_in_its_order() -> None:
    expected = [[("one",)], [("two",)], [("three",)]]
    assert drive(_step(), _rows) == expected
    assert asyncio.run(drive_async(_step(), one_by_one(_awaited))) == expected


def test_a_table_is_rows_of_parameters() -> None:
    table = Table(("tenant", "node"), [("acme", b"1"), ("acme", b"2"), ("other", b"3")])
    rows = [{"tenant": tenant, "node": node} for tenant, node in table.tuples]
    assert list(table) == rows
    assert (len(table), table[-1], list(table[1:])) == (3, rows[-1], rows[1:])
