import hashlib
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from calltally.providers.twilio import signature
from calltally.providers.twilio.signature import sign, verify
from tests.unit.providers.twilio.signing import (
    FORM,
    TOKEN,
    URL,
    callback_of,
    form_callback,
    repeated,
    sdk_signature,
)

SECRETS = {"auth_token": TOKEN}

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=8)
HOSTS = st.from_regex(r"[a-z]{1,8}\.example", fullmatch=True)
PORTS = st.sampled_from(["", ":80", ":443", ":8443"])
PATHS = st.from_regex(r"(/[A-Za-z0-9%._~-]{1,6}){0,3}(\?a=[a-z0-9]{1,5}(&b=%20)?)?", fullmatch=True)
URLS = st.builds("{}://{}{}{}".format, st.sampled_from(["http", "https"]), HOSTS, PORTS, PATHS)


def signed_text(pairs: list[tuple[str, str]]) -> str:
    return "".join(map("".join, sorted(set(pairs))))


@given(url=URLS, pairs=PAIRS)
def test_signatures_of_the_sdk_verify(url: str, pairs: list[tuple[str, str]]) -> None:
    assert verify(form_callback(pairs, url=url), SECRETS)


@given(url=URLS, signed_url=URLS, pairs=PAIRS)
def test_requests_that_the_sdk_accepts_are_accepted(
    url: str, signed_url: str, pairs: list[tuple[str, str]]
) -> None:
    callback = form_callback(pairs, url=url, signed_url=signed_url)
    signature = callback.headers["x-twilio-signature"]
    if RequestValidator(TOKEN).validate(url, repeated(pairs), signature):
        assert verify(callback, SECRETS)


@given(url=URLS, pairs=PAIRS, others=PAIRS)
def test_changed_parameters_do_not_verify(
    url: str, pairs: list[tuple[str, str]], others: list[tuple[str, str]]
) -> None:
    signature = sdk_signature(url, repeated(pairs))
    is_same = signed_text(pairs) == signed_text(others)
    assert verify(callback_of(urlencode(others).encode(), signature, url=url), SECRETS) is is_same


@given(body=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), url=URLS)
def test_json_bodies_are_verified_by_their_hash(body: str, url: str) -> None:
    joint = "&" if "?" in url else "?"
    hashed = f"{url}{joint}bodySHA256={sha256(body.encode()).hexdigest()}"
    signature = sdk_signature(hashed, repeated([]))
    assert RequestValidator(TOKEN).validate(hashed, body, signature)
    sent = callback_of(body.encode(), signature, url=hashed, content_type="application/json")
    assert verify(sent, SECRETS)
    assert not verify(msgspec.structs.replace(sent, body=body.encode() + b" "), SECRETS)


@pytest.mark.parametrize(
    ("called", "signed"),
    [
        ("https://a.example/x", "https://a.example:443/x"),
        ("https://a.example:443/x", "https://a.example/x"),
        ("http://a.example/x", "https://a.example/x"),
        ("http://a.example/x", "https://a.example:443/x"),
        ("https://a.example/x", "http://a.example:80/x"),
        ("https://a.example:1234/x", "https://a.example/x"),
        ("http://a.example:8080/x", "https://a.example:8080/x"),
        ("https://[::1]:8443/x", "https://[::1]/x"),
    ],
)
def test_ports_and_schemes_may_differ_from_the_signed_url(called: str, signed: str) -> None:
    assert verify(form_callback([("CallSid", "CA1")], url=called, signed_url=signed), SECRETS)


@pytest.mark.parametrize("signed", ["https://b.example/x", "https://a.example/y", "https://a.example:8443/x"])
def test_other_hosts_paths_and_ports_do_not_verify(signed: str) -> None:
    assert not verify(
        form_callback([("CallSid", "CA1")], url="https://a.example/x", signed_url=signed), SECRETS
    )


@given(url=URLS, pairs=PAIRS)
def test_sign_returns_the_signature_of_the_sdk(url: str, pairs: list[tuple[str, str]]) -> None:
    assert sign(url, pairs, TOKEN) == sdk_signature(url, repeated(pairs))


def test_both_tokens_verify_during_a_rotation() -> None:
    callback = form_callback([("CallSid", "CA1")])
    assert verify(callback, {"auth_token": "the new one", "auth_token_secondary": TOKEN})
    assert not verify(callback, {"auth_token": "the new one", "auth_token_secondary": "the old one"})


@pytest.mark.parametrize("secrets", [{}, {"auth_token": ""}, {"auth_token": "", "auth_token_secondary": ""}])
def test_nothing_verifies_without_a_token(secrets: dict[str, str]) -> None:
    signature = sdk_signature(URL, repeated([("CallSid", "CA1")]), token="")
    assert not verify(callback_of(b"CallSid=CA1", signature), secrets)


@pytest.mark.parametrize("algorithm", ["HMAC_SHA1", "HMAC_SHA256"])
def test_shared_webhook_keys_choose_their_hash(algorithm: str) -> None:
    pairs = [("CallSid", "CA1")]
    callback = form_callback(pairs)
    headers = {
        **callback.headers,
        "x-twilio-signature": sdk_signature(URL, repeated(pairs), algorithm=algorithm),
        "x-twilio-webhooks-signature-settings": f"key=webhooks_sharedkey_1,algorithm={algorithm}",
    }
    assert verify(msgspec.structs.replace(callback, headers=headers), SECRETS)
    unknown = {**headers, "x-twilio-webhooks-signature-settings": "key=k,algorithm=HMAC_MD5"}
    assert not verify(msgspec.structs.replace(callback, headers=unknown), SECRETS)


def test_json_bodies_without_a_hash_do_not_verify() -> None:
    signature = sdk_signature(URL, repeated([]))
    assert not verify(callback_of(b"{}", signature, content_type="application/json"), SECRETS)
    assert verify(callback_of(b"", signature, content_type="application/json"), SECRETS)


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe", b"CallSid=%FF", b"CallSid=%ED%A0%80", b"a=1&" * 2_000, b"\0" * 1_000_000, b"%" * 1_000_000],
)
def test_garbage_does_not_verify_and_never_raises(body: bytes) -> None:
    assert not verify(callback_of(body, "x"), SECRETS)


@pytest.mark.parametrize(
    "url", ["", "https://[::1", "https://a.example:port/", "https://\ud800/", "//", "\0"]
)
def test_invalid_urls_do_not_verify(url: str) -> None:
    assert not verify(callback_of(b"CallSid=CA1", "x", url=url), SECRETS)


@given(
    body=st.binary(max_size=200),
    signature=st.text(max_size=40),
    url=st.text(max_size=40),
    content_type=st.sampled_from([FORM, "", "application/json", "text/plain"]),
)
def test_verification_never_raises(body: bytes, signature: str, url: str, content_type: str) -> None:
    assert not verify(callback_of(body, signature, url=url, content_type=content_type), SECRETS)


@pytest.mark.parametrize("drop", [lambda _: {}, lambda headers: {**headers, "x-twilio-signature": ""}])
def test_missing_signatures_do_not_verify(drop: Callable[[dict[str, str]], dict[str, str]]) -> None:
    callback = form_callback([("CallSid", "CA1")])
    assert not verify(msgspec.structs.replace(callback, headers=drop(dict(callback.headers))), SECRETS)


def test_bodies_of_unsigned_urls_are_not_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytes] = []

    def counted(body: bytes) -> "hashlib._Hash":
        hashed.append(body)
        return sha256(body)

    monkeypatch.setattr(signature, "sha256", counted)
    url = f"{URL}?bodySHA256={sha256(b'{}').hexdigest()}"
    forged = callback_of(b"{}", sdk_signature(URL, repeated([])), url=url, content_type="application/json")
    assert not verify(forged, SECRETS)
    assert hashed == []
