"""Translation of PostgreSQL errors: those of the database, and those of the request."""

import psycopg
import pytest

from calltally.calls.errors import Misconfigured, Unavailable
from calltally.store.backends.postgres.store import ERROR_TRANSLATION


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (psycopg.OperationalError, Unavailable),
        (psycopg.errors.AdminShutdown, Unavailable),
        (psycopg.errors.UndefinedTable, Misconfigured),
        (psycopg.errors.ProgramLimitExceeded, psycopg.errors.ProgramLimitExceeded),
    ],
)
def test_error_is_translated(raised: type[Exception], told: type[Exception]) -> None:
    with pytest.raises(told), ERROR_TRANSLATION:
        raise raised
