"""Calls under way: each as four signed status callbacks, in the order in which they would come in."""

import heapq
import random
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Final, NamedTuple
from urllib.parse import urlencode

from bench.traffic import (
    END_US,
    ROUTES,
    TENANTS,
    Made,
    agent_name,
    call,
    own_number,
    route_name,
    tenant_by_share,
)
from calltally.calls.times import EPOCH, SECOND_US
from calltally.ingest.routes import map_route
from calltally.providers.callback import Callback
from calltally.providers.form import FORM_TYPE
from calltally.providers.registry import WEBHOOKS
from calltally.providers.twilio.signature import HEADER, sign
from calltally.store.db.interface import Submission
from calltally.store.tenants.routes import RouteTarget

FACTS_A_CALL: Final = 4
TOKEN: Final = "the-benchmark-signs-with-this"  # noqa: S105 - guards made-up calls on loopback
_CALLS_PER_S: Final = 40
_ACCOUNT: Final = "AC" + "5ca1ab1e" * 4
_TABLES: Final = {
    tenant: {own_number(tenant, n): RouteTarget(route_name(n), agent_name(n)) for n in range(ROUTES)}
    for tenant in TENANTS
}
# What came before the end, by how it ended: always four callbacks a call.
_REPORTED: Final = ("initiated", "ringing", "in-progress")
_UNANSWERED: Final = ("queued", "initiated", "ringing")


class Message(NamedTuple):
    """One callback: its form, whose it is, and when it happened."""

    at_us: int
    number: int
    tenant: str
    form: list[tuple[str, str]]


def messages(seed: int, *, per_s: float = _CALLS_PER_S, start_us: int = END_US) -> Iterator[Message]:
    """Callbacks of ever new calls, `per_s` of which begin in a second, by their time. Never ends."""
    rng = random.Random(seed)
    pending: list[Message] = []
    started_us = start_us
    number = 0
    while True:
        started_us += int(rng.expovariate(per_s) * SECOND_US) + 1
        while pending and pending[0].at_us <= started_us:
            yield heapq.heappop(pending)
        made = call(rng, tenant_by_share(rng), started_us)
        for sequence in range(FACTS_A_CALL):
            number += 1
            heapq.heappush(pending, _message(made, sequence, number))


def _message(made: Made, sequence: int, number: int) -> Message:
    before = _REPORTED if made.status == "completed" else _UNANSWERED
    status = (*before, made.status)[sequence]
    delay_s = (0, 1, 6, 7 + min(made.talk_s, 60))[sequence]
    at_us = made.created_us + delay_s * SECOND_US
    return Message(at_us, number, made.tenant, _form(made, status, sequence, at_us))


def _form(made: Made, status: str, sequence: int, at_us: int) -> list[tuple[str, str]]:
    """As many parameters as Twilio sends with a status callback."""
    caller, called = made.numbers
    form = {
        "CallSid": made.sid,
        "AccountSid": _ACCOUNT,
        "ApiVersion": "2010-04-01",
        "CallStatus": status,
        "Direction": "inbound" if made.direction == "inbound" else "outbound-api",
        "From": caller,
        "Caller": caller,
        "To": called,
        "Called": called,
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": format_datetime(EPOCH + timedelta(microseconds=at_us)),
    }
    form |= {f"{end}{part}": "" for end in ("From", "To") for part in ("City", "State", "Zip")}
    form |= {"FromCountry": "US", "ToCountry": "US"}
    if sequence == FACTS_A_CALL - 1:
        form |= {"CallDuration": str(made.talk_s), "Duration": "1", "SipResponseCode": "200"}
    return list(form.items())


def submission(message: Message) -> Submission:
    """The message as the intake would hand it to the ledger."""
    callback = Callback("POST", "", {"content-type": FORM_TYPE}, _body(message), message.at_us)
    (fact,) = WEBHOOKS["twilio"].facts_of(callback)
    return Submission(message.tenant, map_route(fact, _TABLES[message.tenant]))


def request(message: Message, port: int) -> bytes:
    """The message as a signed HTTP request to a service on that port of loopback."""
    path, host = f"/api/v1/ingest/twilio/{message.tenant}", f"127.0.0.1:{port}"
    signature = sign(f"http://{host}{path}", message.form, TOKEN)
    body = _body(message)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {FORM_TYPE}\r\n"
        f"{HEADER}: {signature}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _body(message: Message) -> bytes:
    return urlencode(message.form).encode()
