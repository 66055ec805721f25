"""Call resources as Twilio's API writes them: for measurements, and for the tests' stand-in of that API.

Source: Twilio's page "Call resource", and the recorded answers of its OpenAPI examples.
"""

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final, TypeAlias

from calltally.calls.times import SECOND_US

ACCOUNT: Final = "AC" + "a" * 32

Resource: TypeAlias = dict[str, Any]


def rfc2822(instant_us: int) -> str:
    """An instant as the API writes it, by the second."""
    return format_datetime(datetime.fromtimestamp(instant_us // SECOND_US, UTC))


def resource(
    call_sid: str,
    started_us: int,
    status: str = "completed",
    duration_s: int | None = 60,
    **changes: object,
) -> Resource:
    """A Call resource as the API writes it; a call without a duration has not ended."""
    ended_us = None if duration_s is None else started_us + duration_s * SECOND_US
    return {
        "account_sid": ACCOUNT,
        "answered_by": None,
        "api_version": "2010-04-01",
        "caller_name": None,
        "date_created": rfc2822(started_us),
        "date_updated": rfc2822(ended_us or started_us),
        "direction": "outbound-api",
        "duration": None if duration_s is None else str(duration_s),
        "end_time": None if ended_us is None else rfc2822(ended_us),
        "forwarded_from": None,
        "from": "+14155550100",
        "from_formatted": "(415) 555-0100",
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": "PN" + "c" * 32,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": call_sid,
        "start_time": rfc2822(started_us),
        "status": status,
        "subresource_uris": {"events": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{call_sid}/Events.json"},
        "to": "+14155550123",
        "to_formatted": "(415) 555-0123",
        "trunk_sid": None,
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{call_sid}.json",
        **changes,
    }
