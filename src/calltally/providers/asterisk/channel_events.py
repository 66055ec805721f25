"""Facts from Asterisk's channel event log (CEL): the transfers of a call.

The log has an event for each transfer that succeeded. All else about a call is in its call detail records.
"""

from collections.abc import Mapping
from typing import Any, Final

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import Fact, StatedFields, content_digest
from calltally.calls.times import check_plausible
from calltally.providers import json_documents, timestamps, value_parsers
from calltally.providers.asterisk import words
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.local_time import local_stamp

Event = Mapping[str, str]

# The target was reached in an attended transfer; a blind one only sends the call there.
_OUTCOMES: Final = {"BLINDTRANSFER": "requested", "ATTENDEDTRANSFER": "bridged"}
_EXTRAS: Final = ("extra", "eventextra")
_TARGETS: Final = ("extension", "transfer_target_channel_name", "transfer_target_app")
_NO_TARGET: Final = "N/A"


def is_transfer(event: Event) -> bool:
    """Return whether an event is a transfer."""
    return event.get("eventtype", "").strip().upper() in _OUTCOMES


def fact_of(event: Event, source: RecordSource) -> Fact:
    """Return a transfer as a fact of its call; raise NotUnderstood with the name and value of a field."""
    own = event.get("linkedid") or event.get("uniqueid")
    if not own:
        raise NotUnderstood("linkedid is missing: the event names no call")
    statement: StatedFields = {"provider": words.NAME, "transfer": _transfer(event)}
    if source.account:
        statement["provider_account"] = source.account
    return Fact(
        call_sid=words.sid_of(own, source.account),
        channel=source.channel,
        provider=words.NAME,
        account=source.account,
        event_id="",
        sequence=None,
        occurred_us=_instant(event, source),
        received_us=source.received_us,
        digest=content_digest(event),
        stated=statement,
        raw=json_documents.encode(event),
        is_carrier=True,
    )


def _transfer(event: Event) -> dict[str, Any]:
    text = next((event[name] for name in _EXTRAS if event.get(name)), "")
    document = json_documents.decode(text.encode(errors="replace"), "extra")
    extra = {} if isinstance(document, UnreadableRecord) else document.value
    targets = (extra.get(name) for name in _TARGETS) if isinstance(extra, dict) else ()
    target = next((each for each in targets if isinstance(each, str) and each not in ("", _NO_TARGET)), None)
    return {
        "target": None if target is None else target[: value_parsers.MAX_WORD_CHARS],
        "outcome": _OUTCOMES[event["eventtype"].strip().upper()],
    }


def _instant(event: Event, source: RecordSource) -> int:
    """Return the time of an event: a local time, or seconds since 1970 without `dateformat` in cel.conf."""
    text = event.get("eventtime", "").strip()
    try:
        instant_us = local_stamp(text, source.time_zone) if "-" in text else timestamps.epoch_s(text) or 0
        check_plausible(instant_us, source.received_us)
    except (ValueError, OverflowError) as fault:
        raise NotUnderstood(f"eventtime {text[:80]!r}: {fault}") from fault
    return instant_us
