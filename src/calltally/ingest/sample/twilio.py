"""Twilio's status callbacks of a sample call."""

from datetime import timedelta
from email.utils import format_datetime

from calltally.calls.model import Status
from calltally.calls.times import EPOCH
from calltally.ingest.sample.calls import SIP_CODES, SampleCall, hex_of
from calltally.ingest.sample.messages import FormCallback, ProviderCallback
from calltally.providers.twilio.words import NAME


def callbacks(call: SampleCall) -> list[ProviderCallback]:
    """Return one callback per status, numbered as Twilio does."""
    return [
        FormCallback(NAME, _fields(call, status, number))
        for number, status in enumerate(call.reported_statuses)
    ]


def _fields(call: SampleCall, status: Status, sequence: int) -> dict[str, str]:
    caller, called = call.parties
    fields = {
        "CallSid": call.sid,
        "AccountSid": "AC" + hex_of("account"),
        "ApiVersion": "2010-04-01",
        "CallStatus": status.value,
        "Direction": "inbound" if call.is_inbound else "outbound-api",
        "From": caller,
        "To": called,
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": format_datetime(EPOCH + timedelta(microseconds=call.at_us(status))),
    }
    return fields | _outcome(call, status)


def _outcome(call: SampleCall, status: Status) -> dict[str, str]:
    if status not in SIP_CODES:
        return {}
    talk_s = call.talk_s if status == Status.COMPLETED else 0
    ended = {
        "CallDuration": str(talk_s),
        "Duration": str(-(-talk_s // 60)),
        "SipResponseCode": SIP_CODES[status],
    }
    return ended | ({"AnsweredBy": "human"} if talk_s and not call.is_inbound else {})
