"""Measures that one call adds to its tenant's roll-ups: counts and seconds.

Pure, and computed once when the call changes. The ledger stores the measures beside the call. It can thus
remove exactly the amounts that it added, even if a later release would measure the call differently.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from calltally.calls.country import country_of
from calltally.calls.failure_causes import FailureCause, is_provider_failure, is_rejected
from calltally.calls.fold import FoldedCall
from calltally.calls.histogram import Bins, bin_of
from calltally.calls.model import FINAL, Call, Direction, Status

# Counts of calls, each a column of the roll-ups and a bit of `CallMeasures.marks`. Append only.
COUNTS: Final = (
    "attempts",
    *("completed", "busy", "failed", "no_answer", "canceled"),
    *("answered", "machine_answered", "transferred", "transfers_requested", "transfers_failed", "escalated"),
    *("long_calls", "contained", "short_calls", "provider_failed", "rejected", "rang", "alerted"),
)
# Sums over the calls with a known value.
SUMS: Final = ("talk_seconds", "ring_seconds", "pdd_ms")
# Number of `attempts` that were erased later. They stay in all other columns.
ERASED: Final = "erased_calls"
# Counts that later releases added: behind the columns that stored shares of erased calls already have.
LATER_COUNTS: Final = (
    *("answerer_known", "transfer_known", "known_transfers", "escalation_known", "handed_over"),
    "containable",
)
COLUMNS: Final = (*COUNTS, *SUMS, ERASED, *LATER_COUNTS)

# A call with less talk time than this is a short call (metrics.md).
SHORT_SECONDS: Final = 10
_MACHINES: Final = ("machine", "fax", "voicemail", "mailbox", "answering", "amd_machine")
_UNKNOWN_ANSWERERS: Final = frozenset({"", "unknown", "unclear", "not_sure"})
_VOICEMAIL: Final = "voicemail"
_TRANSFERS: Final = {
    "bridged": "transferred",
    "requested": "transfers_requested",
    "failed": "transfers_failed",
}
_MARKED: Final = (*COUNTS, *LATER_COUNTS)
_BIT: Final = {name: 1 << index for index, name in enumerate(_MARKED)}
_RANG, _ALERTED = _BIT["rang"], _BIT["alerted"]
# The histograms of a row share one mapping. Its keys combine the index in `SUMS` with the bin.
_BINS_PER_SUM: Final = 1024
_COLUMN_INDEX: Final = {name: index for index, name in enumerate(COLUMNS)}


class CallMeasures(msgspec.Struct, frozen=True, array_like=True):
    """Measures of one call, and the names for the finer keys ('' if unknown).

    `marks` has a bit for each of `COUNTS` and `LATER_COUNTS`. `talk_seconds` is set for answered calls,
    `ring_seconds` for final calls, `pdd_ms` for calls with a known start and ringing.
    """

    marks: int
    talk_seconds: int | None
    ring_seconds: int | None
    pdd_ms: int | None
    provider_account: str
    end_reason: str
    country: str


class _Answer(NamedTuple):
    """Properties of an answered call that decide its counts; `transfer` names the count of its transfer."""

    is_short: bool
    is_escalated: bool
    transfer: str | None
    is_machine: bool
    is_answerer_known: bool
    knows_transfers: bool
    knows_escalation: bool


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(CallMeasures)


def encode_measures(folded: FoldedCall) -> bytes:
    """Return the measures of a call as stored bytes; an open call adds only an attempt."""
    call = folded.call
    other_end = call.to_number if call.direction == Direction.OUTBOUND else call.from_number
    names = (call.provider_account or "", call.end_reason or "", country_of(other_end) or "")
    if call.status not in FINAL:
        return _encoder.encode(CallMeasures(_BIT["attempts"], None, None, None, *names))
    is_answered = call.answered_at is not None
    talk_seconds = (call.duration_seconds or 0) if is_answered else None
    answer = None if talk_seconds is None else _answer(folded, talk_seconds)
    failure = _failure(call) if call.status == Status.FAILED else ()
    marks = _marks(call.status, failure, answer)
    marks |= _RANG * (call.ring_seconds is not None) | _ALERTED * (folded.pdd_ms is not None)
    return _encoder.encode(CallMeasures(marks, talk_seconds, call.ring_seconds, folded.pdd_ms, *names))


def decode_measures(stored: bytes) -> CallMeasures:
    """Return the measures from stored bytes; raises msgspec.DecodeError for other bytes."""
    return _decoder.decode(stored)


def knows_transfers(stored: bytes | None) -> bool:
    """Return whether a source that reports transfers describes the call, by its stored measures."""
    return stored is not None and bool(_decoder.decode(stored).marks & _BIT["transfer_known"])


def column_values(measures: CallMeasures) -> list[int]:
    sums = (measures.talk_seconds or 0, measures.ring_seconds or 0, measures.pdd_ms or 0)
    bits = [measures.marks >> index & 1 for index in range(len(_MARKED))]
    return [*bits[: len(COUNTS)], *sums, 0, *bits[len(COUNTS) :]]


@lru_cache(maxsize=1_024)
def marked_columns(marks: int) -> tuple[int, ...]:
    return tuple(_COLUMN_INDEX[name] for index, name in enumerate(_MARKED) if marks >> index & 1)


def combined_bins(measures: CallMeasures) -> Bins:
    """Return the call's bins in the combined histograms."""
    values = (measures.talk_seconds, measures.ring_seconds, measures.pdd_ms)
    return {combined_bin(index, value): 1 for index, value in enumerate(values) if value is not None}


def combined_bin(sum_index: int, value: int) -> int:
    """Return the bin of a value in the combined histograms; `sum_index` is its index in `SUMS`."""
    return sum_index * _BINS_PER_SUM + bin_of(value)


def split_histogram(bins: Bins, name: str) -> Bins:
    """Return the histogram of one of `SUMS` from the combined histograms."""
    sum_index = SUMS.index(name)
    return {code % _BINS_PER_SUM: count for code, count in bins.items() if code // _BINS_PER_SUM == sum_index}


def column_index(name: str) -> int:
    return _COLUMN_INDEX[name]


# Calls share few combinations.
@lru_cache(maxsize=1_024)
def _marks(status: str, failure: tuple[str, ...], answer: _Answer | None) -> int:
    names = ["attempts", status.replace("-", "_"), *failure, *(_marks_of_answer(answer) if answer else ())]
    return sum(map(_BIT.__getitem__, names))


def _failure(call: Call) -> tuple[str, ...]:
    has_rung = call.ring_seconds is not None
    cause = FailureCause(call.sip_code, call.hangup_cause, call.error_code, call.provider, has_rung)
    tests = {"provider_failed": is_provider_failure, "rejected": is_rejected}
    return tuple(name for name, applies in tests.items() if applies(call.status, cause))


def _answer(folded: FoldedCall, talk_seconds: int) -> _Answer:
    call = folded.call
    outcome = call.transfer.get("outcome") if call.transfer else None
    answerer = (call.answered_by or "").lower()
    is_machine = answerer.startswith(_MACHINES) or call.end_reason == _VOICEMAIL
    transfer = _TRANSFERS.get(outcome) if isinstance(outcome, str) else None
    return _Answer(
        talk_seconds < SHORT_SECONDS,
        call.escalated,
        transfer,
        is_machine,
        is_machine or answerer not in _UNKNOWN_ANSWERERS,
        folded.knows_transfers,
        folded.knows_escalation,
    )


def _marks_of_answer(answer: _Answer) -> Iterator[str]:
    yield "answered"
    yield "short_calls" if answer.is_short else "long_calls"
    if answer.is_machine:
        yield "machine_answered"
    if answer.is_answerer_known:
        yield "answerer_known"
    if answer.transfer is not None:
        yield answer.transfer
    if answer.is_escalated:
        yield "escalated"
    if answer.knows_escalation:
        yield "escalation_known"
    yield from _marks_of_handover(answer)


def _marks_of_handover(answer: _Answer) -> Iterator[str]:
    """Yield the counts that need a source of transfers: without one, a missing transfer proves nothing."""
    is_bridged = answer.knows_transfers and answer.transfer == _TRANSFERS["bridged"]
    is_handed_over = is_bridged or answer.is_escalated
    if not answer.knows_transfers:
        return
    yield "transfer_known"
    if is_handed_over:
        yield "handed_over"
    if is_bridged:
        yield "known_transfers"
    if not (answer.is_short or answer.is_machine):
        yield "containable"
        if not is_handed_over:
            yield "contained"
