"""Changes of the record by each fact, in the order of receipt."""

from msgspec.structs import replace

from calltally.calls.times import SECOND_US
from calltally.web.dashboard.call.fact_changes import MAX_FACTS, changes_by_fact
from tests.conftest import TENANT
from tests.sample_facts import START_US, fact


def test_a_late_fact_is_compared_with_the_record_that_it_found() -> None:
    ringing = replace(fact(0, status="ringing", route="support"), received_us=START_US + 2 * SECOND_US)
    done = replace(fact(10, status="completed", route="support"), received_us=START_US + SECOND_US)
    changes = changes_by_fact(TENANT, [ringing, done])
    assert changes is not None
    late, first = changes
    assert (first["status"], first["route"]) == ("completed", "support")
    assert "status" not in late
    assert "route" not in late
    # It is earlier, so that the call began earlier.
    assert late["created_at"] < first["created_at"]


def test_a_fact_that_states_nothing_new_changes_nothing() -> None:
    one = fact(0, status="completed", direction="inbound")
    again = replace(fact(0, status="completed", sequence=None), received_us=START_US + 1)
    changes = changes_by_fact(TENANT, [one, again])
    assert changes is not None
    first, second = changes
    assert first.keys() == {"status", "direction", "created_at", "ended_at", "end_reason"}
    assert second == {}


def test_too_many_facts_are_not_compared() -> None:
    assert changes_by_fact(TENANT, [fact(at, status="ringing") for at in range(MAX_FACTS + 1)]) is None
