"""Context of the measurements: the size, the databases, and a temporary folder."""

import shutil
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.dataset import Dataset, copy_of, read_through, sqlite_dataset


class Lab:
    """One run. Databases are kept below `root` for the next; copies are removed at the end."""

    def __init__(self, root: Path, size: int) -> None:
        self.root = root.resolve()
        self.size = size
        self.scratch = self.root / "scratch"
        self._numbers = count()
        self._warm: set[Path] = set()

    def __enter__(self) -> Self:
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.scratch, ignore_errors=True)

    async def dataset(self, calls: int | None = None) -> Dataset:
        """The database of so many calls (those asked for, if left out); never to be written to."""
        dataset = await sqlite_dataset(self.root, calls or self.size)
        if dataset.path not in self._warm:
            self._warm.add(dataset.path)
            read_through(dataset.path)
        return dataset

    async def copy(self, calls: int | None = None) -> Dataset:
        """A copy of it, to write to; give it back with `drop`."""
        dataset = await sqlite_dataset(self.root, calls or self.size)
        # To copy it takes it out of the system's memory.
        self._warm.discard(dataset.path)
        return copy_of(dataset, self.new_folder())

    def new_folder(self) -> Path:
        """A path in the scratch folder that nobody uses."""
        return self.scratch / str(next(self._numbers))

    def drop(self, dataset: Dataset) -> None:
        """Remove a copy, since several large ones may not fit."""
        shutil.rmtree(dataset.folder)
