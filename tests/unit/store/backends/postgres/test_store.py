"""Translation of PostgreSQL errors: those of the database, and those of the request."""

import psycopg
import pytest

from calltally.calls.errors import Misconfigured, Unavailable
from calltally.store.backends.postgres.store import database_address, error_translation

URL = "postgresql://user:hush@db.example.com:5433/calls"


@pytest.mark.parametrize(
    ("raised", "reported"),
    [
        (psycopg.OperationalError, Unavailable),
        (psycopg.errors.AdminShutdown, Unavailable),
        (psycopg.errors.UndefinedTable, Misconfigured),
        (psycopg.errors.ProgramLimitExceeded, psycopg.errors.ProgramLimitExceeded),
    ],
)
def test_error_is_translated(raised: type[Exception], reported: type[Exception]) -> None:
    with pytest.raises(reported), error_translation(URL):
        raise raised


def test_unavailable_database_is_named_with_the_cause_and_without_the_password() -> None:
    with pytest.raises(Unavailable) as refused, error_translation(URL):
        raise psycopg.OperationalError("connection failed:\n\tConnection refused\n")
    assert refused.value.detail.startswith(
        "the database db.example.com:5433/calls cannot answer now (connection failed: Connection refused);"
    )
    assert "hush" not in refused.value.detail


def test_refusal_that_a_repeat_does_not_change_has_its_own_advice() -> None:
    with pytest.raises(Unavailable) as refused, error_translation(URL):
        raise psycopg.OperationalError('connection failed: FATAL:  database "calls" does not exist')
    assert refused.value.detail.endswith(
        "create the database and its user, or correct CALLTALLY_DATABASE_URL"
    )


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (URL, "db.example.com:5433/calls"),
        ("postgresql://u@h1:1,h2:2/n?password=hush", "h1:1,h2:2/n"),
        ("postgresql:///n?host=/run/postgresql", "of this machine/n"),
    ],
)
def test_address_of_a_database(url: str, address: str) -> None:
    assert database_address(url) == address
