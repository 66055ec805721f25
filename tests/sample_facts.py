"""Facts as tests write them down: what is said, when, by whom."""

from typing import Any, cast

from msgspec.structs import replace

from calltally.calls.events import Channel, Fact, StatedFields, content_digest
from calltally.calls.identity import Node
from calltally.calls.times import SECOND_US

START_US = 1_790_000_040_000_000
SID = "CA" + "0" * 32


def at_us(second: float) -> int:
    """An instant so many seconds after the tests' start."""
    return START_US + int(second * SECOND_US)


def fact(
    at: float,
    call_sid: str = SID,
    *,
    channel: Channel = Channel.CALLBACK,
    provider: str = "twilio",
    event_id: str = "",
    sequence: int | None = None,
    is_carrier: bool | None = None,
    links: tuple[Node, ...] = (),
    raw: bytes = b"{}",
    **stated: Any,  # noqa: ANN401 (values of every kind)
) -> Fact:
    """Make a fact at a second; its digest covers every field that distinguishes it from others."""
    return Fact(
        call_sid=call_sid,
        channel=int(channel),
        provider=provider,
        account="",
        event_id=event_id,
        sequence=sequence,
        occurred_us=at_us(at),
        received_us=START_US,
        digest=content_digest([call_sid, at, sequence, stated, [list(link) for link in links]]),
        stated=cast("StatedFields", stated),
        raw=raw,
        is_carrier=call_sid.startswith("CA") and channel != Channel.OWN_EVENT
        if is_carrier is None
        else is_carrier,
        links=links,
    )


def of_provider(made: Fact, provider: str) -> Fact:
    """Return a fact that states the provider of its call, as the readers of callbacks do."""
    return replace(made, stated=cast("StatedFields", {**made.stated, "provider": provider}))


def own(
    at: float,
    call_sid: str = SID,
    *,
    event_id: str = "",
    sequence: int | None = None,
    **stated: Any,  # noqa: ANN401 (values of every kind)
) -> Fact:
    """The tenant's own event."""
    return fact(
        at, call_sid, channel=Channel.OWN_EVENT, provider="", event_id=event_id, sequence=sequence, **stated
    )
