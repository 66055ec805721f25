"""Erasure of the SIDs of erased calls from alerts.

Some findings name SIDs: of calls without a final state, of late callbacks, of a SID used by two calls.
Nothing may name an erased call, so its SIDs are removed from stored alerts; counts stay, as in roll-ups. This
module knows only the positions of SIDs in `content`.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.identity import call_uuid
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import ERASED

_LISTED: Final = "call_sid"


def erase_calls_from_alerts(tenant: str, nodes: Collection[bytes]) -> StoreOperation[None]:
    """Remove the calls of these nodes from all alerts; linear in the alerts that name any call."""
    for alert, content in (yield Statement("alerts_with_sids", {"tenant": tenant})):
        left = without_calls(tenant, content, nodes)
        if left is not None:
            yield Statement("set_alert_content", {"tenant": tenant, "alert": alert, "content": left})


def erased_among(tenant: str, sids: Sequence[str]) -> StoreOperation[set[bytes]]:
    """Return the nodes of the SIDs whose calls were erased. The caller holds the tenant's head lock."""
    if not sids:
        return set()
    nodes = [call_uuid(tenant, sid) for sid in sids]
    rows = yield StatementMany("identities_of_nodes", [{"tenant": tenant, "node": node} for node in nodes])
    return {row[1] for row in rows if row[3] == ERASED}


def without_calls(tenant: str, content: bytes, nodes: Collection[bytes]) -> bytes | None:
    """Return the content of an alert without the SIDs of these nodes; None if it has none of them."""
    try:
        decoded: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError as fault:
        message = "an alert's content cannot be read; restore it from a backup"
        raise DamagedStore(message) from fault
    finding: dict[str, Any] = decoded["finding"]
    sids, listed = finding.get("sids", []), finding.get("listed", {})
    named = {*sids, listed[_LISTED]} if _LISTED in listed else {*sids}
    gone = [sid for sid in named if call_uuid(tenant, sid) in nodes]
    if not gone:
        return None
    finding["sids"] = [sid for sid in sids if sid not in gone]
    finding["listed"] = {name: each for name, each in listed.items() if name != _LISTED or each not in gone}
    finding["detail"] = _without_sids(finding["detail"], gone)
    return msgspec.json.encode({**decoded, "message": _without_sids(decoded["message"], gone)})


def _without_sids(text: str, gone: Sequence[str]) -> str:
    """Replace SIDs in a message, which names them after the word SID and nowhere else."""
    for sid in gone:
        text = text.replace(f"SID {sid} ", "SID of an erased call ")
    return text
