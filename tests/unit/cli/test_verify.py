"""Progress of a verification without a terminal: a line a minute, nothing for a short run."""

import pytest

from calltally.cli.verify import ProgressLines, verification_progress

MINUTE_US = 60_000_000


def test_one_line_a_minute_has_all_passes(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0]
    lines = ProgressLines(2_000, lambda: now[0])
    lines.advance("calls", 1_000)
    lines.advance("facts", 4_000)
    now[0] = MINUTE_US - 1
    lines.advance("calls", 500)
    assert capsys.readouterr().err == ""
    now[0] = MINUTE_US
    lines.advance("counted", 10)
    lines.advance("counted", 10)
    result = "of 2,000 calls: 1,500 refolded, 10 recounted, 0 recounted for alerts, 0 for quality\n"
    assert capsys.readouterr().err == result
    now[0] = 2 * MINUTE_US
    lines.advance("measured", 7)
    assert capsys.readouterr().err == result.replace(" 10 ", " 20 ").replace(" 0 for q", " 7 for q")


def test_no_bar_without_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with verification_progress(10, lambda: 0) as advance:
        advance("calls", 10)
    assert capsys.readouterr() == ("", "")
