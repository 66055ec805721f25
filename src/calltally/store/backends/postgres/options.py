"""Options of the PostgreSQL store, in a module of their own, since SQLite users do not load that store."""

from typing import Final, NamedTuple, Protocol

CONNECTIONS: Final = 8


class SharedRevisions(Protocol):
    """Last revision of each tenant's ledger that any process of this service committed."""

    def get(self, key: str) -> float:
        """Return the revision of a tenant, 0 if there is none."""

    def put(self, key: str, number: float) -> None:
        """Publish a revision to the other processes."""


class PostgresOptions(NamedTuple):
    """Number of connections of a process, and its read replica.

    At most `connections` read from the primary, one more writes, and `connections` read from the replica.
    """

    connections: int = CONNECTIONS
    read_url: str | None = None
    shared_revisions: SharedRevisions | None = None


DEFAULTS: Final = PostgresOptions()
