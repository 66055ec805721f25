"""Damaged stored data: 500 `damaged-store`, and never a page that is no JSON."""

import json
from collections.abc import Callable

import pytest

from tests.conftest import TENANT, Bench
from tests.integration.store.probing import direct, submit
from tests.integration.web.service import LIST, Service, slug
from tests.sample_facts import fact

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "zeros": lambda record: record[:40] + bytes(40) + record[80:],
    "other bytes": lambda record: record[:40] + b"\xff" * 40 + record[80:],
    "nothing after some bytes": lambda record: record[:100],
    "a text that is not closed": lambda record: record.replace(b'",', b",", 1),
    "zeros within a text": lambda record: record.replace(b"CA1", bytes(3)),
}
PATHS = [
    LIST,
    f"{LIST}?order=asc&offset=1",
    f"{LIST}?updated_from=2020-01-01T00:00:00Z",
    f"{LIST}/CA1",
    "/api/v1/changes",
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_record_is_a_problem_document(bench: Bench, damage: str) -> None:
    service = Service(bench)
    submit(bench, *(fact(at, f"CA{at}") for at in range(3)))
    whole = [service.get(path) for path in PATHS]
    with direct(bench.url) as db:
        for record, sid in db("SELECT record, call_sid FROM calls WHERE tenant = ?", TENANT):
            if sid == "CA1":
                changed = DAMAGE[damage](bytes(record))
                assert changed != bytes(record)
                db("UPDATE calls SET record = ? WHERE tenant = ? AND call_sid = ?", changed, TENANT, sid)
    for path, before in zip(PATHS, whole, strict=True):
        assert before.status_code == 200, path
        answer = service.get(path)
        assert (answer.status_code, slug(answer)) == (500, "damaged-store"), path
        json.loads(answer.content)
