"""The report of a window in its shapes and words, made of what the ledger shows. Pure."""

from collections.abc import Iterator

import msgspec

from calltally.calls.times import utc_text
from calltally.calls.windows import Window
from calltally.reconcile.open_calls import OpenCalls
from calltally.reconcile.provider_gaps import Silence
from calltally.store.ledger.window_status import Waiting


class Disputed(msgspec.Struct, frozen=True):
    """A call whose facts contradict each other, and how many of them do."""

    id: str
    call_sid: str
    status: str
    created_at: str
    conflicts: int


class DisputedCalls(msgspec.Struct, frozen=True):
    """How many there are, and the oldest of them."""

    calls: int = 0
    listed: tuple[Disputed, ...] = ()


class ProviderSilence(msgspec.Struct, frozen=True):
    """Whole hours in which no call of a provider began; `to` is null where it lasts."""

    provider: str
    since: str
    to: str | None
    hours: int
    usual_hours: int


class Letters(msgspec.Struct, frozen=True):
    """Dead letters of a provider that wait for a replay."""

    provider: str
    letters: int
    oldest_received_at: str


class WindowStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The report. `reasons` say why it is not complete, `remarks` what to look at all the same.

    Times are RFC 3339. `revision` is the ledger's head; `watermark` the time before which nothing more is
    expected, null where nothing was ever told.
    """

    tenant: str
    begins: str = msgspec.field(name="from")
    ends: str = msgspec.field(name="to")
    at: str
    complete: bool
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]
    calls: int
    revision: int
    watermark: str | None
    open: OpenCalls
    disputed: DisputedCalls
    silences: tuple[ProviderSilence, ...]
    dead_letters: tuple[Letters, ...]


class Seen(msgspec.Struct, frozen=True):
    """What the ledger shows, before anything is made of it."""

    calls: int
    revision: int
    watermark_us: int | None
    open: OpenCalls
    disputed: DisputedCalls
    silences: tuple[Silence, ...]
    letters: tuple[Waiting, ...]


def report_of(tenant: str, window: Window, now_us: int, seen: Seen) -> WindowStatus:
    """The report; it is complete where nothing says that it is not."""
    reasons = tuple(_reasons(window, now_us, seen))
    return WindowStatus(
        tenant=tenant,
        begins=utc_text(window.from_us),
        ends=utc_text(window.to_us),
        at=utc_text(now_us),
        complete=not reasons,
        reasons=reasons,
        remarks=tuple(_remarks(seen)),
        calls=seen.calls,
        revision=seen.revision,
        watermark=None if seen.watermark_us is None else utc_text(seen.watermark_us),
        open=seen.open,
        disputed=seen.disputed,
        silences=tuple(map(_shown_silence, seen.silences)),
        dead_letters=tuple(
            Letters(each.provider, each.letters, utc_text(each.oldest_us)) for each in seen.letters
        ),
    )


def _reasons(window: Window, now_us: int, seen: Seen) -> Iterator[str]:
    if window.to_us > now_us:
        yield "it is not over yet"
    elif seen.watermark_us is None:
        yield "nothing was ever told of a call, so nothing can be known of it"
    elif seen.watermark_us < window.to_us:
        yield f"by the providers' lags, only what is from before {_minute(seen.watermark_us)} is settled"
    if seen.open.calls:
        older = f", {seen.open.older} of them for longer than their provider takes" if seen.open.older else ""
        yield f"{_many(seen.open.calls, 'call is', 'calls are')} still open{older}"
    for silence in seen.silences:
        yield _silent(silence)
    for each in seen.letters:
        letters = _many(each.letters, "dead letter waits", "dead letters wait")
        yield f"{letters} for a replay: {each.provider}, since {_minute(each.oldest_us)}"


def _remarks(seen: Seen) -> Iterator[str]:
    if seen.disputed.calls:
        calls = _many(seen.disputed.calls, "call has", "calls have")
        yield f"{calls} facts that contradict each other: two tellings of one SID do not agree"
    if not seen.calls:
        yield "there is no call in it"


def _silent(silence: Silence) -> str:
    since = _minute(silence.from_us)
    when = f"has been silent since {since}"
    if silence.to_us is not None:
        when = f"was silent from {since} to {_minute(silence.to_us)}"
    return f"{silence.provider} {when}: {silence.hours} h, where up to {silence.usual_hours} h are usual"


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def _minute(instant_us: int) -> str:
    """A time as people read it in a sentence, in UTC."""
    return utc_text(instant_us)[:16].replace("T", " ")


def _shown_silence(silence: Silence) -> ProviderSilence:
    to = None if silence.to_us is None else utc_text(silence.to_us)
    since = utc_text(silence.from_us)
    return ProviderSilence(silence.provider, since, to, silence.hours, silence.usual_hours)
