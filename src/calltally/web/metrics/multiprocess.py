"""Prometheus metrics of several serving processes: each process can report the sums of all.

Each process counts in its own file, by the multiprocess mode of the library. The file is named by worker
number instead of process id: a replacement of a dead worker continues its counters, so no counter ever jumps.
"""

import os
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from calltally.multiprocess import Member, ProcessGroup
from calltally.web.metrics.metrics import Metrics

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


class MultiprocessMetrics(Metrics):
    """Metrics of one worker process. It must be the only instance of the process."""

    def __init__(self, member: Member) -> None:
        folder = str(member.group.folder)
        # The library reads both whenever it creates a counter; labelled counters are created later.
        os.environ[_FOLDER] = folder
        values.ValueClass = values.MultiProcessValue(lambda: member.worker)  # type: ignore[no-untyped-call]
        super().__init__()
        self._all = CollectorRegistry()
        MultiProcessCollector(self._all, folder)  # type: ignore[no-untyped-call]
        self._all.register(_Processes(member.group))

    def text(self) -> bytes:
        """Return the sums over all processes, and one series per process for its resource use."""
        self.refresh()
        return generate_latest(self._all)


class _Processes(Collector):
    """Processor time, memory and open files of each process."""

    def __init__(self, group: ProcessGroup) -> None:
        self._group = group

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Any] = {}
        for worker in self._group.workers:
            for metric in ProcessCollector(pid=partial(self._group.pid_of, worker), registry=None).collect():
                kind: Any = type(metric)
                family = families.setdefault(
                    metric.name, kind(metric.name, metric.documentation, labels=["worker"])
                )
                for sample in metric.samples:
                    family.add_metric([str(worker)], sample.value)
        yield from families.values()
