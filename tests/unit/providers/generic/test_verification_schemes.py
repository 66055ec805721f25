"""Tokens, digests, times, secrets in bodies, and handshakes of mappings; tokens are made by PyJWT."""

import hmac
import json
import tracemalloc
from base64 import b64encode
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from calltally.calls.errors import InvalidInput
from calltally.providers import ed25519
from calltally.providers.callback import Callback
from calltally.providers.generic.challenge import answer_challenge
from calltally.providers.generic.mapping_compiler import compile_mapping
from calltally.providers.generic.signature import verify
from tests.unit.providers.sampling import FORM, NOW_US

NOW_S: Final = NOW_US // 1_000_000
SECRET: Final = "s" * 40
BODY: Final = b'{"id": "c-1"}'
HEAD: Final = 'provider = "acme"\n[fields]\ncall_sid = "id"\n'
PRIVATE_KEY: Final = generate_private_key(65_537, 2_048)
PUBLIC_PEM: Final = (
    PRIVATE_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
)


def request(body: bytes = BODY, **headers: str) -> Callback:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Callback("POST", "https://calls.example/", named, body, NOW_US)


def stored(rules: str, secret: str = SECRET) -> dict[str, str]:
    return {"mapping": HEAD + "[verify]\n" + rules, "secret": secret}


def token(claims: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256") -> str:  # noqa: ANN401 (PyJWT's keys)
    return jwt.encode(claims, key, algorithm=algorithm)


HS256: Final = 'scheme = "jwt-hs256"\ndigest_claim = "payload_hash"\nissuer = "acme"\naudience = "us"\n'
CLAIMS: Final[dict[str, Any]] = {
    "iss": "acme",
    "aud": ["us", "others"],
    "iat": NOW_S,
    "payload_hash": sha256(BODY).hexdigest(),
}


@pytest.mark.parametrize(
    ("changes", "is_genuine"),
    [
        ({}, True),
        ({"aud": "us"}, True),
        ({"exp": NOW_S + 10}, True),
        ({"exp": NOW_S + 10, "iat": NOW_S - 9_999}, True),
        ({"exp": NOW_S - 61}, False),
        ({"nbf": NOW_S + 61}, False),
        ({"iat": NOW_S - 301}, False),
        ({"iat": NOW_S + 301}, False),
        ({"iss": "other"}, False),
        ({"aud": ["others"]}, False),
        ({"payload_hash": sha256(b"{}").hexdigest()}, False),
        ({"payload_hash": "not hex"}, False),
    ],
)
def test_tokens_cover_time_issuer_audience_and_body(changes: dict[str, Any], is_genuine: bool) -> None:  # noqa: FBT001 (the expected result)
    signed = request(authorization=f"Bearer {token({**CLAIMS, **changes})}")
    assert verify(signed, stored(HS256)) is is_genuine


@pytest.mark.parametrize("missing", ["iat", "payload_hash", "iss", "aud"])
def test_tokens_without_a_required_claim_are_refused(missing: str) -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != missing}
    assert not verify(request(authorization=token(claims)), stored(HS256))


def test_rs256_tokens_need_the_public_key() -> None:
    rules = 'scheme = "jwt-rs256"\nheader = "x-token"\ndigest_claim = "digest"\ndigest_encoding = "base64"\n'
    claims = {"exp": NOW_S + 60, "digest": b64encode(sha256(BODY).digest()).decode()}
    signed = request(x_token=token(claims, PRIVATE_KEY, "RS256"))
    for pem in (PUBLIC_PEM, PUBLIC_PEM.replace("\n", "\\n")):
        assert verify(signed, stored(rules, pem))
    other = generate_private_key(65_537, 2_048)
    assert not verify(request(x_token=token(claims, other, "RS256")), stored(rules, PUBLIC_PEM))
    assert not verify(signed, stored(rules, "no key"))


def test_a_token_does_not_choose_its_algorithm() -> None:
    """A public key is no secret: a token that is signed with it as an HMAC key is forged."""
    message = jwt.encode({"exp": NOW_S + 60}, SECRET, algorithm="HS256").rpartition(".")[0]
    signature = hmac.digest(PUBLIC_PEM.encode(), message.encode(), "sha256")
    forged = message + "." + jwt.utils.base64url_encode(signature).decode()
    rules = 'scheme = "jwt-rs256"\n'
    assert not verify(request(authorization=forged), stored(rules, PUBLIC_PEM))
    unsigned = jwt.encode({"exp": NOW_S + 60}, "", algorithm="none")
    assert not verify(request(authorization=unsigned), stored('scheme = "jwt-hs256"\n'))


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "é.é.é", "." * 9_000, "W10.W10.W10", "e30.MQ.e30"])
def test_text_that_is_no_token_is_refused(text: str) -> None:
    assert not verify(request(authorization=text), stored('scheme = "jwt-hs256"\n'))


@pytest.mark.parametrize("exp", [True, "soon", 1e400, -1, 2**63, None])
def test_times_that_are_no_seconds_are_refused(exp: object) -> None:
    head, claims = b'{"alg":"HS256"}', json.dumps({"exp": exp}).replace("Infinity", "1e400").encode()
    message = b".".join(jwt.utils.base64url_encode(part) for part in (head, claims))
    signature = jwt.utils.base64url_encode(hmac.digest(SECRET.encode(), message, "sha256"))
    assert not verify(
        request(authorization=(message + b"." + signature).decode()), stored('scheme = "jwt-hs256"\n')
    )


@pytest.mark.parametrize(
    ("piece", "digest"),
    [
        ("{body_sha256}", sha256(BODY).hexdigest()),
        ("{body_sha256_base64}", b64encode(sha256(BODY).digest()).decode()),
    ],
)
def test_signatures_may_cover_the_digest_of_the_body(piece: str, digest: str) -> None:
    rules = f'scheme = "hmac"\nheader = "x-sign"\nsigned = "POST {piece}"\n'
    signature = hmac.new(SECRET.encode(), f"POST {digest}".encode(), "sha256").hexdigest()
    assert verify(request(x_sign=signature), stored(rules))
    assert not verify(request(b"{}", x_sign=signature), stored(rules))


@pytest.mark.parametrize(
    ("time", "is_genuine"),
    [
        ("2026-08-22T09:00:00Z", True),
        ("2026-08-22T11:02:00.123+02:00", True),
        ("2026-08-22T08:54:59Z", False),
        ("2026-08-22T09:00:00", False),
        ("today", False),
    ],
)
def test_times_of_signing_may_be_iso_8601(time: str, is_genuine: bool) -> None:  # noqa: FBT001 (the expected result)
    rules = (
        'scheme = "hmac"\nheader = "x-sign"\nsigned = "{timestamp}.{body}"\n'
        'timestamp = "x-time"\ntimestamp_unit = "iso8601"\n'
    )
    signature = hmac.new(SECRET.encode(), f"{time}.".encode() + BODY, "sha256").hexdigest()
    assert verify(request(x_sign=signature, x_time=time), stored(rules)) is is_genuine


IN_BODY: Final = 'scheme = "body"\nsecret_path = "auth.token"\n'


@pytest.mark.parametrize(
    ("content", "is_genuine"),
    [
        ({"auth": {"token": SECRET}}, True),
        ({"auth": {"token": "other"}}, False),
        ({"auth": {"token": ""}}, False),
        ({"auth": {"token": [SECRET]}}, False),
        ({"auth": SECRET}, False),
        ({"auth": {"token": SECRET}, "x": "x" * 300_000}, False),
    ],
)
def test_secrets_inside_bodies_are_compared(content: dict[str, Any], is_genuine: bool) -> None:  # noqa: FBT001 (the expected result)
    assert verify(request(json.dumps(content).encode()), stored(IN_BODY)) is is_genuine


def test_secrets_inside_forms_are_compared() -> None:
    rules = 'scheme = "body"\nsecret_path = "token"\n'
    for secret, is_genuine in ((SECRET, True), ("other", False)):
        body = urlencode({"token": secret, "id": "c-1"}).encode()
        assert verify(request(body, content_type=FORM), stored(rules)) is is_genuine
    for unreadable in (b"\xff", b"{", b"", b"%"):
        assert not verify(request(unreadable), stored(rules))


@pytest.mark.parametrize("path", ["calls[0].token", "calls[kind=own].token", "auth.token"])
def test_secrets_are_found_at_any_path(path: str) -> None:
    rules = f'scheme = "body"\nsecret_path = "{path}"\n'
    for secret, is_genuine in ((SECRET, True), ("other", False)):
        content = {"calls": [{"kind": "own", "token": secret}], "auth": {"token": secret}}
        assert verify(request(json.dumps(content).encode()), stored(rules)) is is_genuine
    for other in (b'{"calls": {}, "auth": []}', b'{"calls": [1], "auth": 1}', b'{"x": ' + b"[" * 9_999):
        assert not verify(request(other), stored(rules))


def test_the_rest_of_a_body_with_a_secret_is_not_decoded() -> None:
    """Decoded, each of these lists would take 56 bytes and more."""
    body = b'{"x": [' + b"[]," * 80_000 + b'1], "auth": {"y": [' + b"[]," * 5_000 + b'1], "token": "%b"}}'
    callback, secrets = request(body % SECRET.encode()), stored(IN_BODY)
    assert verify(callback, secrets)
    tracemalloc.start()
    try:
        assert verify(callback, secrets)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("path", ["a.token", "a[0].token"])
def test_long_forms_and_lists_are_not_searched_for_a_secret(path: str) -> None:
    rules = f'scheme = "body"\nsecret_path = "{path}"\n'
    for size in (100, 70_000):
        token = f"a=&a.token={SECRET}&x=" if path == "a.token" else f'{{"a": [{{"token": "{SECRET}"}}, "'
        body = token + "x" * size + ("" if path == "a.token" else '"]}')
        quoted = stored(rules.replace('"a.token"', "'\"a.token\"'"))
        assert verify(request(body.encode(), content_type=FORM), quoted) is (size == 100)


def test_few_ed25519_signatures_are_tried_on_bodies_of_512_kib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can send ten signatures with a body of 5 MiB: to try them took 145 ms."""
    tried: list[int] = []

    def is_signed(_key: bytes, _signature: bytes, message: bytes) -> bool:
        tried.append(len(message))
        return False

    monkeypatch.setattr(ed25519, "is_signed", is_signed)
    rules = 'scheme = "ed25519"\nheader = "x-sign"\nseparator = ","\n'
    secrets = stored(rules, "11" * 32) | {"secret_secondary": "22" * 32}
    signatures = ",".join(["33" * 64] * 10)
    for size in (524_288, 524_289):
        assert not verify(request(b"x" * size, x_sign=signatures), secrets)
    assert tried == [524_288] * 4


ZOOM: Final = (
    'scheme = "hmac"\nheader = "x-zm-signature"\nprefix = "v0="\nsigned = "v0:{timestamp}:{body}"\n'
    'timestamp = "x-zm-request-timestamp"\nchallenge = "zoom"\n'
)


def zoom(body: bytes, secret: str = SECRET) -> Callback:
    signature = hmac.new(secret.encode(), f"v0:{NOW_S}:".encode() + body, "sha256").hexdigest()
    return request(body, x_zm_signature=f"v0={signature}", x_zm_request_timestamp=str(NOW_S))


def test_the_handshake_of_zoom_returns_the_token_and_its_hmac() -> None:
    body = (
        b'{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1}'
    )
    answer = answer_challenge(zoom(body), stored(ZOOM))
    assert answer is not None
    assert json.loads(answer.body) == {
        "plainToken": "qgg8vlvZRS6UYooatFL8Aw",
        "encryptedToken": hmac.new(SECRET.encode(), b"qgg8vlvZRS6UYooatFL8Aw", "sha256").hexdigest(),
    }
    assert answer_challenge(zoom(body, "other"), stored(ZOOM)) is None
    for other in (b'{"event":"phone.callee_ended","payload":{"plainToken":"a"}}', b'{"event":"e"}', b"{"):
        assert answer_challenge(zoom(other), stored(ZOOM)) is None


RINGCENTRAL: Final = 'scheme = "bearer"\nheader = "verification-token"\nchallenge = "ringcentral"\n'


def test_the_handshake_of_ringcentral_returns_its_header() -> None:
    answer = answer_challenge(request(b"", validation_token="a1b2-c3"), stored(RINGCENTRAL))
    assert answer is not None
    assert (answer.body, answer.headers) == (b"", {"validation-token": "a1b2-c3"})
    for refused in (
        *(request(BODY, validation_token="a1b2"), request(b""), request(b"", validation_token="a\r\nb")),
        request(b"", validation_token="x" * 300),
    ):
        assert answer_challenge(refused, stored(RINGCENTRAL)) is None
    assert verify(request(verification_token=SECRET), stored(RINGCENTRAL))


def test_mappings_without_a_handshake_answer_none() -> None:
    assert answer_challenge(request(b"", validation_token="a"), stored('scheme = "bearer"\n')) is None
    assert answer_challenge(request(b"", validation_token="a"), {"mapping": "no TOML"}) is None


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ('scheme = "body"', "verify.secret_path: is the path of the secret"),
        ('scheme = "bearer"\nsecret_path = "a"', "verify.secret_path: is the path of the secret"),
        ('scheme = "jwt-none"', "verify.scheme: is 'jwt-none'; it must be one of hmac, ed25519"),
        ('scheme = "bearer"\nchallenge = "zoom"', "the handshake of zoom needs the scheme `hmac`"),
        ('scheme = "bearer"\nchallenge = "slack"', "verify.challenge: is 'slack'; it must be one of zoom"),
        (
            'scheme = "hmac"\nheader = "x"\nsigned = "{body_md5}"',
            "verify.signed: may contain text and {body}",
        ),
        (
            'scheme = "hmac"\nheader = "x"\nsigned = "{body}.{body_sha256}"',
            "verify.signed: has the body more than once",
        ),
    ],
)
def test_faults_of_verification_rules_are_named(rules: str, fault: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        compile_mapping(HEAD + "[verify]\n" + rules)
    assert fault in raised.value.detail
