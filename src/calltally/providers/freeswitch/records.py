"""One call's record as a fact: channel variables of JSON or XML, or a row of a table, by the same names.

Values of variables are percent-encoded unless the module is told otherwise. `answer_epoch` 0 means that
nobody answered.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact, Said, content_digest
from calltally.calls.model import Status
from calltally.calls.times import check_plausible
from calltally.providers import json_documents, timestamps, value_parsers, values
from calltally.providers.call_fact import sip_call_id
from calltally.providers.callback import Source
from calltally.providers.freeswitch import words
from calltally.providers.local_time import local_stamp
from calltally.providers.plausibility import check_times
from calltally.providers.values import Field

_FIELDS: Final = (
    Field("hangup_cause_q850", "hangup_cause", value_parsers.between(0, 127)),
    Field("sip_term_status", "sip_code", value_parsers.sip_code),
)
_MOMENTS: Final = (
    ("start", "started_us"),
    ("progress", "ringing_us"),
    ("answer", "answered_us"),
    ("end", "ended_us"),
)
_PARENTS: Final = ("originating_leg_uuid", "originator", "ent_originate_aleg_uuid")
_METADATA: Final = (
    *("switchname", "context", "accountcode", "last_app", "read_codec", "write_codec"),
    *("rtp_audio_in_mos", "sip_call_id"),
)


def fact_of(record: Mapping[str, Any], source: Source) -> Fact:
    """A record of JSON, of XML, or of a row; raises NotUnderstood that names the field and its value."""
    plain = variables_of(record)
    call_sid = values.needed(plain, "uuid", value_parsers.sid, "the record does not say which call it is of")
    said = _said(plain, source)
    return Fact(
        # A UUID is unique in the world, so that it goes without the account.
        call_sid=call_sid,
        door=source.door,
        provider=words.NAME,
        account=source.account,
        event_id="",
        sequence=None,
        occurred_us=said.get("ended_us", source.received_us),
        received_us=source.received_us,
        digest=content_digest(plain),
        said=said,
        raw=json_documents.encode(record),
        is_carrier=True,
        links=sip_call_id(plain, "sip_call_id", call_sid),
    )


def variables_of(record: Mapping[str, Any]) -> dict[str, str]:
    """The variables as plain texts.

    With the parties of the first caller profile where they do not have them.
    """
    inside = record.get("variables")
    variables = inside if isinstance(inside, Mapping) else record
    plain = {name: _plain(value) for name, value in variables.items() if isinstance(value, str | int | float)}
    for name in ("caller_id_number", "destination_number", "context"):
        if not plain.get(name) and (text := _of_profile(record, name)):
            plain[name] = text
    if isinstance(record.get("switchname"), str):
        plain.setdefault("switchname", record["switchname"])
    return plain


def _plain(value: str | float) -> str:
    text = str(value)
    return unquote(text) if "%" in text else text


def _of_profile(record: Mapping[str, Any], name: str) -> str:
    """A callflow is one object, or a list of them with the last part first."""
    flow = record.get("callflow")
    first = flow[0] if isinstance(flow, list) and flow else flow
    found = values.at(first, f"caller_profile.{name}") if isinstance(first, Mapping) else None
    return _plain(found) if isinstance(found, str) else ""


def _said(plain: Mapping[str, str], source: Source) -> Said:
    said = values.said_of(plain, _FIELDS)
    said["provider"] = words.NAME
    if source.account:
        said["provider_account"] = source.account
    _say_times(said, plain, source)
    _say_end(said, plain)
    _say_parties(said, plain)
    metadata = {name: plain[name][: value_parsers.MAX_WORD_CHARS] for name in _METADATA if plain.get(name)}
    if metadata:
        said["metadata"] = metadata
    check_times(said)
    return said


def _say_times(said: Said, plain: Mapping[str, str], source: Source) -> None:
    for theirs, ours in _MOMENTS:
        instant_us = _instant(plain, theirs, source)
        if instant_us is not None:
            said[ours] = instant_us  # type: ignore[literal-required]  # the names are those of Said
    if "ringing_us" not in said and (early_us := _instant(plain, "progress_media", source)) is not None:
        said["ringing_us"] = early_us


def _instant(plain: Mapping[str, str], name: str, source: Source) -> int | None:
    """The finest that there is of `_uepoch`, `_epoch` and `_stamp`; None for what never happened."""
    for ending, read in (("uepoch", timestamps.epoch_us), ("epoch", timestamps.epoch_s)):
        if plain.get(f"{name}_{ending}"):
            return values.instant_of(plain, f"{name}_{ending}", read, source.received_us)

    def local(text: str) -> int:
        instant_us = local_stamp(text, source.time_zone)
        check_plausible(instant_us, source.received_us)
        return instant_us

    return values.value_of(plain, f"{name}_stamp", local)


def _say_end(said: Said, plain: Mapping[str, str]) -> None:
    talk_seconds = _talk_seconds(plain)
    cause = values.value_of(plain, "hangup_cause", value_parsers.word)
    if cause is None and "ended_us" not in said:
        raise NotUnderstood("hangup_cause and end_epoch are missing: the record is of no call that ended")
    is_answered = "answered_us" in said or bool(talk_seconds)
    said["status"] = words.status_of(
        cause or "", plain.get("sip_hangup_disposition", ""), answered=is_answered
    )
    if is_answered and talk_seconds is not None:
        said["talk_seconds"] = talk_seconds
    if said["status"] == Status.FAILED and cause:
        said["error_code"] = cause
    if "sip_code" not in said:
        code = plain.get("proto_specific_hangup_cause", "").removeprefix("sip:")
        said |= values.said_of({"proto_specific_hangup_cause": code}, _PROTO)


def _talk_seconds(plain: Mapping[str, str]) -> float | None:
    for name in ("billsec", "billmsec"):
        if plain.get(name, "").startswith("-"):
            raise NotUnderstood(f"{name} {plain[name][:80]!r}: negative")
    fine = values.value_of(plain, "billmsec", value_parsers.milliseconds)
    return fine if fine is not None else values.value_of(plain, "billsec", value_parsers.seconds)


def _say_parties(said: Said, plain: Mapping[str, str]) -> None:
    direction = plain.get("call_direction") or plain.get("direction", "")
    if (known := words.DIRECTIONS.get(direction)) is not None:
        said["direction"] = known
    if caller := values.value_of(plain, "caller_id_number", value_parsers.number):
        said["from_number"] = caller
    if called := values.value_of(plain, "destination_number", value_parsers.number):
        said["to_number"] = called
    parents = (values.value_of(plain, name, value_parsers.sid) for name in _PARENTS)
    parent = next((each for each in parents if each and each != plain.get("uuid")), None)
    if parent:
        said["parent_call_sid"] = parent


_PROTO: Final = (Field("proto_specific_hangup_cause", "sip_code", value_parsers.sip_code),)
