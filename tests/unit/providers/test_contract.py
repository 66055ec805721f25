"""What every provider keeps to. A new folder passes this without a change here: it brings `samples.py`.

That order and repeats make no difference is tried through the ledger, in tests/integration/ingest.
"""

import ast
from base64 import b64encode
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import msgspec
import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.events import Door, Fact
from calltally.calls.identity import Node
from calltally.calls.lifecycle import Folded, fold
from calltally.calls.times import SECOND_US
from calltally.ingest.callbacks import UnparsedBody, is_genuine, read_facts
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.credentials import validated_secrets
from calltally.providers.registry import FETCHERS, PROVIDERS, RECORDS, WEBHOOKS
from calltally.store.db.fact_codec import pack_fact
from tests.unit.providers.sampling import (
    NOW_US,
    Secrets,
    Sent,
    mapping_of,
    received,
    records_of,
    samples_of,
    signed,
)
from tests.unit.providers.spoiling import BROKEN, spoilt

FOLDER: Final = Path(__file__).parent
HOUR_US = 3_600 * SECOND_US
# A token whose parts are JSON too deep to be read: nobody has signed it, so anybody can send it.
DEEP = b64encode(b'{"x":' + b"[" * 2_500).decode().rstrip("=")
ODD_HEADERS = (
    "",
    " ",
    ",",
    "=",
    "t=,v1=",
    "t=1,v1=\xff",
    "\xff",
    "x" * 9_000,
    "Bearer ",
    "Bearer a.b.c",
    f"Bearer {DEEP}.{DEEP}.a",
    f"{DEEP}.{DEEP}.a",
    "v1,",
)

webhooks = pytest.mark.parametrize("name", WEBHOOKS)
# Others show a secret and sign nothing: TLS alone protects what they send.
signing = pytest.mark.parametrize("name", [name for name in WEBHOOKS if samples_of(name).signs_body])
exporting = pytest.mark.parametrize("name", RECORDS)


def is_let_in(name: str, callback: Callback, secrets: Secrets | None = None) -> bool:
    stored = samples_of(name).secrets if secrets is None else secrets
    return is_genuine(PROVIDERS[name], callback, stored)


def facts(name: str, sent: Sent, *, at_us: int = NOW_US) -> list[Fact]:
    told = read_facts(PROVIDERS[name], signed(name, sent, at_us=at_us))
    assert not isinstance(told, UnparsedBody), told.reason
    return told


def recorded(fact: Fact) -> Folded:
    """The fact as the ledger would keep and fold it, which must not fail for any that was made."""
    assert pack_fact(fact)
    return fold("acme", Node(fact.call_sid, fact.is_carrier), [fact])


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_has_a_way_in(name: str) -> None:
    assert name in WEBHOOKS or name in RECORDS or name in FETCHERS
    assert PROVIDERS[name].name == name
    assert {*PROVIDERS[name].needs} <= {*PROVIDERS[name].secret_names}
    if name in FETCHERS:
        assert {*FETCHERS[name].secret_names} <= {*PROVIDERS[name].secret_names}


@webhooks
def test_the_secrets_of_the_samples_can_be_stored_and_none_is_not_enough(name: str) -> None:
    samples = samples_of(name)
    assert validated_secrets(name, samples.secrets) == samples.secrets
    assert validated_secrets(name, samples.other_secrets) == samples.other_secrets
    with pytest.raises(InvalidInput, match="is missing"):
        validated_secrets(name, {})


@webhooks
def test_what_is_signed_is_let_in_and_read(name: str) -> None:
    samples = samples_of(name)
    told = [fact for sent in samples.story for fact in facts(name, sent)]
    assert all(is_let_in(name, signed(name, sent)) for sent in samples.story)
    assert {fact.provider for fact in told} == {name}
    assert {Door(fact.door) for fact in told} == {Door.CALLBACK}
    assert {*samples.calls} <= {fact.call_sid for fact in told}


@webhooks
def test_a_signature_is_vouched_for_by_the_vendors_own_package_or_there_is_none(name: str) -> None:
    """Our reading of a scheme is not proved by itself: somebody else's code makes or checks signatures."""
    samples = samples_of(name)
    assert bool(samples.vendor) is not bool(samples.no_vendor)
    if samples.vendor:
        assert samples.vendor in _imported(name)
        assert import_module(samples.vendor).__file__


def _imported(name: str) -> set[str]:
    """What the tests of a provider import, and what those of others do that they build upon."""
    own = _imports_of(name)
    others = [
        each.split(".")[3] for each in own if each.startswith("tests.unit.providers.") and each.count(".") > 3
    ]
    return own.union(*map(_imports_of, others))


def _imports_of(name: str) -> set[str]:
    parsed = [ast.parse(file.read_text()) for file in (FOLDER / name).glob("*.py")]
    found = [each for tree in parsed for each in tree.body if isinstance(each, ast.ImportFrom)]
    return {each.module for each in found if each.module}


@signing
def test_a_body_that_was_changed_is_kept_out(name: str) -> None:
    for sent in samples_of(name).story:
        genuine = signed(name, sent)
        assert [changed for changed in _changed(genuine) if is_let_in(name, changed)] == []


def _changed(genuine: Callback) -> Iterator[Callback]:
    replace, body = msgspec.structs.replace, genuine.body
    if not body:
        yield replace(genuine, url=f"{genuine.url}1")
        yield replace(genuine, url=f"{genuine.url}&more=1")
        return
    for place in (len(body) // 2, len(body) - 2):
        letter = b"x" if body[place : place + 1] != b"x" else b"y"
        yield replace(genuine, body=body[:place] + letter + body[place + 1 :])
    yield replace(genuine, body=body + b"&more=1")
    yield replace(genuine, body=b"")


@webhooks
def test_another_secret_or_none_is_kept_out(name: str) -> None:
    samples = samples_of(name)
    for sent in samples.story:
        genuine, forged = signed(name, sent), signed(name, sent, secrets=samples.other_secrets)
        assert not is_let_in(name, forged)
        assert is_let_in(name, forged, samples.other_secrets)
        for stored in (samples.other_secrets, {}, dict.fromkeys(samples.secrets, "")):
            assert not is_let_in(name, genuine, stored)


@webhooks
def test_odd_headers_are_kept_out_and_never_raise(name: str) -> None:
    genuine = signed(name, samples_of(name).story[0])
    signature = {key: value for key, value in genuine.headers.items() if key != "content-type"}
    for header, value in signature.items():
        for text in (*ODD_HEADERS, value[:-1], f"{value}x", f"{value},{value}"):
            changed = msgspec.structs.replace(genuine, headers={**genuine.headers, header: text})
            is_in = is_let_in(name, changed)
            assert not is_in or text not in ODD_HEADERS
    bare = {key: value for key, value in genuine.headers.items() if key not in signature}
    assert not is_let_in(name, msgspec.structs.replace(genuine, headers=bare))


@webhooks
def test_a_signature_grows_old_where_it_has_a_time(name: str) -> None:
    samples = samples_of(name)
    genuine = signed(name, samples.story[0])
    if samples.tolerance_s is None:
        assert is_let_in(name, received(genuine, NOW_US + 24 * HOUR_US))
        return
    assert is_let_in(name, received(genuine, NOW_US + (samples.tolerance_s - 1) * SECOND_US))
    assert not is_let_in(name, received(genuine, NOW_US + (samples.tolerance_s + 2) * SECOND_US))
    assert not is_let_in(name, received(genuine, NOW_US - HOUR_US))


@webhooks
def test_a_repeat_is_known_whenever_it_comes(name: str) -> None:
    """Peers, point 6: an attempt more is no event more."""
    for sent in samples_of(name).story:
        first, again = facts(name, sent), facts(name, sent, at_us=NOW_US + 60 * SECOND_US)
        assert [(fact.call_sid, fact.key) for fact in first] == [(fact.call_sid, fact.key) for fact in again]


@webhooks
def test_no_two_requests_of_a_story_are_taken_for_one(name: str) -> None:
    """Peers, point 6: a later state of the same call is no repeat."""
    told = [fact for sent in samples_of(name).story for fact in facts(name, sent)]
    assert len({(fact.call_sid, fact.key) for fact in told}) == len(told)


@webhooks
def test_an_unknown_word_is_an_outcome_that_names_it(name: str) -> None:
    sent, word = samples_of(name).unknown
    told = read_facts(PROVIDERS[name], signed(name, sent))
    if isinstance(told, UnparsedBody):
        assert word in told.reason
    else:
        # Of words by the hundred the new one is kept as it came.
        assert any(word in map(str, fact.said.values()) for fact in told)


@webhooks
def test_a_body_that_names_no_call_says_what_is_missing(name: str) -> None:
    told = read_facts(PROVIDERS[name], signed(name, samples_of(name).unnamed))
    assert isinstance(told, UnparsedBody)
    assert "missing" in told.reason


@webhooks
def test_a_body_that_is_spoilt_is_an_outcome_with_a_reason(name: str) -> None:
    for sent in samples_of(name).story:
        genuine = signed(name, sent)
        for changed in spoilt(sent):
            told = read_facts(PROVIDERS[name], _with_content(genuine, changed))
            if isinstance(told, UnparsedBody):
                assert told.reason
                assert not told.reason.startswith("internal error"), (told.reason, changed)
            else:
                assert all(recorded(fact) for fact in told)


def _with_content(callback: Callback, sent: Sent) -> Callback:
    """The request as if it was signed with that content: what is tried is the reading."""
    url = callback.url.partition("?")[0] + (f"?{sent.query}" if sent.query else "")
    return msgspec.structs.replace(callback, url=url, body=sent.body)


@exporting
def test_an_export_is_read_whole(name: str) -> None:
    told = list(_listed(name, records_of(name).file))
    assert [item for item in told if isinstance(item, UnreadableRecord)] == []
    found = [item for item in told if isinstance(item, Fact)]
    assert {fact.provider for fact in found} == {name}
    for call_sid, expected in records_of(name).calls.items():
        of_call = [fact for fact in found if fact.call_sid == call_sid]
        call = fold("acme", Node(call_sid, of_call[0].is_carrier), of_call).call
        assert {field: getattr(call, field) for field in expected} == expected


@exporting
def test_an_export_that_is_cut_or_broken_loses_nothing_else(name: str) -> None:
    file = records_of(name).file
    for cut in range(0, len(file), max(len(file) // 60, 1)):
        _check_told(_listed(name, file[:cut]))
    for body in BROKEN:
        _check_told(_listed(name, body))
        _check_told(_listed(name, file + b"\n" + body))


def _listed(name: str, file: bytes) -> Iterator[Fact | UnreadableRecord]:
    source = RecordSource(Door.IMPORT, NOW_US, "main", mapping=mapping_of(name))
    return RECORDS[name](file.splitlines(keepends=True), source)


def _check_told(told: Iterable[Fact | UnreadableRecord]) -> None:
    for item in told:
        assert recorded(item) if isinstance(item, Fact) else item.position and item.reason
