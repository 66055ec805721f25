"""The ledger of erasures: a file that survives crashes, and refuses erasures that it cannot record."""

from pathlib import Path

import pytest

from calltally.calls.errors import InvalidInput, Unavailable
from calltally.calls.identity import uuid_text
from calltally.store.maintenance.erasure_ledger import ErasureLedger, RecordedErasure

NODE = bytes(range(16))


def test_erasures_are_read_in_their_order(tmp_path: Path) -> None:
    ledger = ErasureLedger(tmp_path / "erasures")
    ledger.add_call("acme", [NODE], 1)
    ledger.add_tenant("globex", 2)
    found = [RecordedErasure("call", "acme", 1, [uuid_text(NODE)]), RecordedErasure("tenant", "globex", 2)]
    assert [(each.kind, each.tenant, each.at_us, list(each.ids)) for each in ledger.read()] == [
        (each.kind, each.tenant, each.at_us, list(each.ids)) for each in found
    ]
    assert ledger.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_last_line_is_no_erasure(tmp_path: Path, cut: int) -> None:
    ledger = ErasureLedger(tmp_path / "erasures")
    ledger.add_tenant("acme", 1)
    ledger.add_tenant("globex", 2)
    ledger.path.write_bytes(ledger.path.read_bytes()[:-cut])
    assert [each.tenant for each in ledger.read()] == ["acme"]
    ledger.add_tenant("initech", 3)
    assert [each.tenant for each in ledger.read()] == ["acme", "initech"]


def test_an_erasure_that_cannot_be_recorded_is_refused(tmp_path: Path) -> None:
    ledger = ErasureLedger(tmp_path / "missing" / "erasures")
    with pytest.raises(Unavailable, match="nothing was erased"):
        ledger.add_tenant("acme", 1)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "erasures"
    path.write_bytes(b"tenant,at\nacme,1\n")
    with pytest.raises(InvalidInput, match="cannot be read"):
        ErasureLedger(path).read()
