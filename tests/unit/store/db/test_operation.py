"""Steps are driven alike by what answers at once and by what has to be awaited."""

import asyncio

import pytest

from calltally.store.db.operation import (
    AnyStatement,
    ParamsTable,
    Rows,
    Statement,
    StoreOperation,
    execute_batch,
    execute_sequentially,
    execute_with,
    resume,
    run_operation,
    run_operation_async,
)


def _step() -> StoreOperation[list[Rows]]:
    first = yield Statement("one", {})
    second, third = yield from execute_batch(Statement("two", {}), Statement("three", {}))
    none = yield from execute_batch()
    assert none == []
    return [first, second, third]


def _rows(request: AnyStatement) -> Rows:
    return [(request.name,)]


async def _awaited(request: AnyStatement) -> Rows:
    await asyncio.sleep(0)
    return _rows(request)


def test_what_is_asked_together_is_answered_in_its_order() -> None:
    expected = [[("one",)], [("two",)], [("three",)]]
    assert run_operation(_step(), _rows) == expected
    assert asyncio.run(run_operation_async(_step(), execute_sequentially(_awaited))) == expected


def _begun_beside(*, together_first: bool) -> StoreOperation[tuple[Rows, list[Rows]]]:
    operation = _together_first() if together_first else _step()
    rows, answer = yield from execute_with(Statement("another", {}), next(operation))
    return rows, (yield from resume(operation, answer))


def _together_first() -> StoreOperation[list[Rows]]:
    two = yield from execute_batch(Statement("one", {}), Statement("two", {}))
    return [*two, (yield Statement("three", {}))]


@pytest.mark.parametrize("together_first", [False, True])
def test_a_step_goes_on_from_what_was_sent_with_another_request(together_first: bool) -> None:  # noqa: FBT001
    trips: list[int] = []

    def answer(request: AnyStatement) -> Rows:
        trips.append(1)
        return _rows(request)

    found = run_operation(_begun_beside(together_first=together_first), answer)
    assert found == ([("another",)], [[("one",)], [("two",)], [("three",)]])
    assert len(trips) == 4


def test_a_table_is_rows_of_parameters() -> None:
    table = ParamsTable(("tenant", "node"), [("acme", b"1"), ("acme", b"2"), ("other", b"3")])
    rows = [{"tenant": tenant, "node": node} for tenant, node in table.tuples]
    assert list(table) == rows
    assert (len(table), table[-1], list(table[1:])) == (3, rows[-1], rows[1:])
