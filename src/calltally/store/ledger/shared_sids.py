"""SIDs of more than one tenant: the only query of calls across tenants.

Only an administrator may read the answer: it reveals to a tenant that another tenant exists and has the call.
"""

from calltally.store.db.operation import Statement, StoreOperation


def admin_sids_of_tenants(
    lo_us: int, hi_us: int, *, least_chars: int, most: int
) -> StoreOperation[list[tuple[str, list[str]]]]:
    """Return SIDs of at least `least_chars` with calls of several tenants in a window, and their tenants.

    Every SID of a call counts, not only the canonical one.
    """
    bounds = {"lo_us": lo_us, "hi_us": hi_us}
    rows = yield Statement("admin_sids_of_tenants", {**bounds, "least_chars": least_chars, "most": most})
    return [(call_sid, sorted(tenants.split())) for call_sid, tenants in rows]
