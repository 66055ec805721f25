"""Errors of the ledger of effects, in Calltally's error tree."""

from calltally.calls.errors import Conflict
from calltally.client.errors import ClientError, InvalidArgument


class NotDone(Exception):
    """Exception for a block to declare that its effect certainly did not happen.

    Then the effect may run again, even under at-most-once. Any other exception leaves it uncertain.
    """


class NotAFinalState(InvalidArgument):
    """The event has no final state of a call, or does not identify the call."""

    slug = "not-a-final-state"
    title = "The event has no final state"


class WrongConnection(InvalidArgument):
    """The connection is not of sqlite3, apsw or psycopg, or is of the other kind (async or not)."""

    slug = "wrong-connection"
    title = "The connection cannot be used"


class TransactionOpen(ClientError, Conflict):
    """The connection has an open transaction, but a claim must be durable before its effect starts."""

    slug = "transaction-open"
    title = "A transaction is open"


class TransactionEnded(ClientError, Conflict):
    """The transaction ended inside the block, so claim and effect may not be in one transaction."""

    slug = "transaction-ended"
    title = "The transaction ended too early"


class Overtaken(ClientError, Conflict):
    """The lease expired and another process has the claim: the effect may have run twice."""

    slug = "overtaken"
    title = "Another process has claimed the effect"


class OtherPromise(ClientError, Conflict):
    """The effect of this call started outside the database, and is now requested inside a transaction."""

    slug = "other-promise"
    title = "The effect started with another promise"
