"""Facts from rows of Asterisk's call detail records.

Asterisk writes a row for each leg of a call: one per agent that a queue tries, and one more after a
transfer. They share a `linkedid`, which identifies the call; the fold joins the rows as legs. `duration`
includes the ringing, `billsec` does not.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact, StatedFields, content_digest
from calltally.calls.model import Status
from calltally.calls.times import SECOND_US, check_plausible
from calltally.providers import json_documents, value_parsers, values
from calltally.providers.asterisk import words
from calltally.providers.callback import RecordSource
from calltally.providers.local_time import local_stamp
from calltally.providers.plausibility import check_times

Row = Mapping[str, str]

# Values for "no time": an empty field, and its forms in databases and old releases.
_NO_TIME: Final = frozenset({"", "0000-00-00 00:00:00", "(null)", "NULL", "null"})
_WHOLE: Final = re.compile(r"\d{1,9}", re.ASCII)
_SECONDS: Final = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_MAX_DIFFERENCE_S: Final = 2.0
_METADATA: Final = ("channel", "dstchannel", "dcontext", "lastapp", "accountcode", "userfield")


def fact_of(row: Row, source: RecordSource) -> Fact:
    """Return one row as a fact; raise NotUnderstood with the name and value of an unreadable column."""
    statement = _statement(row, source)
    ended_us = statement.get("ended_us", statement["started_us"])
    return Fact(
        call_sid=_sid(row, source.account),
        channel=source.channel,
        provider=words.NAME,
        account=source.account,
        event_id="",
        sequence=None,
        occurred_us=ended_us,
        received_us=source.received_us,
        digest=content_digest(row),
        stated=statement,
        raw=json_documents.encode(row),
        is_carrier=True,
    )


def _sid(row: Row, account: str) -> str:
    own = row.get("linkedid") or row.get("uniqueid")
    if not own:
        # cdr_csv writes ids only with an option. At one time, a channel name is used once.
        own = "row-" + sha256(f"{row.get('channel')}\0{_start_text(row)}".encode()).hexdigest()[:24]
    return words.sid_of(own, account)


def _leg(row: Row) -> str:
    components = (
        row.get("uniqueid", ""),
        row.get("sequence", ""),
        row.get("dstchannel", ""),
        _start_text(row),
    )
    return "/".join(part for part in components if part)[: value_parsers.MAX_SID_CHARS]


def _statement(row: Row, source: RecordSource) -> StatedFields:
    disposition = row.get("disposition", "").strip().upper()
    if disposition not in words.DISPOSITIONS:
        dispositions = ", ".join(words.DISPOSITIONS)
        problem = "not one of" if disposition else "missing"
        raise NotUnderstood(f"disposition {disposition[:80]!r}: {problem} {dispositions}")
    statement: StatedFields = {
        "provider": words.NAME,
        "status": words.DISPOSITIONS[disposition],
        "leg": _leg(row),
    }
    if source.account:
        statement["provider_account"] = source.account
    if disposition == words.CONGESTION:
        statement["error_code"] = disposition
    if row.get("lastapp", "").strip().lower() == "voicemail" and statement["status"] == Status.COMPLETED:
        statement["answered_by"] = "machine"
    statement.update(_transfer(row))
    _add_parties(statement, row)
    _add_times(statement, row, source)
    metadata = {name: row[name][: value_parsers.MAX_WORD_CHARS] for name in _METADATA if row.get(name)}
    if metadata:
        statement["metadata"] = metadata
    return statement


def _transfer(row: Row) -> StatedFields:
    """Return the transfer that a row states. A `Dial` is no transfer: it is how a switch reaches an agent."""
    if row.get("lastapp", "").strip().lower() == words.TRANSFER_APPLICATION:
        target = row.get("lastdata", "").strip()[: value_parsers.MAX_WORD_CHARS]
        return {"transfer": {"target": target or None, "outcome": "requested"}}
    for name, outcome in words.TRANSFER_COLUMNS.items():
        if row.get(name, "").strip():
            return {"transfer": {"target": None, "outcome": outcome}}
    return {}


def _add_parties(statement: StatedFields, row: Row) -> None:
    caller = values.optional_value(row, "src", value_parsers.number, statement)
    called = values.optional_value(row, "dst", value_parsers.number, statement)
    direction = words.direction_of(row.get("dcontext", ""))
    if caller:
        statement["from_number"] = caller
    if called:
        statement["to_number"] = called
    if direction is not None:
        statement["direction"] = direction


def _add_times(statement: StatedFields, row: Row, source: RecordSource) -> None:
    started_us = _instant(row, "start" if row.get("start") else "calldate", source)
    if started_us is None:
        raise NotUnderstood("start is missing: the row has no time of the call")
    statement["started_us"] = started_us
    ended_us, lasted_s = _instant(row, "end", source), _seconds(row, "duration")
    if ended_us is None and lasted_s is not None:
        # Database tables often lack the end.
        ended_us = started_us + int(lasted_s * SECOND_US)
    if ended_us is not None:
        statement["ended_us"] = ended_us
    _add_answer(statement, row, source, lasted_s)
    check_times(statement)


def _add_answer(statement: StatedFields, row: Row, source: RecordSource, lasted_s: float | None) -> None:
    answered_us, talk_s = _instant(row, "answer", source), _seconds(row, "billsec")
    if talk_s is not None and lasted_s is not None and talk_s > lasted_s + _MAX_DIFFERENCE_S:
        raise NotUnderstood(f"billsec {talk_s:g} is longer than duration {lasted_s:g}")
    if statement["status"] != words.DISPOSITIONS["ANSWERED"]:
        # In some releases an unanswered row has the answer time of another row.
        return
    if answered_us is None and talk_s is not None and "ended_us" in statement:
        answered_us = statement["ended_us"] - int(talk_s * SECOND_US)
    if answered_us is not None:
        statement["answered_us"] = answered_us


def _instant(row: Row, name: str, source: RecordSource) -> int | None:
    text = row.get(name, "").strip()
    if text in _NO_TIME:
        return None
    try:
        instant_us = local_stamp(text, source.time_zone)
        check_plausible(instant_us, source.received_us)
    except (ValueError, OverflowError) as fault:
        raise NotUnderstood(f"{name} {text[:80]!r}: {fault}") from fault
    return instant_us


def _start_text(row: Row) -> str:
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
