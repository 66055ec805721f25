"""How long a process that records is left alone once it failed."""

from calltally.store.backends.recorder.supervisor import Rests


def test_twice_as_long_each_time_and_never_for_ever() -> None:
    rests = Rests(10.0)
    assert [rests.after_failure(now_s) for now_s in range(9)] == [10, 20, 40, 80, 160, 320, 640, 640, 640]


def test_what_lives_no_longer_than_the_last_pause_is_as_good_as_dead() -> None:
    rests = Rests(10.0)
    assert rests.after_failure(0.0) == 10
    rests.begun(10.0)
    assert rests.after_failure(25.0) == 20
    rests.begun(45.0)
    assert rests.after_failure(84.0) == 40


def test_what_lived_longer_is_begun_as_soon_as_at_first() -> None:
    rests = Rests(10.0)
    for _ in range(4):
        rests.after_failure(0.0)
    rests.begun(100.0)
    assert rests.after_failure(261.0) == 10
    # That it lived counts once.
    assert rests.after_failure(1_000.0) == 20
