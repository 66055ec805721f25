"""The processes of one port, where the system has no more of them to give."""

import errno
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from calltally.cli.serve.process_group import Processes
from calltally.multiprocess import Crew


class Refused:
    """A process that cannot be begun."""

    def __init__(self, **_how: Any) -> None:  # noqa: ANN401 (as the context takes it)
        self.exitcode = None

    def start(self) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


def test_a_process_that_cannot_be_begun_ends_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = Processes(Crew(2, tmp_path), lambda _place: None)
    monkeypatch.setattr(processes._context, "Process", Refused)
    with capture_logs() as logs:
        for _ in range(2):
            processes._fill()
            for place in processes._places:
                assert place.process is None
    # Once: it is asked again later.
    assert [(line["event"], line["again_in_s"]) for line in logs] == [("process not begun", 0.1)] * 2
    assert processes._longest_wait_s()
