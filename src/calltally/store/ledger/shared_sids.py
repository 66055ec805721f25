"""SIDs that more than one tenant has: the one question about calls that is asked across tenants.

Only an administrator may hear the answer: it would tell a tenant that another exists, and has this call.
"""

from calltally.store.db.operation import Statement, StoreOperation


def admin_sids_of_tenants(
    lo_us: int, hi_us: int, *, least_chars: int, most: int
) -> StoreOperation[list[tuple[str, list[str]]]]:
    """SIDs of `least_chars` and more under which several tenants have a call created in a window.

    With the tenants of each, by SID; every SID that leads to a call counts, not only the one that names it.
    """
    bounds = {"lo_us": lo_us, "hi_us": hi_us}
    rows = yield Statement("admin_sids_of_tenants", {**bounds, "least_chars": least_chars, "most": most})
    return [(call_sid, sorted(tenants.split())) for call_sid, tenants in rows]
