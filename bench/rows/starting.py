"""From the command to the first answer, and the memory of a service that has nothing to do."""

from statistics import median
from typing import Final

from bench.lab import Lab
from bench.processes import application, service
from bench.rows.pages import page_path
from bench.table import Row, within
from bench.timing import resident_bytes

_ROUNDS: Final = 5
_MOST_S: Final = 0.7
_MOST_BYTES: Final = 90_000_000


async def start(lab: Lab) -> list[Row]:
    """Ours (whose first answer is a page of the list) and the framework's smallest application, in turn."""
    dataset = await lab.dataset()
    seconds: list[list[float]] = [[], []]
    sizes: list[list[float]] = [[], []]
    for _ in range(_ROUNDS):
        started = (
            service(dataset.url, probe=page_path(25), key=dataset.key),
            application("bare", {}),
        )
        for side, starting in enumerate(started):
            async with starting as server:
                seconds[side].append(server.first_answer_s)
                sizes[side].append(resident_bytes(server.pid, without=dataset.path))
    (ours_s, bare_s), (ours_bytes, bare_bytes) = map(_medians, (seconds, sizes))
    return [
        within(
            "start to first answer",
            f"{ours_s:.2f} s",
            against=f"the framework's bare application: {bare_s:.2f} s",
            target=f"at most {_MOST_S} s",
            met=ours_s <= _MOST_S,
        ),
        within(
            "memory when idle",
            f"{ours_bytes / 1e6:.0f} MB",
            against=f"the framework's bare application: {bare_bytes / 1e6:.0f} MB",
            target="under 90 MB",
            met=ours_bytes < _MOST_BYTES,
        ),
    ]


def _medians(sides: list[list[float]]) -> list[float]:
    return [median(side) for side in sides]
