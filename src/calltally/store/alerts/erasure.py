"""What alerts say of single calls goes with those calls.

Some findings name SIDs: of calls without a final state, of callbacks that are late, of a SID that was told of
two calls. An erased call leaves nothing that names it, so these go out of what is stored; the numbers stay,
as they do in roll-ups. Of `content` no more is known here than where SIDs stand in it.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from calltally.calls.errors import DamagedStore
from calltally.calls.identity import call_uuid
from calltally.store.db.operation import Statement, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import ERASED

_LISTED: Final = "call_sid"


def forget_in_alerts(tenant: str, nodes: Collection[bytes]) -> StoreOperation[None]:
    """Have no alert name the calls of these nodes; linear in the alerts that name any."""
    for alert, content in (yield Statement("alerts_with_sids", {"tenant": tenant})):
        left = without_calls(tenant, content, nodes)
        if left is not None:
            yield Statement("set_alert_content", {"tenant": tenant, "alert": alert, "content": left})


def erased_among(tenant: str, sids: Sequence[str]) -> StoreOperation[set[bytes]]:
    """The nodes of those SIDs whose calls were erased. The tenant's head is locked."""
    if not sids:
        return set()
    nodes = [call_uuid(tenant, sid) for sid in sids]
    rows = yield StatementMany("identities_of_nodes", [{"tenant": tenant, "node": node} for node in nodes])
    return {row[1] for row in rows if row[3] == ERASED}


def without_calls(tenant: str, content: bytes, nodes: Collection[bytes]) -> bytes | None:
    """The content of an alert without the SIDs of these nodes; None where it has none of them."""
    try:
        said: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError as fault:
        message = "an alert's content cannot be read; restore it from a backup"
        raise DamagedStore(message) from fault
    finding: dict[str, Any] = said["finding"]
    sids, listed = finding.get("sids", []), finding.get("listed", {})
    gone = [sid for sid in {*sids, *_named(listed)} if call_uuid(tenant, sid) in nodes]
    if not gone:
        return None
    finding["sids"] = [sid for sid in sids if sid not in gone]
    finding["listed"] = {name: each for name, each in listed.items() if name != _LISTED or each not in gone}
    finding["detail"] = _unsaid(finding["detail"], gone)
    return msgspec.json.encode({**said, "message": _unsaid(said["message"], gone)})


def _named(listed: dict[str, str]) -> list[str]:
    return [listed[_LISTED]] if _LISTED in listed else []


def _unsaid(text: str, gone: Sequence[str]) -> str:
    """A sentence names a SID behind that word, and nowhere else."""
    for sid in gone:
        text = text.replace(f"SID {sid} ", "SID of an erased call ")
    return text
