"""Requests to strangers: what they may reach, what they may cost, and what is kept of their answers."""

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


def asked(
    behave: Behave, *, times: int = 1, timeout_s: float = 5.0, path: str = "/hook"
) -> tuple[list[RequestOutcome], Receiver]:
    """What came of sending so many times, one after the other."""

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


def test_a_request_arrives_as_it_was_meant() -> None:
    outcomes, receiver = asked(answer_ok, path="/hook?a=1")
    assert only(outcomes) == OutgoingResponse(200, {"content-length": "2"}, b"ok")
    [visit] = receiver.visits
    assert visit.head.startswith(b"POST /hook?a=1 HTTP/1.1\r\n")
    assert visit.body == b"{}"
    assert visit.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert (visit.headers["x-own"], visit.headers["content-length"]) == ("1", "2")


def test_connections_are_kept() -> None:
    outcomes, receiver = asked(answer_ok, times=5)
    assert [type(each) for each in outcomes] == [OutgoingResponse] * 5
    assert receiver.connections == 1


def test_a_connection_that_the_other_side_ended_meanwhile_is_no_failure() -> None:
    answered = 0

    async def end_instead(visit: Visit) -> None:
        nonlocal answered
        answered += 1
        if answered == 2:
            visit.writer.close()
        else:
            await visit.say(OK)

    outcomes, receiver = asked(end_instead, times=2)
    assert [type(each) for each in outcomes] == [OutgoingResponse, OutgoingResponse]
    assert (receiver.connections, len(receiver.visits)) == (2, 3)


def test_an_answer_that_says_close_is_not_asked_again() -> None:
    _, receiver = asked(answering(OK.replace(b"content", b"connection: close\r\ncontent")), times=2)
    assert receiver.connections == 2


def test_what_comes_without_being_asked_for_ends_the_connection() -> None:
    outcomes, receiver = asked(answering(OK + OK), times=2)
    assert [type(each) for each in outcomes] == [OutgoingResponse, OutgoingResponse]
    assert receiver.connections == 2


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    away = b"HTTP/1.1 307 Away\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n"
    outcome = only(asked(answering(away))[0])
    assert isinstance(outcome, OutgoingResponse)
    assert (outcome.status, outcome.headers["location"]) == (307, "http://169.254.169.254/latest")


def test_of_a_large_answer_a_kibibyte_is_kept_and_little_more_is_read() -> None:
    async def without_end(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await visit.say(b"3e8\r\n" + b"x" * 1000 + b"\r\n")

    outcome = only(asked(without_end)[0])
    assert outcome == OutgoingResponse(500, {"transfer-encoding": "chunked"}, b"x" * 1024)


def test_endless_headers_are_no_answer() -> None:
    async def endless(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 200 OK\r\n")
        while True:
            await visit.say(b"x-filler: " + b"y" * 1000 + b"\r\n")

    outcome = only(asked(endless)[0])
    assert isinstance(outcome, RequestFailure)
    assert outcome.reason == "too-large"


def test_interim_answers_are_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    assert only(asked(answering(early + OK))[0]) == OutgoingResponse(200, {"content-length": "2"}, b"ok")


def test_endless_interim_answers_are_no_answer() -> None:
    async def endless(visit: Visit) -> None:
        while True:
            await visit.say(b"HTTP/1.1 100 Continue\r\n\r\n" * 40)

    outcome = only(asked(endless)[0])
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
        await visit.say(answer)
        visit.writer.close()

    outcome = only(asked(and_close)[0])
    assert isinstance(outcome, OutgoingResponse)
    assert (outcome.status, outcome.body) == (200, b"until the end")


def test_another_protocol_is_not_taken_up() -> None:
    outcome = only(
        asked(answering(b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"))[0]
    )
    assert isinstance(outcome, OutgoingResponse)
    assert outcome.status == 101


@pytest.mark.parametrize(
    ("behave", "reason"),
    [(reset, "reset"), (answering(b"\x16\x03\x01 what?\r\n\r\n"), "malformed"), (hang, "timeout")],
)
def test_no_answer_is_told_apart(behave: Behave, reason: str) -> None:
    outcome = only(asked(behave, timeout_s=0.3)[0])
    assert isinstance(outcome, RequestFailure)
    assert outcome.reason == reason


def test_bytes_that_drip_run_out_of_time_as_a_whole() -> None:
    async def drip(visit: Visit) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" + b"x-slow: 1\r\n" * 100:
            await visit.say(bytes([byte]))
            await asyncio.sleep(timedelta(milliseconds=20).total_seconds())

    outcome = only(asked(drip, timeout_s=0.4)[0])
    assert outcome == RequestFailure("timeout", "no answer within 0.4 s")


def test_a_body_that_does_not_end_does_not_undo_its_status() -> None:
    async def begin(visit: Visit) -> None:
        await visit.say(OK[:-1])
        await hang(visit)

    outcome = only(asked(begin, timeout_s=0.3)[0])
    assert outcome == OutgoingResponse(200, {"content-length": "2"}, b"o")


def test_nobody_there_is_unreachable() -> None:
    async def session() -> RequestOutcome:
        async with receiving(answer_ok) as receiver:
            port = receiver.port
        return await outgoing().post(f"http://127.0.0.1:{port}/", {}, b"")

    outcome = asyncio.run(session())
    assert isinstance(outcome, RequestFailure)
    assert (outcome.reason, "127.0.0.1" in outcome.detail) == ("unreachable", True)


def names(table: dict[str, list[list[str]]]) -> tuple[Resolve, list[str]]:
    """A resolver by a table of answers, one after the other; and what it was asked."""
    asked_for: list[str] = []

    async def resolve(host: str, _port: int) -> list[str]:
        asked_for.append(host)
        answers = table.get(host)
        if answers is None:
            raise OSError("no such name")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    return resolve, asked_for


def to_name(table: dict[str, list[list[str]]], *, times: int = 1) -> tuple[list[RequestOutcome], Receiver]:
    async def session() -> tuple[list[RequestOutcome], Receiver]:
        client = outgoing(resolve=names(table)[0])
        async with receiving(answering(OK.replace(b"content", b"connection: close\r\ncontent"))) as receiver:
            url = f"http://hook.example:{receiver.port}/"
            outcomes = [await client.post(url, {}, b"{}") for _ in range(times)]
        return outcomes, receiver

    return asyncio.run(session())


def test_a_name_is_connected_to_by_the_address_that_was_judged() -> None:
    outcomes, receiver = to_name({"hook.example": [["127.0.0.1"]]})
    assert isinstance(only(outcomes), OutgoingResponse)
    assert receiver.visits[0].headers["host"] == f"hook.example:{receiver.port}"


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "::1", "::ffff:10.0.0.1", "0.0.0.0"])  # noqa: S104
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    outcome = only(to_name({"hook.example": [[address]]})[0])
    assert isinstance(outcome, RequestFailure)
    assert outcome.reason == "refused-address"


def test_a_name_that_changes_is_judged_at_each_connection() -> None:
    outcomes, receiver = to_name({"hook.example": [["127.0.0.1"], ["169.254.169.254"]]}, times=2)
    assert [type(each) for each in outcomes] == [OutgoingResponse, RequestFailure]
    assert len(receiver.visits) == 1


def test_of_several_addresses_only_permitted_ones_are_tried_in_turn() -> None:
    outcomes, receiver = to_name({"hook.example": [["169.254.169.254", "127.0.0.9", "127.0.0.1"]]})
    assert isinstance(only(outcomes), OutgoingResponse)
    assert len(receiver.visits) == 1


def test_a_name_without_an_address_is_told_apart() -> None:
    outcome = only(to_name({})[0])
    assert outcome == RequestFailure("no-such-host", "hook.example has no address: no such name")
    empty = only(to_name({"hook.example": [[]]})[0])
    assert isinstance(empty, RequestFailure)
    assert empty.reason == "refused-address"


def test_plain_http_and_addresses_of_this_machine_need_leave() -> None:
    async def session(url: str) -> RequestOutcome:
        return await OutgoingClient(OutgoingPolicy()).post(url, {}, b"")

    for url in ("http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/"):
        outcome = asyncio.run(session(url))
        assert isinstance(outcome, RequestFailure)
        assert outcome.reason == "bad-url"


def test_headers_cannot_carry_headers() -> None:
    async def session() -> None:
        await outgoing().post("http://127.0.0.1:9/", {"x": "a\r\ny: b"}, b"")

    with pytest.raises(ValueError, match="line break"):
        asyncio.run(session())


# ------------------------------------------------------------------------------------------------ TLS


def _certificate(folder: Path, name: str) -> Path:
    """A certificate of its own authority for one name; the file has its key beside it."""
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


def over_tls(folder: Path, asked_name: str, *, is_trusted: bool = True) -> RequestOutcome:
    async def session(server: ssl.SSLContext, client: ssl.SSLContext | None) -> RequestOutcome:
        resolve, _ = names({asked_name: [["127.0.0.1"]]})
        sender = OutgoingClient(OutgoingPolicy(networks=LOOPBACK, timeout_s=5), resolve=resolve, tls=client)
        async with receiving(answer_ok, server) as receiver:
            outcome = await sender.post(f"https://{asked_name}:{receiver.port}/", {}, b"{}")
            sender.close()
        return outcome

    with secured(folder, "hook.example") as (server, client):
        return asyncio.run(session(server, client if is_trusted else None))


def test_tls_is_verified_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    assert isinstance(over_tls(tmp_path, "hook.example"), OutgoingResponse)


def test_another_name_and_another_authority_are_not_trusted(tmp_path: Path) -> None:
    for outcome in (
        over_tls(tmp_path, "other.example"),
        over_tls(tmp_path, "hook.example", is_trusted=False),
    ):
        assert isinstance(outcome, RequestFailure)
        assert outcome.reason == "tls"


# --------------------------------------------------------------------------------------------- look-ups


def run(make: Callable[[], Awaitable[T]]) -> T:
    async def session() -> T:
        return await make()

    return asyncio.run(session())


def test_a_name_is_asked_for_once_however_many_wait() -> None:
    asked_for: list[str] = []

    def ask(host: str, _port: int) -> list[str]:
        asked_for.append(host)
        return ["192.0.2.1"]

    async def session() -> list[Sequence[str]]:
        lookup = Resolver(ask)
        return await asyncio.gather(*[lookup("h.example", 443) for _ in range(5)])

    assert run(session) == [["192.0.2.1"]] * 5
    assert asked_for == ["h.example"]


def test_this_machine_has_a_name_and_others_have_none() -> None:
    assert "127.0.0.1" in run(lambda: Resolver()("localhost", 80))
    with pytest.raises(OSError, match=r"\w"):
        run(lambda: Resolver()("a" * 64 + ".example", 80))
