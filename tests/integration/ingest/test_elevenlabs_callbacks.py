"""Callbacks of ElevenLabs through the whole application: success codes and audio events of any length."""

from typing import Final

import pytest

from calltally.calls.times import SECOND_US
from calltally.store.tenants.vault import put_provider_secrets
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.ingest.service import INGEST, Service, outcomes
from tests.unit.providers.sampling import Sent, samples_of, signed

PATH: Final = f"/api/v1/ingest/elevenlabs/{TENANT}"
FIVE_MIB: Final = 5 * 1024 * 1024
HEADS: Final = (b'{"type":"post_call_audio","data":{"a":"', b'{ "type" : "post_call_audio" , "b":"')


@pytest.fixture
def service(bench: Bench) -> Service:
    return Service(bench)


def put_secrets(service: Service, bench: Bench) -> None:
    sealed = service.vault.seal(TENANT, "elevenlabs", samples_of("elevenlabs").secrets)
    bench.run(bench.store.write(put_provider_secrets(TENANT, "elevenlabs", sealed, NOW_US)))
    bench.now_us += 10 * SECOND_US


def test_dead_letters_get_200(service: Service, bench: Bench) -> None:
    """ElevenLabs counts any other status as a failure, and disables a webhook after failures."""
    put_secrets(service, bench)
    callback = signed("elevenlabs", samples_of("elevenlabs").unknown[0], at_us=bench.now_us)
    answer = service.request("POST", PATH, callback.body, callback.headers)
    assert (answer.status_code, outcomes(answer)) == (200, ["dead_letter"])


@pytest.mark.parametrize("head", HEADS)
def test_long_audio_events_are_acknowledged_and_not_kept(service: Service, bench: Bench, head: bytes) -> None:
    put_secrets(service, bench)
    sent = Sent(head + b"A" * FIVE_MIB + b'"}}')
    headers = signed("elevenlabs", sent, at_us=bench.now_us).headers
    answer = service.request("POST", PATH, sent.body, headers)
    assert (answer.status_code, outcomes(answer)) == (200, ["ignored"])
    assert service.calls() == []
    assert service.metric('calltally_unread_messages_total{kind="too_long",provider="elevenlabs"} 1.0')


def test_long_audio_events_need_a_signature_of_the_whole_body(service: Service, bench: Bench) -> None:
    body = HEADS[0] + b"A" * FIVE_MIB + b'"}}'
    headers = signed("elevenlabs", Sent(body), at_us=bench.now_us).headers
    assert service.request("POST", PATH, body, headers).status_code == 403
    put_secrets(service, bench)
    for other in ({}, {"elevenlabs-signature": headers["elevenlabs-signature"][:-1] + "g"}):
        assert service.request("POST", PATH, body, other).status_code == 403
    assert service.request("POST", PATH, body[:-3] + b'B"}', headers).status_code == 403
    assert service.metric(
        'calltally_signature_failures_total{provider="elevenlabs",reason="wrong-signature"} 4.0'
    )


def test_other_long_bodies_are_refused(service: Service) -> None:
    head = b'{"type":"post_call_transcription","note":"post_call_audio'
    for path, body in ((PATH, head + b"A" * FIVE_MIB + b'"}'), (INGEST, HEADS[0] + b"A" * FIVE_MIB)):
        assert service.request("POST", path, body).status_code == 413
