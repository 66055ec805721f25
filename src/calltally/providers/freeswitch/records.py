"""Facts from call records: channel variables in JSON or XML, or a table row with the same names.

Modules percent-encode the values of variables, unless configured otherwise. An `answer_epoch` of 0
stands for an unanswered call.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact, StatedFields, content_digest
from calltally.calls.model import Direction, Status
from calltally.calls.times import check_plausible
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.callback import RecordSource
from calltally.providers.carrier_facts import sip_call_link
from calltally.providers.freeswitch import words
from calltally.providers.local_time import local_stamp
from calltally.providers.plausibility import check_times
from calltally.providers.values import FieldRule

_FIELDS: Final = (
    FieldRule("hangup_cause_q850", "hangup_cause", value_parsers.between(0, 127)),
    FieldRule("sip_term_status", "sip_code", value_parsers.sip_code),
)
_TIMES: Final = (
    ("start", "started_us"),
    ("progress", "ringing_us"),
    ("answer", "answered_us"),
    ("end", "ended_us"),
)
_PARENTS: Final = ("originating_leg_uuid", "originator", "ent_originate_aleg_uuid")
# FusionPBX names the id after its table. It logs a leg a, unless it names another.
_FUSIONPBX_ID: Final = "xml_cdr_uuid"
_FUSIONPBX_LEG: Final = "a"
ID_NAMES: Final = frozenset({"uuid", _FUSIONPBX_ID})
_METADATA: Final = (
    *("switchname", "context", "accountcode", "last_app", "read_codec", "write_codec"),
    *("rtp_audio_in_mos", "sip_call_id"),
)


def fact_of(record: Mapping[str, Any], source: RecordSource) -> Fact:
    """Return a record as a fact; raise NotUnderstood with the name and value of an unreadable field."""
    plain = variables_of(record)
    call_sid = values.required_value(plain, "uuid", value_parsers.sid, "the record names no call")
    statement = _statement(plain, source)
    return Fact(
        # A UUID is globally unique, so it needs no account prefix.
        call_sid=call_sid,
        channel=source.channel,
        provider=words.NAME,
        account=source.account,
        event_id="",
        sequence=None,
        occurred_us=statement.get("ended_us", source.received_us),
        received_us=source.received_us,
        digest=content_digest(plain),
        stated=statement,
        raw=json_documents.encode(record),
        is_carrier=True,
        links=sip_call_link(plain, "sip_call_id", call_sid, statement),
    )


def variables_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables as text, with missing parties from the first caller profile."""
    inside = record.get("variables")
    variables = inside if isinstance(inside, Mapping) else record
    plain = {
        name: _unquoted(value) for name, value in variables.items() if isinstance(value, str | int | float)
    }
    for name in ("caller_id_number", "destination_number", "context"):
        if not plain.get(name) and (text := _from_profile(record, name)):
            plain[name] = text
    if not plain.get("uuid") and (own_id := plain.get(_FUSIONPBX_ID)):
        plain["uuid"] = own_id
    if isinstance(record.get("switchname"), str):
        plain.setdefault("switchname", record["switchname"])
    return plain


def _unquoted(value: str | float) -> str:
    text = str(value)
    return unquote(text) if "%" in text else text


def _from_profile(record: Mapping[str, Any], name: str) -> str:
    """Return a field of the caller profile. A callflow is one object, or a list with the last part first."""
    flow = record.get("callflow")
    first = flow[0] if isinstance(flow, list) and flow else flow
    found = values.value_at(first, f"caller_profile.{name}") if isinstance(first, Mapping) else None
    return _unquoted(found) if isinstance(found, str) else ""


def _statement(plain: Mapping[str, str], source: RecordSource) -> StatedFields:
    statement = values.parsed_fields(plain, _FIELDS)
    statement["provider"] = words.NAME
    if source.account:
        statement["provider_account"] = source.account
    _add_times(statement, plain, source)
    _add_end(statement, plain)
    _add_parties(statement, plain)
    metadata = {name: plain[name][: value_parsers.MAX_WORD_CHARS] for name in _METADATA if plain.get(name)}
    if metadata:
        statement["metadata"] = metadata
    check_times(statement)
    return statement


def _add_times(statement: StatedFields, plain: Mapping[str, str], source: RecordSource) -> None:
    for name, target in _TIMES:
        instant_us = _instant(plain, name, source)
        if instant_us is not None:
            statement[target] = instant_us  # type: ignore[literal-required]  # _TIMES has keys of the TypedDict
    if "ringing_us" not in statement and (early_us := _instant(plain, "progress_media", source)) is not None:
        statement["ringing_us"] = early_us


def _instant(plain: Mapping[str, str], name: str, source: RecordSource) -> int | None:
    """Return the most precise of `_uepoch`, `_epoch` and `_stamp`; None if there is no such time."""
    for ending, read in (("uepoch", timestamps.epoch_us), ("epoch", timestamps.epoch_s)):
        if plain.get(f"{name}_{ending}"):
            return values.instant_of(plain, f"{name}_{ending}", read, source.received_us)

    def local(text: str) -> int:
        instant_us = local_stamp(text, source.time_zone)
        check_plausible(instant_us, source.received_us)
        return instant_us

    return values.value_of(plain, f"{name}_stamp", local)


def _add_end(statement: StatedFields, plain: Mapping[str, str]) -> None:
    talk_seconds = _talk_seconds(plain)
    cause = values.value_of(plain, "hangup_cause", value_parsers.word)
    if cause is None and "ended_us" not in statement:
        raise NotUnderstood("hangup_cause and end_epoch are missing: the call has not ended")
    is_answered = "answered_us" in statement or bool(talk_seconds)
    statement["status"] = words.status_of(
        cause or "", plain.get("sip_hangup_disposition", ""), answered=is_answered
    )
    if is_answered and talk_seconds is not None:
        statement["talk_seconds"] = talk_seconds
    # FusionPBX's direction is the call's, and not the channel's.
    default_leg = _FUSIONPBX_LEG if _FUSIONPBX_ID in plain else plain.get("direction", "")
    channel = plain.get("leg") or default_leg
    if (line_end := words.line_end_of(plain.get("sip_hangup_disposition", ""), channel)) is not None:
        statement["hung_up_by"] = line_end
    statement.update(words.hand_over(plain))
    if statement["status"] == Status.FAILED and cause:
        statement["error_code"] = cause
    if "sip_code" not in statement:
        code = plain.get("proto_specific_hangup_cause", "").removeprefix("sip:")
        protocol = values.parsed_fields({"proto_specific_hangup_cause": code}, _PROTOCOL_CAUSE)
        statement.update(values.merged(statement, protocol))


def _talk_seconds(plain: Mapping[str, str]) -> float | None:
    for name in ("billsec", "billmsec"):
        if plain.get(name, "").startswith("-"):
            raise NotUnderstood(f"{name} {plain[name][:80]!r}: negative")
    fine = values.value_of(plain, "billmsec", value_parsers.milliseconds)
    return fine if fine is not None else values.value_of(plain, "billsec", value_parsers.seconds)


def _add_parties(statement: StatedFields, plain: Mapping[str, str]) -> None:
    direction_word = plain.get("call_direction") or plain.get("direction", "")
    if (direction := words.DIRECTIONS.get(direction_word)) is not None:
        statement["direction"] = direction
    if caller := values.optional_value(plain, "caller_id_number", value_parsers.number, statement):
        statement["from_number"] = caller
    # The number that an outside caller dialled; the dialplan may replace the destination by an extension.
    dialled = values.optional_value(plain, "caller_destination", value_parsers.number, statement)
    routed = values.optional_value(plain, "destination_number", value_parsers.number, statement)
    is_inbound = statement.get("direction") == Direction.INBOUND
    if called := (dialled or routed) if is_inbound else (routed or dialled):
        statement["to_number"] = called
    parents = (values.optional_value(plain, name, value_parsers.sid, statement) for name in _PARENTS)
    parent = next((each for each in parents if each and each != plain.get("uuid")), None)
    if parent:
        statement["parent_call_sid"] = parent


_PROTOCOL_CAUSE: Final = (FieldRule("proto_specific_hangup_cause", "sip_code", value_parsers.sip_code),)
