"""Side at fault for failed calls, by the tables of SIP, Q.850 and RFC 3398."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltally.calls.failure_causes import (
    FailureCause,
    FaultSide,
    cause_of_sip,
    fault_side_of,
    fault_side_of_end,
    is_provider_failure,
    is_rejected,
    sip_of_cause,
)
from calltally.calls.model import STATUSES, Status

OF_PROVIDER_OR_NETWORK = {FaultSide.PROVIDER, FaultSide.NETWORK}


@pytest.mark.parametrize(
    ("hangup_cause", "sip_code"),
    [
        *((1, 404), (17, 486), (18, 408), (19, 480), (20, 480), (21, 403), (27, 502)),
        *((34, 503), (38, 503), (41, 503), (42, 503), (16, None), (99, None)),
    ],
)
def test_cause_maps_to_response_of_rfc_3398(hangup_cause: int, sip_code: int | None) -> None:
    assert sip_of_cause(hangup_cause) == sip_code


@pytest.mark.parametrize(
    ("sip_code", "hangup_cause"),
    [(404, 1), (486, 17), (480, 18), (503, 41), (502, 38), (603, 21), (499, 31), (487, None), (200, None)],
)
def test_response_maps_to_cause_of_rfc_3398(sip_code: int, hangup_cause: int | None) -> None:
    assert cause_of_sip(sip_code) == hangup_cause


@pytest.mark.parametrize("sip_code", range(500, 600))
def test_every_server_failure_is_the_providers(sip_code: int) -> None:
    assert is_provider_failure(Status.FAILED, FailureCause(sip_code=sip_code))


@pytest.mark.parametrize("hangup_cause", [34, 38, 41, 42, 27])
def test_causes_of_the_definition_are_provider_failures(hangup_cause: int) -> None:
    assert is_provider_failure(Status.FAILED, FailureCause(hangup_cause=hangup_cause))


def test_timeout_is_the_networks_before_ringing_and_the_called_partys_after_it() -> None:
    assert fault_side_of(FailureCause(sip_code=408)) is FaultSide.NETWORK
    assert fault_side_of(FailureCause(sip_code=408, has_rung=True)) is FaultSide.CALLED
    assert fault_side_of(FailureCause(hangup_cause=18)) is FaultSide.NETWORK


@pytest.mark.parametrize(
    ("cause", "side"),
    [
        (FailureCause(), FaultSide.UNKNOWN),
        (FailureCause(sip_code=404), FaultSide.CALLER),
        (FailureCause(sip_code=486), FaultSide.CALLED),
        (FailureCause(sip_code=483), FaultSide.NETWORK),
        (FailureCause(sip_code=403), FaultSide.TENANT),
        (FailureCause(sip_code=499), FaultSide.UNKNOWN),
        (FailureCause(hangup_cause=16), FaultSide.UNKNOWN),
        # A cause that identifies a side outranks the response; 16 and 31 do not identify one.
        (FailureCause(sip_code=503, hangup_cause=17), FaultSide.CALLED),
        (FailureCause(sip_code=503, hangup_cause=16), FaultSide.PROVIDER),
        (FailureCause(sip_code=403, hangup_cause=31), FaultSide.TENANT),
        # RFC 3398 gives 504 for 102, and 500 for 127.
        (FailureCause(hangup_cause=102), FaultSide.PROVIDER),
        (FailureCause(hangup_cause=127), FaultSide.PROVIDER),
    ],
)
def test_fault_side_of_each_cause(cause: FailureCause, side: FaultSide) -> None:
    assert fault_side_of(cause) is side


@pytest.mark.parametrize(
    ("error_code", "side"),
    [
        *(
            ("11200", FaultSide.TENANT),
            ("13224", FaultSide.CALLER),
            ("20503", FaultSide.PROVIDER),
            ("31486", FaultSide.CALLED),
        ),
        *(("31503", FaultSide.PROVIDER), ("99999", FaultSide.UNKNOWN), ("word", FaultSide.UNKNOWN)),
        ("³1486", FaultSide.UNKNOWN),
    ],
)
def test_known_code_of_the_provider_decides(error_code: str, side: FaultSide) -> None:
    assert fault_side_of(FailureCause(error_code=error_code, provider="twilio")) is side
    assert fault_side_of(FailureCause(error_code=error_code, provider="another")) is FaultSide.UNKNOWN
    assert (
        fault_side_of(FailureCause(sip_code=503, error_code="11200", provider="twilio")) is FaultSide.TENANT
    )


def test_fault_side_of_each_final_state() -> None:
    ends = {status: fault_side_of_end(status, FailureCause(sip_code=503)) for status in STATUSES}
    assert ends[Status.BUSY] is ends[Status.NO_ANSWER] is FaultSide.CALLED
    assert ends[Status.CANCELED] is FaultSide.CALLER
    assert ends[Status.FAILED] is FaultSide.PROVIDER
    assert ends[Status.COMPLETED] is ends[Status.RINGING] is None


@pytest.mark.parametrize(
    ("cause", "rejected"),
    [
        (FailureCause(hangup_cause=21), True),
        (FailureCause(sip_code=603), True),
        (FailureCause(sip_code=607), True),
        (FailureCause(error_code="31603", provider="twilio"), True),
        # 403 concerns the tenant's own account; 608 is a refusal by a network.
        (FailureCause(sip_code=403), False),
        (FailureCause(sip_code=608), False),
        (FailureCause(sip_code=603, hangup_cause=38), False),
    ],
)
def test_refusals_by_the_called_party(cause: FailureCause, rejected: bool) -> None:  # noqa: FBT001 (a table)
    assert is_rejected(Status.FAILED, cause) is rejected
    assert not is_rejected(Status.BUSY, cause)


CAUSES = st.builds(
    FailureCause,
    st.none() | st.integers(100, 699),
    st.none() | st.integers(0, 127),
    st.none() | st.text(max_size=6) | st.integers(10_000, 99_999).map(str),
    st.sampled_from([None, "twilio", "another"]),
    st.booleans(),
)


@given(CAUSES, st.sampled_from(STATUSES))
def test_no_call_is_both_rejected_and_a_provider_failure(cause: FailureCause, status: str) -> None:
    assert not (is_provider_failure(status, cause) and is_rejected(status, cause))
    assert (fault_side_of(cause) in OF_PROVIDER_OR_NETWORK) == is_provider_failure(Status.FAILED, cause)
