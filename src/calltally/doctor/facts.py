"""Facts that the checks judge. What does not exist here, or cannot be measured, is None or empty."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Disk(NamedTuple):
    """Free space of the disk of a folder."""

    folder: str
    free_bytes: int


class OpenFile(NamedTuple):
    """A file or folder that users other than its owner may use, with its permissions."""

    path: str
    mode: int


class ConnectionLimits(NamedTuple):
    """Connections that PostgreSQL accepts, those that others use, and those that this node may open."""

    accepted: int
    in_use: int
    by_node: int


class ProviderContact(NamedTuple):
    """A provider whose secrets are stored: the time of its last callback, and failures of a day."""

    tenant: str
    provider: str
    received_us: int | None = None
    wrong_signatures: int = 0

    @property
    def name(self) -> str:
        return f"{self.provider} (tenant {self.tenant})"


class Growth(NamedTuple):
    """Size of the database, and its calls: all, and those created in the last week."""

    bytes: int
    calls: int
    calls_of_week: int

    @property
    def bytes_a_day(self) -> float:
        """Growth by the calls of the last week, without what retention removes."""
        return self.bytes / self.calls * self.calls_of_week / 7 if self.calls else 0.0


class Facts(NamedTuple):
    """Facts of one moment. `other_clocks` are by name, in microseconds UTC like `now_us`."""

    now_us: int
    database: str
    other_clocks: Mapping[str, int] = {}
    disks: Sequence[Disk] = ()
    wal_bytes: int | None = None
    open_files: Sequence[OpenFile] = ()
    schema_fault: str | None = None
    tenants_to_refold: Sequence[str] = ()
    missing_indexes: Mapping[str, str] = {}
    tables_without_rights: Sequence[str] = ()
    write_fault: str | None = None
    missing_worker: str | None = None
    connections: ConnectionLimits | None = None
    public_url: str | None = None
    providers: Sequence[ProviderContact] = ()
    secret_faults: Sequence[str] = ()
    growth: Growth | None = None
