"""Operations run alike with a synchronous and an asynchronous executor."""

import asyncio
from typing import Any

import pytest

from calltally.store.db.operation import (
    AnyStatement,
    Batch,
    ParamsTable,
    Rows,
    Statement,
    StoreOperation,
    batch_operations,
    execute_batch,
    execute_with,
    resume,
    run_operation,
    run_operation_async,
)


def _operation() -> StoreOperation[list[Rows]]:
    first = yield Statement("one", {})
    second, third = yield from execute_batch(Statement("two", {}), Statement("three", {}))
    none = yield from execute_batch()
    assert none == []
    return [first, second, third]


def _rows(request: AnyStatement | Batch) -> list[Any]:
    if isinstance(request, Batch):
        return [_rows(each) for each in request.statements]
    return [(request.name,)]


async def _awaited(request: AnyStatement | Batch) -> list[Any]:
    await asyncio.sleep(0)
    return _rows(request)


def test_batch_returns_rows_in_order() -> None:
    expected = [[("one",)], [("two",)], [("three",)]]
    assert run_operation(_operation(), _rows) == expected
    assert asyncio.run(run_operation_async(_operation(), _awaited)) == expected


def _started_with_another(*, is_batch_first: bool) -> StoreOperation[tuple[Rows, list[Rows]]]:
    operation = _batch_first() if is_batch_first else _operation()
    rows, answer = yield from execute_with(Statement("another", {}), next(operation))
    return rows, (yield from resume(operation, answer))


def _batch_first() -> StoreOperation[list[Rows]]:
    two = yield from execute_batch(Statement("one", {}), Statement("two", {}))
    return [*two, (yield Statement("three", {}))]


@pytest.mark.parametrize("is_batch_first", [False, True])
def test_operation_resumes_after_execute_with(is_batch_first: bool) -> None:  # noqa: FBT001
    trips: list[int] = []

    def answer(request: AnyStatement | Batch) -> list[Any]:
        trips.append(len(request.statements) if isinstance(request, Batch) else 1)
        return _rows(request)

    found = run_operation(_started_with_another(is_batch_first=is_batch_first), answer)
    assert found == ([("another",)], [[("one",)], [("two",)], [("three",)]])
    assert sum(trips) == 4


def test_params_table_is_a_sequence_of_mappings() -> None:
    table = ParamsTable(("tenant", "node"), [("acme", b"1"), ("acme", b"2"), ("other", b"3")])
    rows = [{"tenant": tenant, "node": node} for tenant, node in table.tuples]
    assert list(table) == rows
    assert (len(table), table[-1], list(table[1:])) == (3, rows[-1], rows[1:])


def test_first_statements_of_operations_are_one_batch() -> None:
    batches = []

    def execute(request: AnyStatement | Batch) -> list[Any]:
        batches.append(len(request.statements) if isinstance(request, Batch) else 1)
        return _rows(request)

    expected = [[("one",)], [("two",)], [("three",)]]
    found = run_operation(batch_operations(_operation(), _batch_first(), _operation()), execute)
    assert found == [expected] * 3
    # The first statements together, then the rest of each.
    assert batches == [4, 2, 1, 2]
