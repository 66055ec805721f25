"""Facts that an export reads from records, and its search for calls that were erased since."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.errors import Misconfigured
from calltally.exports.rows import ID_BYTES, contains_any, facts_of, key_of, same_key
from calltally.store.jobs.folders import JobFolder, JobFolders
from calltally.store.listing.refold_as_of import erased_document

IDS = st.binary(min_size=16, max_size=16)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def record(call_id: bytes, status: str, day: str, text: str) -> bytes:
    """Return a record sealed like the ledger's, with foreign text before and after the fields of interest."""
    digits = call_id.hex()
    hyphenated = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    head = {"id": hyphenated, "call_sid": text, "direction": "inbound", "status": status, "summary": text}
    behind = {
        "created_at": f"{day}T00:00:00.000000Z",
        "metadata": {"status": text, "created_at": text, "erased": True},
    }
    return msgspec.json.encode({**head, **behind})


@given(st.lists(st.tuples(IDS, st.sampled_from(["completed", "busy"]), TEXT), min_size=1, max_size=5))
def test_each_record_is_counted_and_its_id_stored(facts: list[tuple[bytes, str, str]]) -> None:
    records = b"\n".join(record(call_id, status, "2026-10-01", text) for call_id, status, text in facts)
    found = facts_of(records)
    assert sorted(found.by_status.elements()) == sorted(status for _, status, _ in facts)
    assert found.ids == b"".join(call_id[:ID_BYTES] for call_id, _, _ in facts)


def test_erased_record_leaves_no_id() -> None:
    found = facts_of(erased_document(bytes(16), 0))
    assert (dict(found.by_status), found.ids) == ({"erased": 1}, b"")


@given(TEXT, st.lists(st.sampled_from(["2026-10-01", "2026-10-02", "2026-11-01"]), min_size=1, max_size=6))
def test_records_are_split_at_day_or_month(text: str, days: list[str]) -> None:
    days = sorted(days)
    each = [record(bytes(16), "busy", day, text) for day in days]
    records = b"\n".join(each)
    for chars in (7, 10):
        key = key_of(each[0], chars)
        assert key == days[0][:chars]
        assert same_key(records, key) == b"\n".join(
            one for one, day in zip(each, days, strict=True) if day.startswith(key)
        )
    assert same_key(records, "") == records


@given(st.sets(IDS, max_size=8), st.sets(IDS, max_size=4), st.binary(max_size=7))
def test_erased_call_is_found_in_file_of_ids(
    tmp_path_factory: pytest.TempPathFactory, written: set[bytes], erased: set[bytes], torn: bytes
) -> None:
    folder = JobFolder(tmp_path_factory.mktemp("ids"))
    folder.path_of("0.ids").write_bytes(b"".join(each[:ID_BYTES] for each in written) + torn)
    shared = {each[:ID_BYTES] for each in written} & {each[:ID_BYTES] for each in erased}
    assert contains_any(folder, "0.ids", erased) is bool(shared)


def test_missing_file_of_ids_counts_as_containing_call(tmp_path: Path) -> None:
    folder = JobFolders(tmp_path).of("acme", bytes(16))
    assert contains_any(folder, "0.ids", {bytes(16)})
    assert not contains_any(folder, "0.ids", set())


def test_disk_error_is_reported_without_path(tmp_path: Path) -> None:
    folder = JobFolders(tmp_path / "files").of("acme", bytes(16))
    with pytest.raises(Misconfigured, match="No such file") as refused:
        folder.write_at("calls.csv", 0, b"x")
    assert str(tmp_path) not in refused.value.detail
    folder.make()
    folder.cut("calls.csv", 0)
    folder.write_at("calls.csv", 3, b"x")
    assert folder.size_of("calls.csv") == 4
    modes = [folder.path_of(name).stat().st_mode & 0o777 for name in ("calls.csv", "", "..", "../..")]
    assert modes == [0o600, 0o700, 0o700, 0o700]
    assert not folder.rename("other", "calls.csv")
    folder.remove(folder.names())
    assert folder.size_of("calls.csv") == 0
    folder.remove_all()
    folder.remove_all()
