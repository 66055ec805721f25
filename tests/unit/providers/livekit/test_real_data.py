"""Example body from LiveKit's documentation."""

from calltally.providers.livekit import normalise
from calltally.providers.livekit.signature import verify
from tests.conftest import REAL_DATA
from tests.unit.providers.livekit.samples import SAMPLES
from tests.unit.providers.sampling import Sent, signed


def test_the_start_of_a_room_is_not_a_call() -> None:
    body = (REAL_DATA / "livekit" / "room_started.json").read_bytes()
    genuine = signed("livekit", Sent(body))
    assert verify(genuine, SAMPLES.secrets)
    assert normalise.facts_of(genuine) == []
