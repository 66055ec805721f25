"""CPU cost of the longest callbacks with a wrong signature: anybody can send them, so it must be low."""

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

# The most expensive one takes a twentieth of this.
MAX_CPU_S: Final = 0.2
# These providers parse a form only after the verification of the secret.
PARSED_AFTER_VERIFICATION: Final = {"freeswitch", "generic"}


def largest_forms(size: int) -> Iterator[bytes]:
    """Yield forms that are slow to parse: escapes only, runs of them, invalid ones, many parameters."""
    for piece in (b"%41", "é%41".encode(), b"%", b"%4%41"):
        yield b"a=" + piece * ((size - 2) // len(piece))
    yield b"&".join([b"a=" + b"%41a" * (size // MAX_PARAMS // 4 - 1)] * MAX_PARAMS)


def largest_bodies(name: str) -> Iterator[Sent]:
    webhook = WEBHOOKS[name]
    for body in largest_forms(webhook.max_bytes_for({"content-type": FORM})):
        yield Sent(body, FORM)
    yield Sent(b'{"a": "'.ljust(webhook.max_bytes_for({"content-type": JSON}), b"x"), JSON)


def forged(name: str, sent: Sent) -> Callback:
    """Return the body with a signature by another secret and of another body."""
    small = sent._replace(body=b"a=1")
    return msgspec.structs.replace(
        signed(name, small, secrets=samples_of(name).other_secrets), body=sent.body, mapping=""
    )


def all_secrets(name: str) -> Secrets:
    """Return the secrets of a tenant in a rotation, with two of each."""
    samples, names = samples_of(name), PROVIDERS[name].secret_names
    second = {each: samples.secrets.get(each.removesuffix("_secondary"), "") for each in names}
    return {**{each: value for each, value in second.items() if value}, **samples.secrets}


@pytest.mark.parametrize("name", WEBHOOKS)
def test_wrong_signatures_cost_little_for_any_body(name: str) -> None:
    # The first signature loads libraries, which is not part of the cost.
    assert not is_genuine(PROVIDERS[name], forged(name, Sent()), all_secrets(name))
    for sent in largest_bodies(name):
        callback = forged(name, sent)
        for stored in (all_secrets(name), {}):
            started_s = process_time()
            assert not is_genuine(PROVIDERS[name], callback, stored)
            assert process_time() - started_s < MAX_CPU_S, (sent.body[:20], bool(stored))


@pytest.mark.parametrize("name", WEBHOOKS)
def test_form_size_is_limited_before_parsing(name: str) -> None:
    expected = MAX_BODY_BYTES if name in PARSED_AFTER_VERIFICATION else MAX_FORM_BYTES
    for headers in ({"content-type": FORM}, {"content-type": f"{FORM}; charset=utf-8"}, {}):
        assert WEBHOOKS[name].max_bytes_for(headers) == expected
    assert expected <= MAX_BODY_BYTES


def test_the_largest_forms_are_parsed_without_a_python_loop() -> None:
    """Ten times 64 KiB: the standard library takes 10 ms for each, and more for invalid escapes."""
    started_s = process_time()
    for number in range(10):
        parse_form(b"a=%d" % number + "é%41".encode() * 13_000)
    assert process_time() - started_s < 0.08
