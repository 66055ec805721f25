"""What Prometheus is told where several processes serve: whichever is asked tells for all of them.

Each counts in a file of its own, by the library's mode for that, under its place in the crew instead of its
process id: whoever takes the place of one that died counts on, so that no counter ever jumps.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from calltally.shared import SharedNumbers
from calltally.web.metrics import Metrics

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


class Crew(NamedTuple):
    """The processes of one server, by their places 1 to `size`, and the folder that they count in.

    `pids` are their process ids by place.
    """

    size: int
    folder: Path
    pids: SharedNumbers


class CrewMetrics(Metrics):
    """Counters of the process at one place. It must be the only ones of the process."""

    def __init__(self, crew: Crew, place: int) -> None:
        # The library asks for both whenever it makes a counter, and those with labels are made later.
        os.environ[_FOLDER] = str(crew.folder)
        values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]
        crew.pids.put(str(place), os.getpid())
        super().__init__()
        self._length: Callable[[], int] = int
        self._all = CollectorRegistry()
        MultiProcessCollector(self._all, str(crew.folder))  # type: ignore[no-untyped-call]
        self._all.register(_Processes(crew))

    def watch_queue(self, length: Callable[[], int]) -> None:
        """Ask `length` whenever the others are to be told, since they cannot ask themselves."""
        self._length = length

    def tell_others(self) -> None:
        """Put down what no event puts down. To be called now and then."""
        self._queued.set(self._length())

    def text(self) -> bytes:
        """The sums of all processes; of what each process uses, one series for each."""
        self.tell_others()
        return generate_latest(self._all)


class _Processes(Collector):
    """Processor time, memory and files of each process."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Any] = {}
        for place in range(1, self._crew.size + 1):
            pid = partial(int, self._crew.pids.get(str(place)))
            for metric in ProcessCollector(pid=pid, registry=None).collect():
                kind: Any = type(metric)
                family = families.setdefault(
                    metric.name, kind(metric.name, metric.documentation, labels=["worker"])
                )
                for sample in metric.samples:
                    family.add_metric([str(place)], sample.value)
        yield from families.values()
