"""Steps are driven alike by what answers at once and by what has to be awaited."""

import asyncio

import pytest

from calltally.store.db.operation import (
    Request,
    Rows,
    Statement,
    Step,
    Table,
    drive,
    drive_async,
    one_by_one,
    resumed,
    together,
    with_another,
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


def _begun_beside(*, together_first: bool) -> Step[tuple[Rows, list[Rows]]]:
    step = _together_first() if together_first else _step()
    rows, answer = yield from with_another(Statement("another", {}), next(step))
    return rows, (yield from resumed(step, answer))


def _together_first() -> Step[list[Rows]]:
    two = yield from together(Statement("one", {}), Statement("two", {}))
    return [*two, (yield Statement("three", {}))]


@pytest.mark.parametrize("together_first", [False, True])
def test_a_step_goes_on_from_what_was_sent_with_another_request(together_first: bool) -> None:  # noqa: FBT001
    trips: list[int] = []

    def answer(request: Request) -> Rows:
        trips.append(1)
        return _rows(request)

    found = drive(_begun_beside(together_first=together_first), answer)
    assert found == ([("another",)], [[("one",)], [("two",)], [("three",)]])
    assert len(trips) == 4


def test_a_table_is_rows_of_parameters() -> None:
    table = Table(("tenant", "node"), [("acme", b"1"), ("acme", b"2"), ("other", b"3")])
    rows = [{"tenant": tenant, "node": node} for tenant, node in table.tuples]
    assert list(table) == rows
    assert (len(table), table[-1], list(table[1:])) == (3, rows[-1], rows[1:])
