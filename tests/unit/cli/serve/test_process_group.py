"""The process group of `serve --workers`, where the system has no more processes to give."""

import errno
import socket
from typing import Any

import pytest
from structlog.testing import capture_logs

from calltally.cli.serve import process_group
from calltally.cli.serve.process_group import Processes


class Refused:
    """A process that cannot be started."""

    def __init__(self, **_how: Any) -> None:  # noqa: ANN401 (as the context takes it)
        self.exitcode = None

    def start(self) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


def test_a_process_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_group, "_PAUSE_S", 0.0)
    with socket.socket() as one, socket.socket() as two:
        processes = Processes([one, two], lambda _position, _listening: None)
        monkeypatch.setattr(processes._context, "Process", Refused)
        with capture_logs() as logs:
            for _ in range(2):
                processes._replace_dead()
                assert processes._living == {}
    # Both are tried in each round.
    assert [(line["event"], line["worker"]) for line in logs] == [
        *[("process not started", 1), ("process not started", 2)] * 2
    ]
