"""How a process uses PostgreSQL. Apart from the store itself, which not everybody loads."""

from typing import Final, NamedTuple, Protocol

CONNECTIONS: Final = 8


class Heads(Protocol):
    """The last revision of each tenant's ledger that processes beside this one committed."""

    def get(self, key: str) -> float:
        """That of a tenant, 0 where none is known."""
        ...

    def put(self, key: str, number: float) -> None:
        """Tell the others."""
        ...


class PostgresOptions(NamedTuple):
    """How many connections a process makes, and from where it may read.

    At most `connections` read and one more writes; as many again read from the replica at `read_url`.
    """

    connections: int = CONNECTIONS
    read_url: str | None = None
    heads: Heads | None = None


DEFAULTS: Final = PostgresOptions()
