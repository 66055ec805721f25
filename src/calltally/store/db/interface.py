"""What every store can do, whichever database is behind it."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from calltally.calls.errors import Unavailable
from calltally.calls.events import Fact, IngestOutcome
from calltally.store.db.fact_codec import PackedFact
from calltally.store.db.operation import StoreOperation

T = TypeVar("T")


class Submission(NamedTuple):
    """One fact for the ledger. Without `announce` (imports, replays) no delivery is enqueued.

    `packed` is its row, if that was made beforehand: an import makes it in the process that reads.
    """

    tenant: str
    fact: Fact
    announce: bool = True
    packed: PackedFact | None = None


class SubmissionResult(NamedTuple):
    """What became of a submission: the call it belongs to, and the revision that shows it.

    Refused, without either, where it names a call that was erased. `conflicting` says that more facts of the
    call contradict each other than before.
    """

    outcome: IngestOutcome
    reason: str | None
    call_id: bytes | None
    revision: int | None
    conflicting: bool = False


F = TypeVar("F", bound=Exception)


class ErrorTranslation(Generic[F]):
    """A block in which a driver's faults of a kind are told by `tell`, which raises ours or does nothing.

    No generator: around each read, that would take as long as its COMMIT.
    """

    __slots__ = ("_kind", "_tell")

    def __init__(self, kind: type[F], tell: Callable[[F], None]) -> None:
        self._kind = kind
        self._tell = tell

    def __enter__(self) -> None:
        """Nothing is held."""

    def __exit__(self, _kind: object, fault: BaseException | None, _traceback: object) -> None:
        if isinstance(fault, self._kind):
            self._tell(fault)


class RevisionNotVisible(Unavailable):
    """A revision is asked for that the database being read does not show yet, though it was committed."""


class Store(Protocol):
    """One ledger with its reads. Every method raises `Unavailable` when the database cannot answer."""

    dialect: str

    @property
    def queued_writes(self) -> int:
        """Requests that wait for the writer now."""
        ...

    @property
    def stalled_s(self) -> float:
        """Seconds since the first request to write after the last commit; 0 where all were committed."""
        ...

    async def read(self, operation: StoreOperation[T], *, long: bool = False) -> T:
        """Run a step that only reads, against one state of the database.

        `long` says that its cost grows with the data, so that it must not hold up the event loop.
        """
        ...

    async def read_tenant(
        self, tenant: str, make: Callable[[], StoreOperation[T]], *, at_least: int = 0, long: bool = False
    ) -> T:
        """The same for a step that reads one tenant's ledger; a read replica may answer where there is one.

        It then shows revision `at_least`, and all that this process committed of the tenant. Where it does
        not yet, refuses, or fails, the primary answers: so `make` makes the step, if need be twice, and the
        step raises Behind where it meets what the database it reads does not show yet.
        """
        ...

    async def write(self, operation: StoreOperation[T]) -> T:
        """Run a step as one transaction; durable on return."""
        ...

    async def submit(
        self, submissions: Sequence[Submission], *, in_one_commit: bool = False
    ) -> list[SubmissionResult]:
        """Record facts in the order given; durable and visible on return.

        Many make several commits, unless they are asked to be `in_one_commit`: then they are of one tenant.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted, then let go of the database."""
        ...


@runtime_checkable
class ObservableStore(Store, Protocol):
    """A store that tells of its commits."""

    def subscribe_to_commits(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have `told` called behind each commit of facts here, until what is returned is called."""
        ...
