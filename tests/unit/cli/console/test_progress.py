"""A walk that takes long says how far it is where there is no terminal, and a short one says nothing."""

import pytest

from calltally.cli.console.progress import Lines, shown

MINUTE_US = 60_000_000


def test_a_line_a_minute_has_all_looks(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0]
    lines = Lines(2_000, lambda: now[0])
    lines.advance("calls", 1_000)
    lines.advance("facts", 4_000)
    now[0] = MINUTE_US - 1
    lines.advance("calls", 500)
    assert capsys.readouterr().err == ""
    now[0] = MINUTE_US
    lines.advance("counted", 10)
    lines.advance("counted", 10)
    said = "of 2,000 calls: 1,500 refolded, 10 recounted, 0 recounted for alerts, 0 for quality\n"
    assert capsys.readouterr().err == said
    now[0] = 2 * MINUTE_US
    lines.advance("measured", 7)
    assert capsys.readouterr().err == said.replace(" 10 ", " 20 ").replace(" 0 for q", " 7 for q")


def test_without_a_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(10, lambda: 0) as advance:
        advance("calls", 10)
    assert capsys.readouterr() == ("", "")
