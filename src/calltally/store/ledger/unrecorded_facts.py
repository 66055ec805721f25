"""Look-up of recorded facts, so that a repeated import reads and writes nothing."""

from collections.abc import Sequence
from typing import Final

from calltally.calls.identity import call_uuid
from calltally.store.db.interface import Submission
from calltally.store.db.operation import ParamsTable, StatementMany, StoreOperation
from calltally.store.ledger.linked_calls import FactKey

_NODE: Final = ("tenant", "node")


def unknown_facts(tenant: str, submissions: Sequence[Submission]) -> StoreOperation[list[Submission]]:
    """Return the submissions whose facts are not recorded, in the order given."""
    keys = [_key(submission) for submission in submissions]
    nodes = {node for node, _key in keys}
    rows = yield StatementMany("keys_of_nodes", ParamsTable(_NODE, [(tenant, node) for node in nodes]))
    recorded = {(row[0], row[1]) for row in rows}
    return [each for each, key in zip(submissions, keys, strict=True) if key not in recorded]


def _key(submission: Submission) -> FactKey:
    tenant, fact, _announce, ready = submission
    return call_uuid(tenant, fact.call_sid), ready.key if ready else fact.key
