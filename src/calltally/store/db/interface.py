"""Interface of a store, the same for both databases."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import msgspec

from calltally.calls.errors import DamagedStore, Unavailable
from calltally.calls.events import Fact, IngestOutcome
from calltally.calls.model import DAMAGED
from calltally.store.db.fact_codec import PackedFact
from calltally.store.db.operation import StoreOperation
from calltally.store.db.usage import StoreUsage

T = TypeVar("T")


class Submission(NamedTuple):
    """One fact for the ledger. Without `announce` (imports, replays) no delivery is enqueued.

    `packed` has the columns of its row if they are ready: an import packs them in the process that reads.
    """

    tenant: str
    fact: Fact
    announce: bool = True
    packed: PackedFact | None = None


class SubmissionResult(NamedTuple):
    """Outcome of a submission: the call that it belongs to, and the revision that includes it.

    A fact of an erased call is refused and has neither. `conflicting` is true where more facts of the call
    contradict each other than before.
    """

    outcome: IngestOutcome
    reason: str | None
    call_id: bytes | None
    revision: int | None
    conflicting: bool = False


F = TypeVar("F", bound=Exception)


class ErrorTranslation(Generic[F]):
    """Context manager that translates a driver's errors of one type, and errors of decoding stored data.

    `translate` raises our error, or returns to let the driver's error through. It is no generator: around
    each read a generator would take as long as the COMMIT of the read.
    """

    __slots__ = ("_error_type", "_translate")

    def __init__(self, error_type: type[F], translate: Callable[[F], None]) -> None:
        self._error_type = error_type
        self._translate = translate

    def __enter__(self) -> None:
        """Do nothing: no resource is held."""

    def __exit__(self, _type: object, fault: BaseException | None, _traceback: object) -> None:
        if isinstance(fault, self._error_type):
            self._translate(fault)
        elif isinstance(fault, msgspec.DecodeError):
            raise DamagedStore(DAMAGED) from fault


class RevisionNotVisible(Unavailable):
    """The database that was read does not show the requested revision yet, although it is committed."""


class LedgerLocked(Unavailable):
    """Ledger head that another transaction has locked for longer than a commit waits."""


class TransactionExpired(Unavailable):
    """Transaction that the server ended, because this process took too long between its statements."""


class Store(Protocol):
    """A database of ledgers. Every method raises `Unavailable` when the database cannot answer."""

    dialect: str

    @property
    def queued_writes(self) -> int:
        """Number of requests in the writer's queue."""

    @property
    def stalled_s(self) -> float:
        """Seconds since the first write request after the last commit; 0 if none is uncommitted."""

    async def read(self, operation: StoreOperation[T], *, long: bool = False) -> T:
        """Run a read-only operation against one state of the database.

        `long` marks an operation whose cost grows with the data, so that it must not block the event loop.
        """

    async def read_tenant(
        self, tenant: str, make: Callable[[], StoreOperation[T]], *, at_least: int = 0, long: bool = False
    ) -> T:
        """Run a read-only operation on one tenant's ledger; a read replica may answer if there is one.

        The answer includes revision `at_least` and all of this process's commits for the tenant. Where the
        replica lags, refuses or fails, the primary answers: `make` is then called a second time. The
        operation raises RevisionNotVisible where it needs a revision that the database does not show yet.
        """

    async def write(self, operation: StoreOperation[T]) -> T:
        """Run an operation as one transaction; durable on return."""

    async def submit(
        self, submissions: Sequence[Submission], *, in_one_commit: bool = False
    ) -> list[SubmissionResult]:
        """Record facts in the order given; durable and visible on return.

        Many submissions take several commits, except with `in_one_commit`: then all must be of one tenant.
        """

    async def close(self) -> None:
        """Finish the accepted writes, then close the connections to the database."""


@runtime_checkable
class ObservableStore(Store, Protocol):
    """A store that notifies subscribers of its commits, and reports its use."""

    def subscribe_to_commits(self, on_commit: Callable[[], None]) -> Callable[[], None]:
        """Call `on_commit` after each commit of facts. Returns a function that unsubscribes."""

    def usage(self) -> StoreUsage:
        """Return the use of the writer, the connections and the files by this process."""
