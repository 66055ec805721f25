"""Numbers that processes share, and the places that they have."""

import multiprocessing
from pathlib import Path

from calltally.multiprocess import ProcessGroup, SharedNumbers


def test_a_number_is_what_was_put_last() -> None:
    numbers = SharedNumbers()
    assert numbers.get("a") == 0
    numbers.put("a", 1.5)
    numbers.put("b", 2)
    numbers.put("a", 3)
    assert (numbers.get("a"), numbers.get("b"), numbers.get("c")) == (3, 2, 0)


def test_a_process_that_is_forked_shares_them() -> None:
    numbers = SharedNumbers()

    def work() -> None:
        numbers.put("child", numbers.get("parent") + 1)

    numbers.put("parent", 41)
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert numbers.get("child") == 42


def test_thousands_of_keys_do_not_disturb_each_other() -> None:
    numbers = SharedNumbers()
    for number in range(8_000):
        numbers.put(f"key {number}", number + 1)
    assert [numbers.get(f"key {number}") for number in range(8_000)] == [*range(1, 8_001)]


def test_where_it_is_full_the_smallest_is_forgotten() -> None:
    numbers = SharedNumbers(entries=8)
    for number in range(1, 10):
        numbers.put(f"key {number}", number)
    assert [numbers.get(f"key {number}") for number in range(1, 10)] == [0, *range(2, 10)]


def test_the_last_process_of_each_position_is_known(tmp_path: Path) -> None:
    group = ProcessGroup(3, tmp_path)
    group.record_worker(1, 100)
    group.record_worker(2, 200)
    group.record_worker(1, 300)
    assert [group.pid_of(position) for position in group.workers] == [300, 200, 0]
