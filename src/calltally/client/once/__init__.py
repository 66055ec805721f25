"""Run an effect once for each final state of a call, at whoever receives the events.

The ledger lies in the receiver's own SQLite or PostgreSQL and is handed the receiver's own connection: of
sqlite3, apsw or psycopg 3 (`aio` has the same for psycopg's AsyncConnection). `install` makes its tables.
Then, for each event:

- `same_transaction`: the effect is in the same database. Exactly once.
- `at_least_once`, `at_most_once`: the effect is anywhere else, such as an e-mail. A process may die after the
  effect and before it could say so; then nobody knows, and you choose which of the two errors you can live
  with.

An effect is known by tenant, call, final state and its own name, so that a repeat of the event, its
redelivery under another id and a reconciliation run do not run it again. A corrected final state is another
one, and the block is told what it corrects.
"""

from calltally.client.once.arguments import Clock
from calltally.client.once.blocks import (
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
from calltally.client.once.decision import Corrected, Outcome, Progress, Promise, Turn
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

__all__ = [
    "SCHEMA",
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
    "Turn",
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
