"""Test data of Vonage's own SDK: a signed token, and its list of calls."""

import json
from typing import Any

from calltally.calls.events import Channel, Fact
from calltally.calls.times import SECOND_US, parse_instant
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.registry import RECORDS
from calltally.providers.vonage.signature import verify
from tests.conftest import REAL_DATA
from tests.unit.providers.sampling import NOW_US

FOLDER = REAL_DATA / "vonage"
VECTOR: dict[str, Any] = json.loads((FOLDER / "signed_webhook_jwt_vector.json").read_text())
# The time of issue in the token.
ISSUED_US = 1_697_634_680 * SECOND_US


def is_accepted(token: str, secret: str, received_us: int = ISSUED_US) -> bool:
    headers = {"authorization": f"Bearer {token}"}
    callback = Callback("GET", "https://calls.example/hook", headers, b"", received_us)
    return verify(callback, {"signature_secret": secret})


def test_the_published_token_verifies_at_its_time() -> None:
    assert is_accepted(VECTOR["jwt"], VECTOR["signature_secret"])
    assert not is_accepted(VECTOR["jwt"], "another")
    assert not is_accepted(VECTOR["jwt"][:-2] + "xx", VECTOR["signature_secret"])
    assert not is_accepted(VECTOR["jwt"], VECTOR["signature_secret"], ISSUED_US + 301 * SECOND_US)


def test_the_published_lists_are_read_completely() -> None:
    found: list[Fact] = []
    for name in ("list_calls.json", "get_call.json"):
        with (FOLDER / name).open("rb") as file:
            items = list(RECORDS["vonage"](file, RecordSource(Channel.IMPORT, NOW_US)))
        found += [item for item in items if isinstance(item, Fact)]
        assert len(items) == len([item for item in items if isinstance(item, Fact)])
    assert len(found) == 4
    assert found[0].key == found[3].key
    assert found[0].stated == {
        "status": "completed",
        "direction": "outbound",
        "from_number": "+9876543210",
        "to_number": "+1234567890",
        "talk_seconds": 2,
        "started_us": parse_instant("2024-04-19T01:34:18Z"),
        "ended_us": parse_instant("2024-04-19T01:34:20Z"),
        "cost": {"amount": "0.00333333", "currency": "EUR"},
        "provider": "vonage",
        "metadata": {"conversation_uuid": "CON-d4e1389a-b2c8-4621-97eb-c6f3a2b51c72"},
    }
