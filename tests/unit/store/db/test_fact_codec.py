"""Fact codec: packed facts and bodies are restored, including those that older releases packed."""

from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltally.calls.errors import DamagedStore
from calltally.calls.events import Channel, Fact, StatedFields
from calltally.calls.identity import Node
from calltally.store.db import fact_codec
from calltally.store.db.fact_codec import body_codec, pack_fact, unpack_fact
from tests.examples import examples
from tests.sample_facts import SID
from tests.strategies import facts

DICTIONARY = Path(fact_codec.__file__).parents[1] / "dictionaries" / "bodies-1.zdict"
ACCOUNT = "AC" + "1" * 32
OLD_FACT = Fact(
    call_sid=SID,
    channel=Channel.CALLBACK,
    provider="twilio",
    account=ACCOUNT,
    event_id="e1",
    sequence=3,
    occurred_us=1_790_000_040_000_000,
    received_us=1_790_000_041_000_000,
    digest=b"0123456789abcdef",
    stated={
        "status": "completed",
        "provider": "twilio",
        "provider_account": ACCOUNT,
        "talk_seconds": 42.5,
        "escalated": True,
        "escalation": {"target": "desk", "initiated_by": None, "reason": "asked"},
        "tags": ["vip"],
        "metadata": {"a": {"b": [1, None]}},
    },
    raw=b"",
    is_carrier=True,
    links=(Node("platform-1", is_carrier=False),),
)
BODY = b"CallSid=CA00000000000000000000000000000000&CallStatus=completed&CallDuration=42"

texts = st.text(max_size=6)
sids = st.one_of(texts, st.from_regex(r"[A-Z]{2}[0-9a-f]{32}\n?", fullmatch=True), st.just(SID))


@st.composite
def odd_facts(draw: st.DrawFn) -> Fact:
    """Facts with texts that resemble the values that packing shortens."""
    reported = draw(facts())
    provider, account = draw(texts), draw(sids)
    stated: dict[str, Any] = {
        **reported.stated,
        "provider": draw(st.sampled_from([provider, "", "0", "twilio"])),
        "provider_account": draw(st.sampled_from([account, "", "0"])),
        "metadata": {
            draw(texts): draw(st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | texts)
        },
    }
    named = {"provider": provider, "account": account, "call_sid": draw(sids)}
    return msgspec.structs.replace(reported, stated=stated, event_id=draw(texts), **named)


@settings(max_examples=examples(30))
@given(st.one_of(facts(), odd_facts()))
def test_packed_fact_is_restored(reported: Fact) -> None:
    assert unpack_fact(pack_fact(reported), reported.received_us, reported.raw) == reported
    assert unpack_fact(pack_fact(reported), reported.received_us, reported.raw).key == reported.key


def test_every_field_has_a_number() -> None:
    assert {*fact_codec._NAMES, *fact_codec._LATER_NAMES} == set(get_type_hints(StatedFields))
    assert len(set(fact_codec._NAMES)) == len(fact_codec._NAMES)


def test_old_row_is_still_readable() -> None:
    """A change of the format fails here: stored facts outlive the code that wrote them."""
    packed = bytes.fromhex(
        "9bc41243410000000000000000000000000000000002a67477696c696fc4124143111111111111111111111111111111"
        "11a2653103cf00065bfedc883a00c410303132333435363738396162636465668800a9636f6d706c657465640a000b00"
        "10cb404540000000000011c31283a6746172676574a46465736bac696e697469617465645f6279c0a6726561736f6ea5"
        "61736b65641c91a37669701d81a16181a1629201c0c39192aa706c6174666f726d2d31c2"
    )
    assert pack_fact(OLD_FACT) == packed
    assert unpack_fact(packed, OLD_FACT.received_us) == OLD_FACT


def test_numbers_of_names_only_grow() -> None:
    """A moved number would change the meaning of stored facts."""
    numbered = ",".join(fact_codec._NAMES[:30]).encode()
    assert sha256(numbered).hexdigest()[:16] == "daeaf28eea72ee87"


@settings(max_examples=examples(60))
@given(st.data())
def test_damaged_row_raises_or_is_still_a_fact(data: st.DataObject) -> None:
    packed = bytearray(pack_fact(data.draw(st.just(OLD_FACT) | facts())))
    position = data.draw(st.integers(0, len(packed) - 1))
    packed[position] ^= data.draw(st.integers(1, 255))
    with suppress(DamagedStore):
        assert isinstance(unpack_fact(bytes(packed), 0), Fact)


@pytest.mark.parametrize("row", [b"", b"\xc0", b"\x90", b"\xff", pack_fact(OLD_FACT)[:-1]])
def test_truncated_row_raises_damaged_store(row: bytes) -> None:
    with pytest.raises(DamagedStore):
        unpack_fact(row, 0)


# --------------------------------------------------------------------------------------------------- bodies


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_compressed_body_is_restored(body: bytes) -> None:
    assert body_codec.decompress(body_codec.compress(body)) == body


def test_dictionary_never_changes() -> None:
    """Every stored body needs exactly these bytes. A new dictionary is another file."""
    assert sha256(DICTIONARY.read_bytes()).hexdigest() == (
        "d906f6fe05d2612b514aece140336457ba3dab7e6d086e6c8192952175a797ff"
    )


def test_old_body_is_still_readable() -> None:
    frame = bytes.fromhex("28b52ffd23c5d4be164fad00001830343205fcaef93d4921856223c4440795003d0f")
    assert body_codec.decompress(frame) == BODY


@pytest.mark.parametrize("frame", [b"", b"nonsense", b"\x28\xb5\x2f\xfd"])
def test_invalid_frame_raises_damaged_store(frame: bytes) -> None:
    with pytest.raises(DamagedStore):
        body_codec.decompress(frame)
