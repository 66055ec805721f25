"""Words for the number of calls that a launch still needs."""

from calltally.web.dashboard.quality.launch_page import calls_until_certain


def test_the_number_of_further_calls_is_rounded_and_has_its_time() -> None:
    texts = [calls_until_certain(calls, 100.0) for calls in (None, 0, 42, 1_234, 1_477_344)]
    assert texts == [
        "undecided: the rates are too close",
        "no more needed",
        "about 42 more: a day at this rate",
        "about 1,200 more: 12 days at this rate",
        "unlikely to be decided: more than a year at this rate",
    ]
