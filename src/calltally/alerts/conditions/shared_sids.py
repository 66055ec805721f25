"""One SID told of by several tenants, or by several accounts of one: for administrators alone.

A provider gives each call a SID of its own, to one account. If two tenants have it, one of them is told of
calls that are not its own; if two accounts tell of it, a callback's address or a stored account is wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from calltally.calls.errors import DamagedStore, Erased
from calltally.calls.events import Fact
from calltally.calls.windows import Window
from calltally.store.db.interface import Store
from calltally.store.db.operation import Step
from calltally.store.ledger.lookup import find_call
from calltally.store.ledger.recent_facts import facts_of_created
from calltally.store.ledger.shared_sids import admin_sids_of_tenants

# A SID of a provider has 32 characters and more; a name that somebody made up may be anybody's.
_LEAST_CHARS: Final = 20
MAX_SIDS: Final = 100
# So many calls of each tenant are looked at for two accounts: their facts have to be read.
MAX_CALLS: Final = 2_000


class SharedCall(msgspec.Struct, frozen=True):
    """The call that one tenant has under a shared SID."""

    tenant: str
    id: str
    status: str
    direction: str | None
    created_at: str
    provider: str | None
    provider_account: str | None


class SharedSid(msgspec.Struct, frozen=True):
    """A SID, whose calls it leads to, and which accounts of one provider told of it, if several did."""

    call_sid: str
    calls: list[SharedCall]
    accounts: list[str]

    @property
    def tenants(self) -> list[str]:
        """Whose calls they are."""
        return [each.tenant for each in self.calls]


class _Seen(msgspec.Struct, frozen=True):
    id: str
    status: str
    created_at: str
    direction: str | None = None
    provider: str | None = None
    provider_account: str | None = None


_decoder: Final = msgspec.json.Decoder(_Seen)


async def shared_sids(store: Store, tenants: Sequence[str], window: Window) -> list[SharedSid]:
    """Of calls that were created in a window, by SID: the first `MOST_SIDS` that several tenants have.

    And those that several accounts told of, among the first `MOST_CALLS` calls of each tenant.
    """
    by_tenants = admin_sids_of_tenants(*window, least_chars=_LEAST_CHARS, most=MAX_SIDS)
    whose = dict(await store.read(by_tenants, long=True))
    accounts: dict[str, list[str]] = {}
    for tenant in tenants:
        found = await store.read(_told_by_accounts(tenant, window), long=True)
        for call_sid, those in found.items():
            accounts[call_sid] = sorted({*accounts.get(call_sid, ()), *those})
            if tenant not in whose.setdefault(call_sid, []):
                whose[call_sid].append(tenant)
    return [await _shared(store, call_sid, whose[call_sid], accounts) for call_sid in sorted(whose)]


async def _shared(
    store: Store, call_sid: str, tenants: Iterable[str], accounts: Mapping[str, list[str]]
) -> SharedSid:
    calls = [await store.read(_call(tenant, call_sid)) for tenant in tenants]
    return SharedSid(call_sid, [each for each in calls if each is not None], accounts.get(call_sid, []))


def _told_by_accounts(tenant: str, window: Window) -> Step[dict[str, list[str]]]:
    facts = yield from facts_of_created(tenant, [window], MAX_CALLS)
    return accounts_by_sid(facts)


def accounts_by_sid(facts: Iterable[Fact]) -> dict[str, list[str]]:
    """The SIDs of which several accounts of one provider told, with those accounts."""
    by_provider: dict[tuple[str, str], set[str]] = {}
    for fact in facts:
        if fact.account:
            by_provider.setdefault((fact.call_sid, fact.provider), set()).add(fact.account)
    return {call_sid: sorted(those) for (call_sid, _), those in by_provider.items() if len(those) > 1}


def _call(tenant: str, call_sid: str) -> Step[SharedCall | None]:
    """None where it was erased, or merged, since it was looked for."""
    try:
        record = yield from find_call(tenant, call_sid)
    except Erased:
        return None
    return None if record is None else _read(tenant, record)


def _read(tenant: str, record: bytes) -> SharedCall:
    try:
        seen: dict[str, Any] = msgspec.structs.asdict(_decoder.decode(record))
    except msgspec.DecodeError as fault:
        raise DamagedStore(f"a stored record is no call: {fault}; run `calltally verify`") from fault
    return SharedCall(tenant, **seen)
