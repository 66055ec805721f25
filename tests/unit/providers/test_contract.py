"""Contract of all providers. A new folder needs only a `samples.py`, and no change here.

tests/integration/ingest verifies through the ledger that order and repeats make no difference.
"""

import ast
from base64 import b64encode
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
import pytest

from calltally.calls.errors import InvalidInput
from calltally.calls.events import Channel, Fact
from calltally.calls.fold import FoldedCall, fold
from calltally.calls.identity import Node
from calltally.calls.times import SECOND_US
from calltally.ingest.callbacks import UnparsedBody, is_genuine, read_facts
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.credentials import validated_secrets
from calltally.providers.registry import FETCHERS, PROVIDERS, RECORDS, WEBHOOKS
from calltally.store.db.fact_codec import pack_fact
from tests.single_modules import load_alone
from tests.unit.providers.broken_bodies import BROKEN, broken_variants
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

FOLDER: Final = Path(__file__).parent
HOUR_US = 3_600 * SECOND_US
# A token of JSON that is nested too deeply to parse. It is unsigned, so anybody can send it.
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
# Other schemes send a secret and no signature: only TLS protects their requests.
signing = pytest.mark.parametrize("name", [name for name in WEBHOOKS if samples_of(name).signs_body])
exporting = pytest.mark.parametrize("name", RECORDS)


def is_accepted(name: str, callback: Callback, secrets: Secrets | None = None) -> bool:
    stored = samples_of(name).secrets if secrets is None else secrets
    return is_genuine(PROVIDERS[name], callback, stored)


def facts(name: str, sent: Sent, *, at_us: int = NOW_US) -> list[Fact]:
    items = read_facts(PROVIDERS[name], signed(name, sent, at_us=at_us))
    assert not isinstance(items, UnparsedBody), items.reason
    return items


def recorded(fact: Fact) -> FoldedCall:
    """Return the fact as the ledger stores and folds it, which must not fail for any fact."""
    assert pack_fact(fact)
    return fold("acme", Node(fact.call_sid, fact.is_carrier), [fact])


@pytest.mark.parametrize("name", PROVIDERS)
def test_each_provider_has_a_channel(name: str) -> None:
    assert name in WEBHOOKS or name in RECORDS or name in FETCHERS
    assert PROVIDERS[name].name == name
    assert {*PROVIDERS[name].needs} <= {*PROVIDERS[name].secret_names}
    if name in FETCHERS:
        assert {*FETCHERS[name].secret_names} <= {*PROVIDERS[name].secret_names}


@webhooks
def test_sample_secrets_are_valid_and_no_secrets_are_rejected(name: str) -> None:
    samples = samples_of(name)
    assert validated_secrets(name, samples.secrets) == samples.secrets
    assert validated_secrets(name, samples.other_secrets) == samples.other_secrets
    with pytest.raises(InvalidInput, match="is missing"):
        validated_secrets(name, {})


@webhooks
def test_signed_requests_are_accepted_and_read(name: str) -> None:
    samples = samples_of(name)
    items = [fact for sent in samples.story for fact in facts(name, sent)]
    assert all(is_accepted(name, signed(name, sent)) for sent in samples.story)
    assert {fact.provider for fact in items} == {name}
    assert {Channel(fact.channel) for fact in items} == {Channel.CALLBACK}
    assert {*samples.calls} <= {fact.call_sid for fact in items}


@webhooks
def test_a_vendor_package_confirms_the_signatures_or_none_exists(name: str) -> None:
    """An independent implementation makes or verifies the signatures."""
    samples = samples_of(name)
    assert bool(samples.vendor) is not bool(samples.no_vendor)
    if samples.vendor:
        assert samples.vendor in _imported(name)
        # Those tests load the module itself, some of them from its file: a whole package takes seconds.
        assert find_spec(samples.vendor.partition(".")[0])


def _imported(name: str) -> set[str]:
    """Return the imports of a provider's tests, and of other providers' tests that they use."""
    own = _imports_of(name)
    others = [
        each.split(".")[3] for each in own if each.startswith("tests.unit.providers.") and each.count(".") > 3
    ]
    return own.union(*map(_imports_of, others))


def _imports_of(name: str) -> set[str]:
    parsed = [ast.parse(file.read_text()) for file in (FOLDER / name).glob("*.py")]
    found = [each for tree in parsed for each in ast.walk(tree)]
    imports = {each.module for each in found if isinstance(each, ast.ImportFrom) and each.module}
    return imports | {".".join(_constants(each)) for each in found if _loads_alone(each)}


def _loads_alone(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == load_alone.__name__
    )


def _constants(node: ast.AST) -> list[str]:
    return [str(each.value) for each in ast.walk(node) if isinstance(each, ast.Constant)]


@signing
def test_changed_bodies_are_rejected(name: str) -> None:
    for sent in samples_of(name).story:
        genuine = signed(name, sent)
        assert [changed for changed in _changed(genuine) if is_accepted(name, changed)] == []


def _changed(genuine: Callback) -> Iterator[Callback]:
    replace, body = msgspec.structs.replace, genuine.body
    if not body:
        yield replace(genuine, url=f"{genuine.url}1")
        yield replace(genuine, url=f"{genuine.url}&more=1")
        return
    for offset in (len(body) // 2, len(body) - 2):
        letter = b"x" if body[offset : offset + 1] != b"x" else b"y"
        yield replace(genuine, body=body[:offset] + letter + body[offset + 1 :])
    yield replace(genuine, body=body + b"&more=1")
    yield replace(genuine, body=b"")


@webhooks
def test_other_secrets_and_no_secrets_are_rejected(name: str) -> None:
    samples = samples_of(name)
    for sent in samples.story:
        genuine, forged = signed(name, sent), signed(name, sent, secrets=samples.other_secrets)
        assert not is_accepted(name, forged)
        assert is_accepted(name, forged, samples.other_secrets)
        for stored in (samples.other_secrets, {}, dict.fromkeys(samples.secrets, "")):
            assert not is_accepted(name, genuine, stored)


@webhooks
def test_odd_headers_are_rejected_and_never_raise(name: str) -> None:
    genuine = signed(name, samples_of(name).story[0])
    signature = {key: value for key, value in genuine.headers.items() if key != "content-type"}
    for header, value in signature.items():
        for text in (*ODD_HEADERS, value[:-1], f"{value}x", f"{value},{value}"):
            changed = msgspec.structs.replace(genuine, headers={**genuine.headers, header: text})
            is_in = is_accepted(name, changed)
            assert not is_in or text not in ODD_HEADERS
    bare = {key: value for key, value in genuine.headers.items() if key not in signature}
    assert not is_accepted(name, msgspec.structs.replace(genuine, headers=bare))


@webhooks
def test_signatures_with_a_time_expire(name: str) -> None:
    samples = samples_of(name)
    genuine = signed(name, samples.story[0])
    if samples.tolerance_s is None:
        assert is_accepted(name, received(genuine, NOW_US + 24 * HOUR_US))
        return
    assert is_accepted(name, received(genuine, NOW_US + (samples.tolerance_s - 1) * SECOND_US))
    assert not is_accepted(name, received(genuine, NOW_US + (samples.tolerance_s + 2) * SECOND_US))
    assert not is_accepted(name, received(genuine, NOW_US - HOUR_US))


@webhooks
def test_repeats_have_the_same_key_at_any_time(name: str) -> None:
    """Peers, point 6: a further attempt is not a further event."""
    for sent in samples_of(name).story:
        first, again = facts(name, sent), facts(name, sent, at_us=NOW_US + 60 * SECOND_US)
        assert [(fact.call_sid, fact.key) for fact in first] == [(fact.call_sid, fact.key) for fact in again]


@webhooks
def test_different_requests_have_different_keys(name: str) -> None:
    """Peers, point 6: a later state of the same call is not a repeat."""
    items = [fact for sent in samples_of(name).story for fact in facts(name, sent)]
    assert len({(fact.call_sid, fact.key) for fact in items}) == len(items)


@webhooks
def test_unknown_words_are_named_in_the_outcome(name: str) -> None:
    sent, word = samples_of(name).unknown
    items = read_facts(PROVIDERS[name], signed(name, sent))
    if isinstance(items, UnparsedBody):
        assert word in items.reason
    else:
        # Where a provider has hundreds of words, a new one is stored unchanged.
        assert any(word in map(str, fact.stated.values()) for fact in items)


@webhooks
def test_bodies_without_a_call_id_name_the_missing_field(name: str) -> None:
    items = read_facts(PROVIDERS[name], signed(name, samples_of(name).unnamed))
    assert isinstance(items, UnparsedBody)
    assert "missing" in items.reason


@pytest.mark.unmeasured
@webhooks
def test_broken_bodies_have_an_outcome_with_a_reason(name: str) -> None:
    for sent in samples_of(name).story:
        genuine = signed(name, sent)
        for changed in broken_variants(sent):
            items = read_facts(PROVIDERS[name], _with_content(genuine, changed))
            if isinstance(items, UnparsedBody):
                assert items.reason
                assert not items.reason.startswith("internal error"), (items.reason, changed)
            else:
                assert all(recorded(fact) for fact in items)


def _with_content(callback: Callback, sent: Sent) -> Callback:
    """Return the request with other content, as if it were signed: the test is about parsing."""
    url = callback.url.partition("?")[0] + (f"?{sent.query}" if sent.query else "")
    return msgspec.structs.replace(callback, url=url, body=sent.body)


@exporting
def test_exports_are_read_completely(name: str) -> None:
    items = list(_listed(name, records_of(name).file))
    assert [item for item in items if isinstance(item, UnreadableRecord)] == []
    found = [item for item in items if isinstance(item, Fact)]
    assert {fact.provider for fact in found} == {name}
    for call_sid, expected in records_of(name).calls.items():
        of_call = [fact for fact in found if fact.call_sid == call_sid]
        call = fold("acme", Node(call_sid, of_call[0].is_carrier), of_call).call
        assert {field: getattr(call, field) for field in expected} == expected


@exporting
def test_cut_or_broken_exports_lose_no_other_records(name: str) -> None:
    file = records_of(name).file
    for cut in range(0, len(file), max(len(file) // 60, 1)):
        _check_items(_listed(name, file[:cut]))
    for body in BROKEN:
        _check_items(_listed(name, body))
        _check_items(_listed(name, file + b"\n" + body))


def _listed(name: str, file: bytes) -> Iterator[Fact | UnreadableRecord]:
    source = RecordSource(Channel.IMPORT, NOW_US, "main", mapping=mapping_of(name))
    return RECORDS[name](file.splitlines(keepends=True), source)


def _check_items(items: Iterable[Fact | UnreadableRecord]) -> None:
    for item in items:
        assert recorded(item) if isinstance(item, Fact) else item.position and item.reason
