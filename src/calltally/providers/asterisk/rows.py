"""One row of Asterisk's call detail records as a fact.

Asterisk writes a row for each leg of a call: one for every agent whom a queue tried, one more behind a
transfer. They share a `linkedid`, which is the call here; the fold joins the rows as legs. `duration`
includes the ringing, `billsec` does not.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact, Said, content_digest
from calltally.calls.times import SECOND_US, check_plausible
from calltally.providers import json_documents, value_parsers, values
from calltally.providers.asterisk import words
from calltally.providers.callback import Source
from calltally.providers.local_time import local_stamp
from calltally.providers.plausibility import check_times

Row = Mapping[str, str]

# Times that are none: an empty field, and what databases and old releases write for it.
_NEVER: Final = frozenset({"", "0000-00-00 00:00:00", "(null)", "NULL", "null"})
_WHOLE: Final = re.compile(r"\d{1,9}", re.ASCII)
_SECONDS: Final = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_MOST_DIFFER_S: Final = 2.0
_METADATA: Final = ("channel", "dstchannel", "dcontext", "lastapp", "accountcode", "userfield")


def fact_of(row: Row, source: Source) -> Fact:
    """One row, its columns by their names; raises NotUnderstood that names the column and its value."""
    said = _said(row, source)
    ended_us = said.get("ended_us", said["started_us"])
    return Fact(
        call_sid=_sid(row, source.account),
        door=source.door,
        provider=words.NAME,
        account=source.account,
        event_id="",
        sequence=None,
        occurred_us=ended_us,
        received_us=source.received_us,
        digest=content_digest(row),
        said=said,
        raw=json_documents.encode(row),
        is_carrier=True,
    )


def _sid(row: Row, account: str) -> str:
    """The call that a row is of, behind the account: two switches may give the same id in the same second."""
    own = row.get("linkedid") or row.get("uniqueid")
    if not own:
        # cdr_csv leaves ids out unless it is told to log them; a channel's name is not used twice at one
        # time.
        own = "row-" + sha256(f"{row.get('channel')}\0{_started(row)}".encode()).hexdigest()[:24]
    try:
        return value_parsers.sid(f"{account}:{own}" if account else own)
    except ValueError as fault:
        raise NotUnderstood(f"linkedid {own[:80]!r}: {fault}") from fault


def _leg(row: Row) -> str:
    parts = (row.get("uniqueid", ""), row.get("sequence", ""), row.get("dstchannel", ""), _started(row))
    return "/".join(part for part in parts if part)[: value_parsers.MAX_SID_CHARS]


def _said(row: Row, source: Source) -> Said:
    disposition = row.get("disposition", "").strip().upper()
    if disposition not in words.DISPOSITIONS:
        known = ", ".join(words.DISPOSITIONS)
        raise NotUnderstood(
            f"disposition {disposition[:80]!r}: {'missing' if not disposition else 'not one of'} {known}"
        )
    said: Said = {"provider": words.NAME, "status": words.DISPOSITIONS[disposition], "leg": _leg(row)}
    if source.account:
        said["provider_account"] = source.account
    if disposition == words.CONGESTION:
        said["error_code"] = disposition
    _say_parties(said, row)
    _say_times(said, row, source)
    metadata = {name: row[name][: value_parsers.MAX_WORD_CHARS] for name in _METADATA if row.get(name)}
    if metadata:
        said["metadata"] = metadata
    return said


def _say_parties(said: Said, row: Row) -> None:
    caller = values.value_of(row, "src", value_parsers.number)
    called = values.value_of(row, "dst", value_parsers.number)
    direction = words.direction_of(row.get("dcontext", ""))
    if caller:
        said["from_number"] = caller
    if called:
        said["to_number"] = called
    if direction is not None:
        said["direction"] = direction


def _say_times(said: Said, row: Row, source: Source) -> None:
    started_us = _instant(row, "start" if row.get("start") else "calldate", source)
    if started_us is None:
        raise NotUnderstood("start is missing: the row does not say when the call was")
    said["started_us"] = started_us
    ended_us, lasted_s = _instant(row, "end", source), _seconds(row, "duration")
    if ended_us is None and lasted_s is not None:
        # Tables of databases often leave the end out.
        ended_us = started_us + int(lasted_s * SECOND_US)
    if ended_us is not None:
        said["ended_us"] = ended_us
    _say_answer(said, row, source, lasted_s)
    check_times(said)


def _say_answer(said: Said, row: Row, source: Source, lasted_s: float | None) -> None:
    answered_us, talk_s = _instant(row, "answer", source), _seconds(row, "billsec")
    if talk_s is not None and lasted_s is not None and talk_s > lasted_s + _MOST_DIFFER_S:
        raise NotUnderstood(f"billsec {talk_s:g} is longer than duration {lasted_s:g}")
    if said["status"] != words.DISPOSITIONS["ANSWERED"]:
        # A row that nobody answered has the time of the answer of another one in some releases.
        return
    if answered_us is None and talk_s is not None and "ended_us" in said:
        answered_us = said["ended_us"] - int(talk_s * SECOND_US)
    if answered_us is not None:
        said["answered_us"] = answered_us


def _instant(row: Row, name: str, source: Source) -> int | None:
    text = row.get(name, "").strip()
    if text in _NEVER:
        return None
    try:
        instant_us = local_stamp(text, source.time_zone)
        check_plausible(instant_us, source.received_us)
    except (ValueError, OverflowError) as fault:
        raise NotUnderstood(f"{name} {text[:80]!r}: {fault}") from fault
    return instant_us


def _started(row: Row) -> str:
    return row.get("start") or row.get("calldate") or ""


def _seconds(row: Row, name: str) -> float | None:
    text = row.get(name, "").strip()
    if not text:
        return None
    if not _SECONDS.fullmatch(text):
        raise NotUnderstood(f"{name} {text[:80]!r}: not a number of seconds")
    if text.startswith("-"):
        raise NotUnderstood(f"{name} {text[:80]!r}: negative")
    return float(text)
