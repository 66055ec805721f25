"""SIDs that several tenants share, or several accounts of one tenant; for administrators only.

A provider gives each call a SID of its own, in one account. If two tenants have it, one of them receives
calls that are not its own. If two accounts report it, a callback's address or a stored account is wrong.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from calltally.calls.errors import DamagedStore, Erased
from calltally.calls.events import Fact
from calltally.calls.model import DIRECTIONS, STATUSES
from calltally.calls.windows import TimeWindow
from calltally.calls.wire_types import Timestamp, UuidText
from calltally.store.db.interface import Store
from calltally.store.db.operation import StoreOperation
from calltally.store.ledger.fact_queries import admin_sids_of_tenants, facts_of_created
from calltally.store.ledger.lookup import find_call

# A provider's SID has 32 characters or more; a shorter, invented name may occur anywhere.
_MIN_CHARS: Final = 20
MAX_SIDS: Final = 100
# Limit of the calls per tenant whose facts are read in search of two accounts.
MAX_CALLS: Final = 2_000


_Status = Annotated[str, Meta(extra_json_schema={"enum": list(STATUSES)})]
_Direction = Annotated[str, Meta(extra_json_schema={"enum": list(DIRECTIONS)})]


class SharedCall(msgspec.Struct, frozen=True):
    """The call of one tenant under a shared SID."""

    tenant: str
    id: UuidText
    status: _Status
    direction: _Direction | None
    created_at: Timestamp
    provider: str | None
    provider_account: str | None


class SharedSid(msgspec.Struct, frozen=True):
    """A SID with its calls, and with the accounts of one provider that reported it, if there are several."""

    call_sid: str
    calls: list[SharedCall]
    accounts: list[str]

    @property
    def tenants(self) -> list[str]:
        return [each.tenant for each in self.calls]


class _CallFields(msgspec.Struct, frozen=True):
    id: str
    status: str
    created_at: str
    direction: str | None = None
    provider: str | None = None
    provider_account: str | None = None


_decoder: Final = msgspec.json.Decoder(_CallFields)


async def shared_sids(store: Store, tenants: Sequence[str], window: TimeWindow) -> list[SharedSid]:
    """Return the first `MAX_SIDS` SIDs of a window's calls that several tenants have.

    Also return those that several accounts reported, among the first `MAX_CALLS` calls of each tenant.
    """
    by_tenants = admin_sids_of_tenants(*window, least_chars=_MIN_CHARS, most=MAX_SIDS)
    tenants_by_sid = dict(await store.read(by_tenants, long=True))
    accounts: dict[str, list[str]] = {}
    for tenant in tenants:
        facts = await store.read(facts_of_created(tenant, [window], MAX_CALLS), long=True)
        for call_sid, sid_accounts in accounts_by_sid(facts).items():
            accounts[call_sid] = sorted({*accounts.get(call_sid, ()), *sid_accounts})
            if tenant not in tenants_by_sid.setdefault(call_sid, []):
                tenants_by_sid[call_sid].append(tenant)
    shared = []
    for call_sid, sid_tenants in sorted(tenants_by_sid.items()):
        calls = [await store.read(_find_shared_call(tenant, call_sid)) for tenant in sid_tenants]
        shared.append(SharedSid(call_sid, [each for each in calls if each], accounts.get(call_sid, [])))
    return shared


def accounts_by_sid(facts: Iterable[Fact]) -> dict[str, list[str]]:
    """Return the SIDs that several accounts of one provider reported, with those accounts."""
    by_provider: dict[tuple[str, str], set[str]] = {}
    for fact in facts:
        if fact.account:
            by_provider.setdefault((fact.call_sid, fact.provider), set()).add(fact.account)
    return {
        call_sid: sorted(sid_accounts)
        for (call_sid, _), sid_accounts in by_provider.items()
        if len(sid_accounts) > 1
    }


def _find_shared_call(tenant: str, call_sid: str) -> StoreOperation[SharedCall | None]:
    """Return the tenant's call; None if it was erased or merged meanwhile."""
    try:
        record = yield from find_call(tenant, call_sid)
    except Erased:
        return None
    if record is None:
        return None
    try:
        return SharedCall(tenant, **msgspec.structs.asdict(_decoder.decode(record)))
    except msgspec.DecodeError as fault:
        raise DamagedStore(
            f"a stored call cannot be read ({fault}); find it with `calltally verify`"
        ) from fault
