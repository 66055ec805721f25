"""Requests to untrusted servers: permitted addresses, limits, and the responses."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from calltally.net.addresses import parse_networks
from calltally.net.dns import Resolver
from calltally.net.http_client import OutgoingClient, OutgoingPolicy, RequestFailure, RequestOutcome, Resolve
from calltally.net.http_connection import OutgoingResponse
from tests.integration.net.receivers import (
    OK,
    Behave,
    Receiver,
    Visit,
    answer_ok,
    answering,
    hang,
    receiving,
    reset,
)

LOOPBACK = parse_networks("127.0.0.0/8")
T = TypeVar("T")


def outgoing(*, timeout_s: float = 5.0, resolve: Resolve | None = None) -> OutgoingClient:
    return OutgoingClient(
        OutgoingPolicy(allow_http=True, networks=LOOPBACK, timeout_s=timeout_s), resolve=resolve
    )


def send_requests(
    behave: Behave, *, times: int = 1, timeout_s: float = 5.0, path: str = "/hook"
) -> tuple[list[RequestOutcome], Receiver]:
    """Send requests one after the other and return their outcomes."""

    async def session() -> tuple[list[RequestOutcome], Receiver]:
        client = outgoing(timeout_s=timeout_s)
        async with receiving(behave) as receiver:
            url = f"http://127.0.0.1:{receiver.port}{path}"
            outcomes = [await client.post(url, {"x-own": "1"}, b"{}") for _ in range(times)]
            client.close()
        return outcomes, receiver

    return asyncio.run(session())


def only(outcomes: Sequence[RequestOutcome]) -> RequestOutcome:
    [outcome] = outcomes
    return outcome


def test_request_arrives_unchanged() -> None:
    outcomes, receiver = send_requests(answer_ok, path="/hook?a=1")
    assert only(outcomes) == OutgoingResponse(200, {"content-length": "2"}, b"ok")
    [visit] = receiver.visits
    assert visit.head.startswith(b"POST /hook?a=1 HTTP/1.1\r\n")
    assert visit.body == b"{}"
    assert visit.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert (visit.headers["x-own"], visit.headers["content-length"]) == ("1", "2")


def test_connection_is_reused() -> None:
    outcomes, receiver = send_requests(answer_ok, times=5)
    assert [type(each) for each in outcomes] == [OutgoingResponse] * 5
    assert receiver.connections == 1


def test_idle_connection_closed_by_the_server_is_replaced() -> None:
    answered = 0

    async def end_instead(visit: Visit) -> None:
        nonlocal answered
        answered += 1
        if answered == 2:
            visit.writer.close()
        else:
            await visit.send(OK)

    outcomes, receiver = send_requests(end_instead, times=2)
    assert [type(each) for each in outcomes] == [OutgoingResponse, OutgoingResponse]
    assert (receiver.connections, len(receiver.visits)) == (2, 3)


def test_connection_close_ends_the_connection() -> None:
    _, receiver = send_requests(answering(OK.replace(b"content", b"connection: close\r\ncontent")), times=2)
    assert receiver.connections == 2


def test_unrequested_response_ends_the_connection() -> None:
    outcomes, receiver = send_requests(answering(OK + OK), times=2)
    assert [type(each) for each in outcomes] == [OutgoingResponse, OutgoingResponse]
    assert receiver.connections == 2


def test_redirect_is_returned_and_not_followed() -> None:
    away = b"HTTP/1.1 307 Away\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n"
    outcome = only(send_requests(answering(away))[0])
    assert isinstance(outcome, OutgoingResponse)
    assert (outcome.status, outcome.headers["location"]) == (307, "http://169.254.169.254/latest")


def test_large_body_is_cut_to_a_kibibyte() -> None:
    async def without_end(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await visit.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n")

    outcome = only(send_requests(without_end)[0])
    assert outcome == OutgoingResponse(500, {"transfer-encoding": "chunked"}, b"x" * 1024)


def test_endless_headers_fail() -> None:
    async def endless(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await visit.send(b"x-filler: " + b"y" * 1000 + b"\r\n")

    outcome = only(send_requests(endless)[0])
    assert isinstance(outcome, RequestFailure)
    assert outcome.reason == "too-large"


def test_interim_responses_are_skipped() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    assert only(send_requests(answering(early + OK))[0]) == OutgoingResponse(
        200, {"content-length": "2"}, b"ok"
    )


def test_endless_interim_responses_fail() -> None:
    async def endless(visit: Visit) -> None:
        while True:
            await visit.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 40)

    outcome = only(send_requests(endless)[0])
    assert isinstance(outcome, RequestFailure)
    assert outcome.reason == "too-large"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd\r\nuntil the end\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    ],
)
def test_bodies_of_every_framing_are_read(answer: bytes) -> None:
    async def and_close(visit: Visit) -> None:
        await visit.send(answer)
        visit.writer.close()

    outcome = only(send_requests(and_close)[0])
    assert isinstance(outcome, OutgoingResponse)
    assert (outcome.status, outcome.body) == (200, b"until the end")


def test_protocol_upgrade_is_not_followed() -> None:
    outcome = only(
        send_requests(answering(b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"))[0]
    )
    assert isinstance(outcome, OutgoingResponse)
    assert outcome.status == 101


@pytest.mark.parametrize(
    ("behave", "reason"),
    [(reset, "reset"), (answering(b"\x16\x03\x01 what?\r\n\r\n"), "malformed"), (hang, "timeout")],
)
def test_missing_responses_have_different_reasons(behave: Behave, reason: str) -> None:
    outcome = only(send_requests(behave, timeout_s=0.3)[0])
    assert isinstance(outcome, RequestFailure)
    assert outcome.reason == reason


def test_dripping_response_times_out() -> None:
    async def drip(visit: Visit) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" + b"x-slow: 1\r\n" * 100:
            await visit.send(bytes([byte]))
            await asyncio.sleep(timedelta(milliseconds=20).total_seconds())

    outcome = only(send_requests(drip, timeout_s=0.4)[0])
    assert outcome == RequestFailure("timeout", "no answer within 0.4 s")


def test_endless_body_keeps_its_status() -> None:
    async def begin(visit: Visit) -> None:
        await visit.send(OK[:-1])
        await hang(visit)

    outcome = only(send_requests(begin, timeout_s=0.3)[0])
    assert outcome == OutgoingResponse(200, {"content-length": "2"}, b"o")


def test_closed_port_is_unreachable() -> None:
    async def session() -> RequestOutcome:
        async with receiving(answer_ok) as receiver:
            port = receiver.port
        return await outgoing().post(f"http://127.0.0.1:{port}/", {}, b"")

    outcome = asyncio.run(session())
    assert isinstance(outcome, RequestFailure)
    assert (outcome.reason, "127.0.0.1" in outcome.detail) == ("unreachable", True)


def table_resolver(table: dict[str, list[list[str]]]) -> tuple[Resolve, list[str]]:
    """Return a resolver over a table of successive results, and the list of its lookups."""
    lookups: list[str] = []

    async def resolve(host: str, _port: int) -> list[str]:
        lookups.append(host)
        answers = table.get(host)
        if answers is None:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    return resolve, lookups


def send_to_name(
    table: dict[str, list[list[str]]], *, times: int = 1
) -> tuple[list[RequestOutcome], Receiver]:
    async def session() -> tuple[list[RequestOutcome], Receiver]:
        client = outgoing(resolve=table_resolver(table)[0])
        async with receiving(answering(OK.replace(b"content", b"connection: close\r\ncontent"))) as receiver:
            url = f"http://hook.example:{receiver.port}/"
            outcomes = [await client.post(url, {}, b"{}") for _ in range(times)]
        return outcomes, receiver

    return asyncio.run(session())


def test_connection_goes_to_the_checked_address() -> None:
    outcomes, receiver = send_to_name({"hook.example": [["127.0.0.1"]]})
    assert isinstance(only(outcomes), OutgoingResponse)
    assert receiver.visits[0].headers["host"] == f"hook.example:{receiver.port}"


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "::1", "::ffff:10.0.0.1", "0.0.0.0"])  # noqa: S104
def test_name_of_an_internal_address_is_refused(address: str) -> None:
    outcome = only(send_to_name({"hook.example": [[address]]})[0])
    assert isinstance(outcome, RequestFailure)
    assert outcome.reason == "refused-address"


def test_address_is_checked_at_each_connection() -> None:
    outcomes, receiver = send_to_name({"hook.example": [["127.0.0.1"], ["169.254.169.254"]]}, times=2)
    assert [type(each) for each in outcomes] == [OutgoingResponse, RequestFailure]
    assert len(receiver.visits) == 1


def test_permitted_addresses_are_tried_in_order() -> None:
    outcomes, receiver = send_to_name({"hook.example": [["169.254.169.254", "127.0.0.9", "127.0.0.1"]]})
    assert isinstance(only(outcomes), OutgoingResponse)
    assert len(receiver.visits) == 1


def test_name_without_an_address_has_its_own_reason() -> None:
    outcome = only(send_to_name({})[0])
    assert outcome == RequestFailure("no-such-host", "hook.example has no address: no such name")
    empty = only(send_to_name({"hook.example": [[]]})[0])
    assert isinstance(empty, RequestFailure)
    assert empty.reason == "refused-address"


def test_plain_http_and_local_addresses_need_permission() -> None:
    async def session(url: str) -> RequestOutcome:
        return await OutgoingClient(OutgoingPolicy()).post(url, {}, b"")

    for url in ("http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/"):
        outcome = asyncio.run(session(url))
        assert isinstance(outcome, RequestFailure)
        assert outcome.reason == "bad-url"


def test_line_break_in_a_header_raises_value_error() -> None:
    async def session() -> None:
        await outgoing().post("http://127.0.0.1:9/", {"x": "a\r\ny: b"}, b"")

    with pytest.raises(ValueError, match="line break"):
        asyncio.run(session())


# ------------------------------------------------------------------------------------------------ TLS


def _certificate(folder: Path, name: str) -> Path:
    """Write a self-signed certificate for one name; the file also has its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    names_of = [x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))][: 1 if name != "ip" else 2]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName(names_of), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def secured(folder: Path, name: str) -> Iterator[tuple[ssl.SSLContext, ssl.SSLContext]]:
    path = _certificate(folder, name)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    yield server, ssl.create_default_context(cafile=str(path))


def send_over_tls(folder: Path, name: str, *, is_trusted: bool = True) -> RequestOutcome:
    async def session(server: ssl.SSLContext, client: ssl.SSLContext | None) -> RequestOutcome:
        resolve, _ = table_resolver({name: [["127.0.0.1"]]})
        sender = OutgoingClient(OutgoingPolicy(networks=LOOPBACK, timeout_s=5), resolve=resolve, tls=client)
        async with receiving(answer_ok, server) as receiver:
            outcome = await sender.post(f"https://{name}:{receiver.port}/", {}, b"{}")
            sender.close()
        return outcome

    with secured(folder, "hook.example") as (server, client):
        return asyncio.run(session(server, client if is_trusted else None))


def test_tls_is_verified_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    assert isinstance(send_over_tls(tmp_path, "hook.example"), OutgoingResponse)


def test_other_name_and_other_authority_are_not_trusted(tmp_path: Path) -> None:
    for outcome in (
        send_over_tls(tmp_path, "other.example"),
        send_over_tls(tmp_path, "hook.example", is_trusted=False),
    ):
        assert isinstance(outcome, RequestFailure)
        assert outcome.reason == "tls"


# ---------------------------------------------------------------------------------------------------- lookups


def run(make: Callable[[], Awaitable[T]]) -> T:
    async def session() -> T:
        return await make()

    return asyncio.run(session())


def test_concurrent_lookups_of_a_name_share_one() -> None:
    lookups: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        lookups.append(host)
        return ["192.0.2.1"]

    async def session() -> list[Sequence[str]]:
        lookup = Resolver(resolve)
        return await asyncio.gather(*[lookup("h.example", 443) for _ in range(5)])

    assert run(session) == [["192.0.2.1"]] * 5
    assert lookups == ["h.example"]


def test_resolver_finds_localhost_and_no_unknown_name() -> None:
    assert "127.0.0.1" in run(lambda: Resolver()("localhost", 80))
    with pytest.raises(OSError, match=r"\w"):
        run(lambda: Resolver()("a" * 64 + ".example", 80))
