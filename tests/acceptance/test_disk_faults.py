"""A full disk under SQLite: reads go on, writes get 503, and the node writes again once there is room."""

import asyncio
import json
import resource
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.acceptance.nodes import Line, Node, environment, fed_sids, listed_sids
from tests.acceptance.operator_commands import Operator
from tests.acceptance.own_postgres import (
    FAULTS,
    PatientCrowd,
    figures,
    seconds_until_written,
    until_ready,
)
from tests.conftest import TENANT

SENDERS = 4
# The node is not ready only after some seconds.
FILLED = max(1, FAULTS // 10)
DISK_BYTES = 48 << 20
PAGE_BYTES = 4096
NOT_READY_WITHIN_S = 60


class SmallDisk:
    """File system in memory for one database. Without the right to mount, the node's files are limited."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        mount = ["/bin/mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
        self._is_mounted = False
        with suppress(OSError, subprocess.CalledProcessError):
            subprocess.run(mount, check=True, capture_output=True)
            self._is_mounted = True
        self._filling = folder / "filling"

    def fill(self, pid: int) -> None:
        """Leave no room for the next pages of the database."""
        if not self._is_mounted:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            return
        with self._filling.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(PAGE_BYTES)):
                pass

    def free(self, pid: int) -> None:
        """Make room again."""
        if self._is_mounted:
            self._filling.unlink()
        else:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def close(self) -> None:
        if self._is_mounted:
            subprocess.run(["/bin/umount", str(self.folder)], check=True)


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    with tempfile.TemporaryDirectory(prefix="calltally-tests-") as folder:
        disk = SmallDisk(Path(folder))
        try:
            yield disk
        finally:
            disk.close()


async def fill_and_free(node: Node, disk: SmallDisk, key: str) -> tuple[PatientCrowd, list[float]]:
    crowd, seconds = PatientCrowd([node]), []
    await until_ready(crowd, node)
    line = Line([node], 0, key)
    async with asyncio.TaskGroup() as group:
        for number in range(SENDERS):
            group.create_task(crowd.report(number, key))
        for number in range(2):
            group.create_task(crowd.read(number, key))
        for _ in range(FILLED):
            await crowd.written()
            disk.fill(node.pid)
            reads = crowd.reads
            async with asyncio.timeout(NOT_READY_WITHIN_S):
                while (await line.request("GET /readyz")).status != 503:
                    await crowd.pause(0.1)
            assert crowd.reads > reads
            disk.free(node.pid)
            seconds.append(await seconds_until_written(crowd))
            assert (await line.request("GET /readyz")).status == 200
        crowd.stop()
    for sids in (await listed_sids(line), await fed_sids(line)):
        assert sorted(sids) == sorted(crowd.acknowledged)
    await line.close()
    return crowd, seconds


def test_a_node_writes_again_after_its_disk_was_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk() as disk:
        settings: Mapping[str, str] = environment(f"sqlite:///{disk.folder}/calltally.db")
        operator = Operator(tmp_path, settings)
        operator.run("migrate")
        key = operator.add_tenant(TENANT)
        with Node("serve", 0, tmp_path, settings) as node:
            crowd, seconds = asyncio.run(fill_and_free(node, disk, key))
            assert node.end() == 0
        assert crowd.losses == 0
        assert crowd.refusals
        assert crowd.acknowledged == crowd.reported
        assert json.loads(operator.run("verify", "--json"))["findings"] == []
        # After an orderly stop the file alone is the database.
        assert not [each.name for each in disk.folder.iterdir() if each.name.endswith("-wal")]
    with capsys.disabled():
        print("\n".join(["", *figures({"full disk": seconds})]))  # noqa: T201 (the figures are what the long run is for)
