"""A platform's report and the carrier's callbacks of one call are one record in either order."""

from collections.abc import Sequence
from typing import Any

import pytest

from calltally.ingest.callbacks import CallbackVerdict
from calltally.ingest.intake import Intake
from calltally.store.tenants.vault import Vault, put_provider_secrets
from tests.conftest import TENANT, Bench
from tests.integration.store.probing import listed, verdict
from tests.unit.providers.elevenlabs import samples as elevenlabs
from tests.unit.providers.livekit import samples as livekit
from tests.unit.providers.retell import samples as retell
from tests.unit.providers.sampling import NOW_US, Sent, samples_of, signed
from tests.unit.providers.twilio.samples import status
from tests.unit.providers.vapi import samples as vapi

REPORTS: dict[str, tuple[str, Sent]] = {
    "vapi": (vapi.CARRIER, vapi.REPORT),
    "retell": (retell.CARRIER, retell.SAMPLES.story[2]),
    "elevenlabs": (elevenlabs.CARRIER, elevenlabs.SAMPLES.story[0]),
    "livekit": (livekit.CARRIER, livekit.SAMPLES.story[1]),
}


def receive(bench: Bench, messages: Sequence[tuple[str, Sent]]) -> None:
    bench.now_us, vault = NOW_US, Vault(bytes(32))
    for name in {name for name, _sent in messages}:
        sealed = vault.seal(TENANT, name, samples_of(name).secrets)
        bench.run(bench.store.write(put_provider_secrets(TENANT, name, sealed, NOW_US)))
    callbacks = Intake(bench.store, vault, lambda: bench.now_us).callbacks
    for name, sent in messages:
        receipt = bench.run(callbacks.receive(name, TENANT, signed(name, sent)))
        assert receipt.verdict is CallbackVerdict.RECORDED


def carriers(call_sid: str) -> list[tuple[str, Sent]]:
    return [
        ("twilio", status(call_sid, "ringing", 2, 1)),
        ("twilio", status(call_sid, "in-progress", 11, 2)),
        ("twilio", status(call_sid, "completed", 54, 3, CallDuration="43", SipResponseCode="200")),
    ]


def check(bench: Bench, platform: str) -> dict[str, Any]:
    [call] = listed(bench)
    assert call["call_sid"] == REPORTS[platform][0]
    assert (call["status"], call["duration_seconds"], call["provider"]) == ("completed", 43, "twilio")
    assert call["answered_at"] == "2026-08-22T08:00:11.000000Z"
    assert call["end_reason"] == "remote-hung-up"
    assert call["session_id"]
    assert verdict(bench).findings == []
    return call


@pytest.mark.parametrize("platform", REPORTS)
@pytest.mark.parametrize("position", ["before the last status", "first", "twice"])
def test_platform_report_and_carrier_callbacks_are_one_call(
    bench: Bench, platform: str, position: str
) -> None:
    call_sid, sent = REPORTS[platform]
    callbacks = carriers(call_sid)
    report = (platform, sent)
    orders = {
        "before the last status": [*callbacks[:2], report, callbacks[2]],
        "first": [report, *callbacks],
        "twice": [callbacks[0], report, *callbacks[1:], report],
    }
    receive(bench, orders[position])
    call = check(bench, platform)
    if platform != "livekit":
        assert call["summary"] == "Booked a table."


def test_missing_report_leaves_the_carriers_data(bench: Bench) -> None:
    receive(bench, carriers(vapi.CARRIER))
    [call] = listed(bench)
    assert (call["status"], call["duration_seconds"], call["summary"]) == ("completed", 43, None)


def test_calls_recorded_separately_are_merged_when_linked(bench: Bench) -> None:
    """Two listed calls become one, and the old id redirects to it."""
    ringing = vapi.message("status-update", 1_787_385_602_000, vapi.call(vapi.TALK), status="ringing")
    receive(bench, [("vapi", ringing), *carriers(vapi.CARRIER)[:1]])
    assert len(listed(bench)) == 2
    receive(bench, [("vapi", vapi.REPORT), *carriers(vapi.CARRIER)[1:]])
    check(bench, "vapi")
