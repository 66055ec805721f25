"""Removal of a tenant: everything of it goes, in batches, and nothing of others."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from calltally.calls.errors import Conflict, NotFound
from calltally.store.backends.open import sqlite_path
from calltally.store.db.leases import Lease, claim
from calltally.store.maintenance.tenant_removal import (
    LAST_TABLES,
    SETTLE_US,
    TABLES,
    TenantRows,
    admin_removals,
    begin_removal,
    count_tenant_rows,
    finish_removal,
)
from calltally.store.tenants.api_keys import add_key, digest_of_key, find_key, mint_key
from calltally.store.tenants.routes import checked_route, put_route
from calltally.store.tenants.tenants import StoredReveal, add_tenant, admin_list_tenants, record_reveal
from calltally.store.tenants.vault import put_provider_secrets
from calltally.store.webhooks.endpoints import EndpointSettings, add_endpoint
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import Direct, direct, listed, submit, verdict
from tests.sample_facts import own

OTHER = "bolt"


def fill(bench: Bench, tenant: str) -> None:
    """Store calls with words and sessions, a merged call, and configuration."""
    random = Random(7)
    for number in range(40):
        status = random.choice(["ringing", "completed", "failed"])
        submit(
            bench,
            own(number, f"call-{number}", status=status, route="sales", summary="Booked a table."),
            tenant=tenant,
        )
    key = mint_key(tenant, ["calls:read"])
    write = bench.store.write
    for operation in (
        add_key(tenant, key, "", bench.now_us),
        put_route(tenant, checked_route("sales", ["100"]), bench.now_us),
        put_provider_secrets(tenant, "twilio", b"sealed", bench.now_us),
        add_endpoint(tenant, b"e" * 16, EndpointSettings("https://hooks.example.com"), b"sealed", 1),
        record_reveal(tenant, StoredReveal(1, key.key_id, b"c" * 16)),
        claim(Lease(tenant, "history", "worker"), now_us=1, until_us=2),
    ):
        bench.run(write(operation))


@contextmanager
def two_tenants(bench: Bench) -> Iterator[Direct]:
    bench.add_tenant(OTHER)
    fill(bench, TENANT)
    fill(bench, OTHER)
    with direct(bench.url) as db:
        yield db


def rows_of(db: Direct, tenant: str) -> dict[str, int]:
    counts = {
        table: db(f"SELECT count(*) FROM {table} WHERE tenant = ?", tenant)[0][0]
        for table in (*TABLES, *LAST_TABLES)
    }
    return {table: count for table, count in counts.items() if count}


def remove_rows(bench: Bench, most: int) -> list[int]:
    """Remove all rows in batches, and return the size of each."""
    rows, sizes = TenantRows(TENANT), []
    while rows.table is not None:
        sizes.append(bench.run(bench.store.write(rows.remove_batch(most))))
    return sizes


def tables_with_tenant(db: Direct, url: str) -> set[str]:
    if sqlite_path(url) is None:
        named = db("SELECT table_name::text FROM information_schema.columns WHERE column_name = 'tenant'")
        return {name for (name,) in named}
    tables = [name for (name,) in db("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    columns = {name: db(f"SELECT name FROM pragma_table_info('{name}')") for name in tables}
    return {name for name, of_table in columns.items() if ("tenant",) in of_table}


def test_every_table_with_a_tenant_is_removed(bench: Bench) -> None:
    with direct(bench.url) as db:
        assert tables_with_tenant(db, bench.url) == {*TABLES, *LAST_TABLES}


def test_removed_tenant_leaves_nothing_and_others_whole(bench: Bench) -> None:
    with two_tenants(bench) as db:
        before, others = rows_of(db, TENANT), rows_of(db, OTHER)
        counted = bench.run(bench.store.read(count_tenant_rows(TENANT), long=True))
        assert counted == {table: count for table, count in before.items() if table in TABLES}
        assert {"calls", "facts", "outbox", "call_texts", "counts", "quality", "reveals"} <= set(counted)
        bench.run(bench.store.write(begin_removal(TENANT, bench.now_us)))
        sizes = remove_rows(bench, 7)
        assert max(sizes) == 7
        bench.now_us += SETTLE_US
        assert bench.run(bench.store.write(finish_removal(TENANT, bench.now_us)))
        assert rows_of(db, TENANT) == {}
        assert rows_of(db, OTHER) == others
    assert len(listed(bench, OTHER)) == 40
    assert verdict(bench, OTHER).findings == []


def test_tenant_is_inaccessible_while_it_is_removed(bench: Bench) -> None:
    key = mint_key(TENANT, ["calls:read"])
    bench.run(bench.store.write(add_key(TENANT, key, "", bench.now_us)))
    for _ in range(2):
        bench.run(bench.store.write(begin_removal(TENANT, bench.now_us)))
    assert bench.run(bench.store.read(find_key(TENANT, digest_of_key(key.text)))) is None
    assert bench.run(bench.store.read(admin_list_tenants())) == []
    assert [each.tenant for each in bench.run(bench.store.read(admin_removals()))] == [TENANT]
    with pytest.raises(NotFound, match="there is no tenant"):
        submit(bench, own(1, "call-1"))
    with pytest.raises(NotFound, match="there is no tenant"):
        bench.run(bench.store.write(add_key(TENANT, mint_key(TENANT, ["calls:read"]), "", bench.now_us)))
    with pytest.raises(Conflict, match="is being removed"):
        bench.run(bench.store.write(add_tenant(TENANT, "", bench.now_us, "e")))
    # What is left can still be counted.
    assert bench.run(bench.store.read(count_tenant_rows(TENANT))) == {}


def test_removal_ends_only_when_rows_and_writers_are_gone(bench: Bench) -> None:
    submit(bench, own(1, "call-1", status="completed"))
    began_us = bench.now_us
    bench.run(bench.store.write(begin_removal(TENANT, began_us)))
    settled_us = began_us + SETTLE_US
    assert not bench.run(bench.store.write(finish_removal(TENANT, settled_us)))
    remove_rows(bench, 500)
    assert not bench.run(bench.store.write(finish_removal(TENANT, settled_us - 1)))
    assert bench.run(bench.store.write(finish_removal(TENANT, settled_us)))
    assert bench.run(bench.store.write(finish_removal(TENANT, settled_us)))


def test_interrupted_removal_is_continued_from_the_beginning(bench: Bench) -> None:
    with two_tenants(bench) as db:
        bench.run(bench.store.write(begin_removal(TENANT, bench.now_us)))
        rows = TenantRows(TENANT)
        for _ in range(3):
            assert bench.run(bench.store.write(rows.remove_batch(11))) == 11
        remove_rows(bench, 500)
        assert set(rows_of(db, TENANT)) == set(LAST_TABLES)


def test_same_id_begins_an_empty_ledger_with_another_epoch(bench: Bench) -> None:
    with two_tenants(bench) as db:
        [(epoch,)] = db("SELECT epoch FROM ledger_heads WHERE tenant = ?", TENANT)
        bench.run(bench.store.write(begin_removal(TENANT, bench.now_us)))
        remove_rows(bench, 500)
        bench.now_us += SETTLE_US
        bench.run(bench.store.write(finish_removal(TENANT, bench.now_us)))
        bench.add_tenant(TENANT)
        [(again,)] = db("SELECT epoch FROM ledger_heads WHERE tenant = ?", TENANT)
    assert again != epoch
    assert listed(bench) == []
    submit(bench, own(1, "call-1", status="completed"))
    assert len(listed(bench)) == 1
    assert verdict(bench, TENANT, OTHER).findings == []


def test_unknown_tenant_is_not_found(bench: Bench) -> None:
    for operation in (begin_removal("none", 1), count_tenant_rows("none")):
        with pytest.raises(NotFound, match="there is no tenant 'none'"):
            bench.run(bench.store.write(operation))
