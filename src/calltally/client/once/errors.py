"""What the ledger of effects says when it cannot do as asked, in Calltally's tree."""

from calltally.calls.errors import Conflict, InvalidInput


class NotDone(Exception):
    """Raise it inside an effect to say: it certainly did not happen.

    Then it may be run again even where it was promised at most once. Any other exception leaves that open.
    """


class NotAFinalState(InvalidInput):
    """The event tells no final state of a call, or lacks what says of which call."""

    slug = "not-a-final-state"
    title = "The event tells no final state"


class WrongConnection(InvalidInput):
    """The connection is none of sqlite3, apsw or psycopg, or is of the other kind (async or not)."""

    slug = "wrong-connection"
    title = "The connection cannot be used"


class TransactionOpen(Conflict):
    """A claim must be durable before its effect begins, and the connection has a transaction open."""

    slug = "transaction-open"
    title = "A transaction is open"


class TransactionEnded(Conflict):
    """The block's transaction was ended inside the block: claim and effect may have been torn apart."""

    slug = "transaction-ended"
    title = "The transaction was ended too early"


class Overtaken(Conflict):
    """The lease ran out and the claim is another's by now: the effect may have been run twice."""

    slug = "overtaken"
    title = "Another has taken the effect"


class OtherPromise(Conflict):
    """The effect of this call was begun outside the database, and is now asked for inside a transaction."""

    slug = "other-promise"
    title = "The effect was begun in another way"
