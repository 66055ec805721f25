"""What Prometheus is told where several processes serve: whichever is asked tells for all of them.

Each counts in a file of its own, by the library's mode for that, under its place in the crew instead of its
process id: whoever takes the place of one that died counts on, so that no counter ever jumps.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from calltally.multiprocess import Crew, Member
from calltally.web.metrics.metrics import Metrics

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


class MultiprocessMetrics(Metrics):
    """Counters of the process at one place. It must be the only ones of the process."""

    def __init__(self, member: Member) -> None:
        folder = str(member.crew.folder)
        # The library asks for both whenever it makes a counter, and those with labels are made later.
        os.environ[_FOLDER] = folder
        values.ValueClass = values.MultiProcessValue(lambda: member.place)  # type: ignore[no-untyped-call]
        super().__init__()
        self._length: Callable[[], int] = int
        self._all = CollectorRegistry()
        MultiProcessCollector(self._all, folder)  # type: ignore[no-untyped-call]
        self._all.register(_Processes(member.crew))

    def observe_queue(self, length: Callable[[], int]) -> None:
        """Ask `length` whenever the others are to be told, since they cannot ask themselves."""
        self._length = length

    def write_queue_length(self) -> None:
        """Put down what no event puts down. To be called now and then."""
        self._queued.set(self._length())

    def text(self) -> bytes:
        """The sums of all processes; of what each process uses, one series for each."""
        self.write_queue_length()
        return generate_latest(self._all)


class _Processes(Collector):
    """Processor time, memory and files of each process."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Any] = {}
        for place in self._crew.places:
            for metric in ProcessCollector(pid=partial(self._crew.pid_at, place), registry=None).collect():
                kind: Any = type(metric)
                family = families.setdefault(
                    metric.name, kind(metric.name, metric.documentation, labels=["worker"])
                )
                for sample in metric.samples:
                    family.add_metric([str(place)], sample.value)
        yield from families.values()
