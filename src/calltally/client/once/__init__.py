"""Run an effect once for each final state of a call, in the service that receives the events.

The ledger is in the receiver's own SQLite or PostgreSQL database, and uses the receiver's own connection of
sqlite3, apsw or psycopg 3 (`aio` is for psycopg's AsyncConnection). `install` creates its tables. For each
event, use one of:

- `same_transaction`: the effect is in the same database, and runs exactly once.
- `at_least_once`, `at_most_once`: the effect is outside the database, such as an e-mail. If a process dies
  after the effect and before it records it, nobody knows whether the effect happened. Choose between a
  possible second run and a possible omission.

Tenant, call, final state and name identify an effect. So a repeated event, its redelivery under another id
and a reconciliation run do not run it again. A corrected final state is a new one, and the block receives the
state that it corrects.
"""

from calltally.client.once.blocks import Clock
from calltally.client.once.decision import Claim, Corrected, Outcome, Progress, Promise
from calltally.client.once.errors import (
    NotAFinalState,
    NotDone,
    OtherPromise,
    Overtaken,
    TransactionEnded,
    TransactionOpen,
    WrongConnection,
)
from calltally.client.once.final_state import FinalState, final_state
from calltally.client.once.queries import Entry, Received
from calltally.client.once.statements import SCHEMA
from calltally.client.once.sync import (
    at_least_once,
    at_most_once,
    entries,
    events,
    extend,
    install,
    same_transaction,
    settle,
    unfinished,
)

__all__ = [
    "SCHEMA",
    "Claim",
    "Clock",
    "Corrected",
    "Entry",
    "FinalState",
    "NotAFinalState",
    "NotDone",
    "OtherPromise",
    "Outcome",
    "Overtaken",
    "Progress",
    "Promise",
    "Received",
    "TransactionEnded",
    "TransactionOpen",
    "WrongConnection",
    "at_least_once",
    "at_most_once",
    "entries",
    "events",
    "extend",
    "final_state",
    "install",
    "same_transaction",
    "settle",
    "unfinished",
]
