"""Erasures that were made after a backup, applied to its restored copy."""

from collections.abc import Sequence
from typing import Final

from calltally.calls.identity import parse_uuid
from calltally.store.db.interface import Store
from calltally.store.maintenance.erasure import erase_nodes
from calltally.store.maintenance.erasure_ledger import RecordedErasure
from calltally.store.maintenance.tenant_removal import SETTLE_US, TenantRows, begin_removal, finish_removal
from calltally.store.tenants.tenants import admin_list_tenants

# Nothing else uses the copy yet.
_BATCH: Final = 5_000


async def apply_erasures(store: Store, erasures: Sequence[RecordedErasure], now_us: int) -> int:
    """Apply the erasures that the copy lacks, and return their number.

    An erasure from before the creation of a tenant belongs to a former tenant of that name.
    """
    created_us = {each.tenant: each.created_us for each in await store.read(admin_list_tenants())}
    applied = 0
    for each in erasures:
        if each.at_us < created_us.get(each.tenant, each.at_us + 1):
            continue
        if each.kind == "tenant":
            del created_us[each.tenant]
            await _remove_tenant(store, each)
            applied += 1
        else:
            nodes = [node for node in map(parse_uuid, each.ids) if node is not None]
            applied += await store.write(erase_nodes(each.tenant, nodes, now_us))
    return applied


async def _remove_tenant(store: Store, erasure: RecordedErasure) -> None:
    """Remove a tenant with its rows. No process has cached keys for the copy, so there is no wait."""
    await store.write(begin_removal(erasure.tenant, erasure.at_us))
    rows = TenantRows(erasure.tenant)
    while rows.table is not None:
        await store.write(rows.remove_batch(_BATCH))
    await store.write(finish_removal(erasure.tenant, erasure.at_us + SETTLE_US))
