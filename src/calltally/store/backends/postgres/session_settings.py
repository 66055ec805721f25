"""Settings of each connection to PostgreSQL: statement and lock timeout, planner, durability, network."""

from collections.abc import Mapping
from typing import Any, Final

from calltally.store.backends.postgres.wire import BoundStatement

STATEMENT_TIMEOUT_S: Final = 30
# The server ends a connection that is silent within a transaction, and so releases the locks of a node that
# is frozen or cut off. Other nodes wait for locks a little longer, so they commit after that.
IDLE_IN_TRANSACTION_S: Final = 5
LOCK_TIMEOUT_S: Final = 7
TRANSACTION_TIMEOUT_S: Final = 300
# A commit of facts, with its wait for locks and for a connection. Providers give up after 10 to 15 s.
COMMIT_TIMEOUT_S: Final = 8.5
# The server aborts a statement itself at its timeout. A server that is silent for longer is lost.
RESPONSE_TIMEOUT_S: Final = STATEMENT_TIMEOUT_S + 5.0
CONNECT_S: Final = 10
# A server that vanishes is detected within 10 s, or within 3 s of its return. The URL may override these.
NETWORK_SETTINGS: Final[Mapping[str, Any]] = {
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "calltally",
}
# Our statements are written for one generic plan, and planning takes longer than running it (Citus plans for
# values or not at all). The plan uses an index even if it is made while the table is empty, because it stays
# while the table grows. Statements of half a millisecond are not worth JIT compilation. An acknowledged write
# is on the disk even where the database is configured with synchronous_commit off: every other level waits
# for that, and stronger levels for more. Transactions are read-only by default, on one state of the database.
# The network settings are those of the server's side; only Linux has all of them. Releases before 17 have no
# timeout of transactions.
_SETTINGS: Final = """
SELECT set_config(name, value, false) FROM (VALUES
    ('statement_timeout', %(statement)b::text), ('lock_timeout', %(lock)b::text),
    ('enable_seqscan', 'off'), ('jit', 'off'),
    ('default_transaction_isolation', 'repeatable read'), ('default_transaction_read_only', 'on'),
    ('plan_cache_mode', CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN 'auto'
        ELSE 'force_generic_plan' END),
    ('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
        ELSE current_setting('synchronous_commit') END),
    ('idle_in_transaction_session_timeout', %(idle)b::text), ('transaction_timeout', %(transaction)b::text),
    ('tcp_keepalives_idle', '3'), ('tcp_keepalives_interval', '2'), ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', CASE WHEN version() LIKE '%%linux%%' THEN '10s' ELSE '0' END),
    ('client_connection_check_interval', CASE WHEN version() LIKE '%%linux%%' THEN '2s' ELSE '0' END)
) AS wanted (name, value) WHERE current_setting(name, true) IS NOT NULL
"""
SET_SESSION: Final = BoundStatement(
    _SETTINGS,
    {
        "statement": f"{STATEMENT_TIMEOUT_S}s",
        "lock": f"{LOCK_TIMEOUT_S}s",
        "idle": f"{IDLE_IN_TRANSACTION_S}s",
        "transaction": f"{TRANSACTION_TIMEOUT_S}s",
    },
)
# Statements whose cost grows with the data are planned for their values, and may take an hour.
LONG_READ_TIMEOUT_S: Final = 3_600.0
LONG_READ_SETTINGS: Final = (
    BoundStatement("SET LOCAL statement_timeout = '1h'", {}),
    BoundStatement(
        "SELECT set_config('transaction_timeout', '0', true)"
        " WHERE current_setting('transaction_timeout', true) IS NOT NULL",
        {},
    ),
    BoundStatement("SET LOCAL plan_cache_mode = auto", {}),
    BoundStatement("SET LOCAL enable_seqscan = on", {}),
)
