"""Callbacks with a wrong signature, as long as they may be. Anybody can send one, so each costs little."""

from collections.abc import Iterator
from time import process_time
from typing import Final

import msgspec
import pytest

from calltally.ingest.callbacks import is_genuine
from calltally.providers.callback import Callback
from calltally.providers.form import MAX_FORM_BYTES, MAX_PARAMS, parse_form
from calltally.providers.provider import MAX_BODY_BYTES
from calltally.providers.registry import PROVIDERS, WEBHOOKS
from tests.unit.providers.sampling import FORM, JSON, Secrets, Sent, samples_of, signed

# The dearest takes a twentieth of it.
MOST_CPU_S: Final = 0.2
# Their forms are read only when the secret was right.
READ_LATER: Final = {"freeswitch", "generic"}


def largest_forms(size: int) -> Iterator[bytes]:
    """Forms that are slow to read: all escapes, runs of them, escapes that are none, all parameters."""
    for piece in (b"%41", "é%41".encode(), b"%", b"%4%41"):
        yield b"a=" + piece * ((size - 2) // len(piece))
    yield b"&".join([b"a=" + b"%41a" * (size // MAX_PARAMS // 4 - 1)] * MAX_PARAMS)


def largest_bodies(name: str) -> Iterator[Sent]:
    webhook = WEBHOOKS[name]
    for body in largest_forms(webhook.max_bytes_for({"content-type": FORM})):
        yield Sent(body, FORM)
    yield Sent(b'{"a": "'.ljust(webhook.max_bytes_for({"content-type": JSON}), b"x"), JSON)


def forged(name: str, sent: Sent) -> Callback:
    """The body under a signature of another secret, over another body."""
    small = sent._replace(body=b"a=1")
    return msgspec.structs.replace(
        signed(name, small, secrets=samples_of(name).other_secrets), body=sent.body, mapping=""
    )


def all_secrets(name: str) -> Secrets:
    """Those of a tenant in a rotation, who has two of each."""
    samples, names = samples_of(name), PROVIDERS[name].secret_names
    second = {each: samples.secrets.get(each.removesuffix("_secondary"), "") for each in names}
    return {**{each: value for each, value in second.items() if value}, **samples.secrets}


@pytest.mark.parametrize("name", WEBHOOKS)
def test_a_wrong_signature_costs_little_with_any_body(name: str) -> None:
    # What is loaded by the first signature is not what one costs.
    assert not is_genuine(PROVIDERS[name], forged(name, Sent()), all_secrets(name))
    for sent in largest_bodies(name):
        callback = forged(name, sent)
        for stored in (all_secrets(name), {}):
            began = process_time()
            assert not is_genuine(PROVIDERS[name], callback, stored)
            assert process_time() - began < MOST_CPU_S, (sent.body[:20], bool(stored))


@pytest.mark.parametrize("name", WEBHOOKS)
def test_a_form_is_bounded_before_it_is_read(name: str) -> None:
    expected = MAX_BODY_BYTES if name in READ_LATER else MAX_FORM_BYTES
    for headers in ({"content-type": FORM}, {"content-type": f"{FORM}; charset=utf-8"}, {}):
        assert WEBHOOKS[name].max_bytes_for(headers) == expected
    assert expected <= MAX_BODY_BYTES


def test_the_largest_forms_are_read_without_a_loop_over_their_escapes() -> None:
    """Ten times 64 KiB: the library takes 10 ms for each, more where the escapes are none."""
    began = process_time()
    for number in range(10):
        parse_form(b"a=%d" % number + "é%41".encode() * 13_000)
    assert process_time() - began < 0.08
