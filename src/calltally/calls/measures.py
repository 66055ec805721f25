"""What one call adds to the measures of its tenant: which counts, and which seconds.

Pure, and decided once, when the call changes: the ledger keeps the answer beside the call, so that it takes
out exactly what it put in, even where a later release would judge the call otherwise.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from calltally.calls.country import country_of
from calltally.calls.failure_causes import FailureCause, is_provider_failure, is_rejected
from calltally.calls.histogram import Bins, bin_of
from calltally.calls.lifecycle import FoldedCall
from calltally.calls.model import FINAL, Call, Direction, Status

# How many calls are so, each a column of the roll-ups and a bit of `Measured.marks`. Append only.
COUNTS: Final = (
    "attempts",
    *("completed", "busy", "failed", "no_answer", "canceled"),
    *("answered", "machine_answered", "transferred", "transfers_requested", "transfers_failed", "escalated"),
    *("long_calls", "contained", "short_calls", "provider_failed", "rejected", "rang", "alerted"),
)
# Sums, over the calls of which the value is known.
SUMS: Final = ("talk_seconds", "ring_seconds", "pdd_ms")
# How many of `attempts` were erased since: they stay in every number, and are told apart here alone.
ERASED: Final = "erased_calls"
COLUMNS: Final = (*COUNTS, *SUMS, ERASED)

# Under this many seconds of talk a call is a short one (metrics.md).
SHORT_SECONDS: Final = 10
_MACHINES: Final = ("machine", "fax")
_TRANSFERS: Final = {
    "bridged": "transferred",
    "requested": "transfers_requested",
    "failed": "transfers_failed",
}
_BIT: Final = {name: 1 << place for place, name in enumerate(COUNTS)}
_RANG, _ALERTED = _BIT["rang"], _BIT["alerted"]
# Histograms of one row stand in one mapping: a kind and a bin make a number.
_KIND: Final = 1024
_PLACE: Final = {name: place for place, name in enumerate(COLUMNS)}


class CallMeasures(msgspec.Struct, frozen=True, array_like=True):
    """One call in numbers, and what the finer keys say of it ('' where it is not known).

    `marks` has a bit for each of `COUNTS`. `talk_seconds` is of answered calls, `ring_seconds` of final ones,
    `pdd_ms` of those of which start and ringing are known.
    """

    marks: int
    talk_seconds: int | None
    ring_seconds: int | None
    pdd_ms: int | None
    provider_account: str
    end_reason: str
    country: str


class _Answer(NamedTuple):
    """What of an answered call decides what it counts as; `transfer` names the one of `COUNTS` it adds to."""

    is_short: bool
    is_escalated: bool
    transfer: str | None
    is_machine: bool


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(CallMeasures)


def encode_measures(folded: FoldedCall) -> bytes:
    """What a call adds, as the ledger stores it; only a final one adds more than an attempt."""
    call = folded.call
    other_end = call.to_number if call.direction == Direction.OUTBOUND else call.from_number
    names = (call.provider_account or "", call.end_reason or "", country_of(other_end) or "")
    if call.status not in FINAL:
        return _encoder.encode(CallMeasures(_BIT["attempts"], None, None, None, *names))
    is_answered = call.answered_at is not None
    talk_seconds = (call.duration_seconds or 0) if is_answered else None
    answer = None if talk_seconds is None else _answer(call, talk_seconds)
    failure = _failure(call) if call.status == Status.FAILED else ()
    marks = _marks(call.status, failure, answer)
    marks |= _RANG * (call.ring_seconds is not None) | _ALERTED * (folded.pdd_ms is not None)
    return _encoder.encode(CallMeasures(marks, talk_seconds, call.ring_seconds, folded.pdd_ms, *names))


def decode_measures(stored: bytes) -> CallMeasures:
    """What `measure` wrote; raises msgspec.DecodeError for anything else."""
    return _decoder.decode(stored)


def column_values(measured: CallMeasures) -> list[int]:
    """The call as a row of `COLUMNS`."""
    sums = (measured.talk_seconds or 0, measured.ring_seconds or 0, measured.pdd_ms or 0)
    return [*(measured.marks >> place & 1 for place in range(len(COUNTS))), *sums, 0]


@lru_cache(maxsize=1_024)
def marked_columns(marks: int) -> tuple[int, ...]:
    """Which of `COUNTS` marks name, by their places in a row of `COLUMNS`."""
    return tuple(place for place in range(len(COUNTS)) if marks >> place & 1)


def combined_bins(measured: CallMeasures) -> Bins:
    """The call in the histograms."""
    values = (measured.talk_seconds, measured.ring_seconds, measured.pdd_ms)
    return {combined_bin(kind, value): 1 for kind, value in enumerate(values) if value is not None}


def combined_bin(kind: int, value: int) -> int:
    """The bin of a value in the histograms that stand together; its kind is its place in `SUMS`."""
    return kind * _KIND + bin_of(value)


def split_histogram(bins: Bins, name: str) -> Bins:
    """The histogram of one of `SUMS` out of those that stand together."""
    kind = SUMS.index(name)
    return {code % _KIND: count for code, count in bins.items() if code // _KIND == kind}


def column_index(name: str) -> int:
    """Where in a row of `COLUMNS` a name stands."""
    return _PLACE[name]


# Most calls are like others in this.
@lru_cache(maxsize=1_024)
def _marks(status: str, failure: tuple[str, ...], answer: _Answer | None) -> int:
    names = ["attempts", status.replace("-", "_"), *failure, *(_marks_of_answer(answer) if answer else ())]
    return sum(map(_BIT.__getitem__, names))


def _failure(call: Call) -> tuple[str, ...]:
    has_rung = call.ring_seconds is not None
    cause = FailureCause(call.sip_code, call.hangup_cause, call.error_code, call.provider, has_rung)
    judged = {"provider_failed": is_provider_failure, "rejected": is_rejected}
    return tuple(name for name, is_so in judged.items() if is_so(call.status, cause))


def _answer(call: Call, talk_seconds: int) -> _Answer:
    outcome = call.transfer.get("outcome") if call.transfer else None
    is_machine = call.answered_by is not None and call.answered_by.lower().startswith(_MACHINES)
    transfer = _TRANSFERS.get(outcome) if isinstance(outcome, str) else None
    return _Answer(talk_seconds < SHORT_SECONDS, call.escalated, transfer, is_machine)


def _marks_of_answer(answer: _Answer) -> Iterator[str]:
    yield "answered"
    yield "short_calls" if answer.is_short else "long_calls"
    if not (answer.is_short or answer.is_escalated or answer.transfer == _TRANSFERS["bridged"]):
        yield "contained"
    if answer.is_machine:
        yield "machine_answered"
    if answer.transfer is not None:
        yield answer.transfer
    if answer.is_escalated:
        yield "escalated"
