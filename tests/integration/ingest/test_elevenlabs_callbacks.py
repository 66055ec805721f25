"""Callbacks of ElevenLabs through the whole application: success codes and audio events of any length."""

from typing import Final

import pytest

from calltally.store.tenants.vault import put_provider_secrets
from tests.conftest import NOW_US, TENANT, Bench
from tests.integration.ingest.service import INGEST, Service, outcomes
from tests.unit.providers.sampling import samples_of, signed

PATH: Final = f"/api/v1/ingest/elevenlabs/{TENANT}"
FIVE_MIB: Final = 5 * 1024 * 1024
HEADS: Final = (b'{"type":"post_call_audio","data":{"a":"', b'{ "type" : "post_call_audio" , "b":"')


@pytest.fixture
def service(bench: Bench) -> Service:
    return Service(bench)


def test_dead_letters_get_200(service: Service, bench: Bench) -> None:
    """ElevenLabs counts any other status as a failure, and disables a webhook after failures."""
    secrets = samples_of("elevenlabs").secrets
    sealed = service.vault.seal(TENANT, "elevenlabs", secrets)
    bench.run(bench.store.write(put_provider_secrets(TENANT, "elevenlabs", sealed, NOW_US)))
    callback = signed("elevenlabs", samples_of("elevenlabs").unknown[0], at_us=bench.now_us)
    answer = service.ask("POST", PATH, callback.body, callback.headers)
    assert (answer.status_code, outcomes(answer)) == (200, ["dead_letter"])


@pytest.mark.parametrize("head", HEADS)
def test_long_audio_events_are_acknowledged_and_not_kept(service: Service, head: bytes) -> None:
    answer = service.ask("POST", PATH, head + b"A" * FIVE_MIB + b'"}}')
    assert (answer.status_code, outcomes(answer)) == (200, ["ignored"])
    assert service.calls() == []
    assert service.metric('calltally_unread_messages_total{kind="too_long",provider="elevenlabs"} 1.0')


def test_other_long_bodies_are_refused(service: Service) -> None:
    head = b'{"type":"post_call_transcription","note":"post_call_audio'
    for path, body in ((PATH, head + b"A" * FIVE_MIB + b'"}'), (INGEST, HEADS[0] + b"A" * FIVE_MIB)):
        assert service.ask("POST", path, body).status_code == 413
