"""A command run to its end, and what it took of the machine."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_POLL_S: Final = 0.2
_KIB: Final = 1024


class Ended(NamedTuple):
    """How a command ended.

    `held_bytes` is the most memory of its own that was seen; `peak_bytes` counts pages of mapped files too,
    which the system takes back when it needs them.
    """

    status: int
    printed: bytes
    seconds: float
    cpu_seconds: float
    held_bytes: int
    peak_bytes: int


def run_command(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> Ended:
    """`calltally` with these arguments; what it prints goes through a file in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CALLTALLY_")}
    started_s = time.perf_counter()
    with (folder / "printed").open("w+b") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "calltally", *arguments], env={**kept, **environment}, stdout=printed
        )
        held_bytes = 0
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            held_bytes = max(held_bytes, _held(process.pid))
            time.sleep(_POLL_S)
        process.returncode = os.waitstatus_to_exitcode(ended[1])
        printed.seek(0)
        output = printed.read()
    taken = ended[2]
    seconds = time.perf_counter() - started_s
    cpu_s = taken.ru_utime + taken.ru_stime
    return Ended(process.returncode, output, seconds, cpu_s, held_bytes, taken.ru_maxrss * _KIB)


def _held(pid: int) -> int:
    """Nothing of a process that is ending: it has let go of its memory, and says no more of it."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/status").read_text(encoding="ascii").partition("RssAnon:")[2].split()
        return int(fields[0]) * _KIB if fields else 0
    return 0
