"""The bound on connections and the limit of file descriptors."""

import subprocess
import sys

import pytest

from calltally.cli.serve.connections import Connections
from tests.unmeasured import unmeasured

LIMITED = """
import resource, sys
from calltally.cli.serve.connections import connections_of
from calltally.logs import set_up_logs
from calltally.settings.fields import Settings

soft, hard, most = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
set_up_logs("json", "warning")
bound = connections_of(Settings(max_connections=most, database_connections=8)).most
print(bound, *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "requested", "bound", "soft_then"),
    [
        pytest.param(256, 4096, 1_000, 1_000, 2_040, id="the soft limit is raised as far as needed"),
        pytest.param(256, 4096, 5_000, 3_056, 4_096, id="the hard limit leaves fewer"),
        pytest.param(256, 1024, 5_000, 512, 1_024, id="a low hard limit leaves half"),
        pytest.param(4096, 4096, 1_000, 1_000, 4_096, id="a soft limit that is enough stays"),
    ],
)
def test_the_bound_leaves_file_descriptors_for_the_rest(
    soft: int, hard: int, requested: int, bound: int, soft_then: int
) -> None:
    words = [sys.executable, "-c", LIMITED, str(soft), str(hard), str(requested)]
    done = subprocess.run(words, env=unmeasured(), capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [str(bound), str(soft_then), str(hard)]
    assert ("file descriptors limit the connections" in done.stderr) == (bound < requested)


class Idle:
    """A connection that makes room, or does not."""

    def __init__(self, *, is_busy: bool = False) -> None:
        self.is_busy = is_busy
        self.has_ended = False

    def make_room(self) -> bool:
        self.has_ended = not self.is_busy
        return self.has_ended


def test_refusals_are_logged_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    connections = Connections(most=1)
    connections.admit(Idle(), 0.0)
    assert not any(connections.admit(Idle(), now_s) for now_s in (0.0, 1.0, 59.0, 60.0, 61.0))
    assert capsys.readouterr().out.count("connections refused") == 2


def test_a_connection_with_unread_bytes_does_not_make_room() -> None:
    connections = Connections(most=2)
    busy, idle = Idle(is_busy=True), Idle()
    for connection in (busy, idle):
        assert connections.admit(connection, 0.0)
        connections.begin_wait(connection)
    assert connections.admit(Idle(), 0.0)
    assert (busy.has_ended, idle.has_ended) == (False, True)
    # Neither waits now.
    connections.end_wait(busy)
    assert not connections.admit(Idle(), 0.0)
