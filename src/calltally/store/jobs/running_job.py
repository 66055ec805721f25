"""One job in the hands of one worker, for as long as its turn lasts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from calltally.calls.errors import CalltallyError
from calltally.store.db.interface import Store
from calltally.store.db.operation import Clock
from calltally.store.jobs.folders import JobFolder
from calltally.store.jobs.jobs import Job, Kept, is_in_turn, keep_job


class JobTaken(CalltallyError):
    """The job is not this worker's any more: it was canceled, or another worker has it."""


@dataclass(frozen=True, kw_only=True)
class JobTurn:
    """What a runner is handed.

    `job` is as it was when the turn began; its `turns` is the turn's number, greater than that of any before.
    `lasts` says whether there is time for another piece of work, and raises JobTaken if the lease is lost.
    """

    store: Store
    tenant: str
    job: Job
    folder: JobFolder
    clock: Clock
    lasts: Callable[[], Awaitable[bool]]

    async def goes_on(self) -> bool:
        """To be asked after each piece of work: whether there is time for another.

        Where there is none the runner keeps what it has, and returns None. Raises JobTaken.
        """
        if not await self.store.read(is_in_turn(self.tenant, self.job)):
            raise JobTaken("the job ended meanwhile, or another worker has it")
        return await self.lasts()

    async def keep(self, kept: Kept) -> None:
        """Note how far it is, durably. What is in files has to be on the disk before. Raises JobTaken."""
        job, now_us = self.job, self.clock()
        if not await self.store.write(keep_job(self.tenant, job.job, kept, now_us, turn=job.turns)):
            raise JobTaken("the job ended meanwhile, or another worker has it")


class Runner(Protocol):
    """Does the jobs of one kind. It goes on from `turn.job.progress`."""

    async def run(self, turn: JobTurn) -> Any:  # noqa: ANN401 (whatever JSON can say)
        """Work for a turn; returns what came of the job when it is done, None while it is not.

        Raises CalltallyError where it cannot be done: its slug and detail are told. Unavailable is no such
        case, it is tried again.
        """
        ...
