"""What the OpenAPI document cannot tell schemathesis about our requests: three things, each with its reason.

Loaded by schemathesis, by its name in schemathesis.toml.
"""

import hmac
import os
from base64 import b64encode
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, Final
from urllib.parse import parse_qsl

import schemathesis
from hypothesis import strategies as st
from requests import Request

FORM: Final = "application/x-www-form-urlencoded"
DAY: Final = timedelta(days=1)

# A schema cannot say "not after tomorrow", so `date-time` alone allows years in which an event is refused.
# Everything from 2000 until this run is generated, at every offset.
_moments: Final = st.datetimes(
    min_value=datetime(2000, 1, 2),  # noqa: DTZ001 (the strategy adds the offset)
    max_value=datetime.combine(date.today() - DAY, time()),  # noqa: DTZ011 (a day off does not matter)
    timezones=st.builds(
        lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-23 * 60 - 59, 23 * 60 + 59)
    ),
)
schemathesis.openapi.format("date-time", _moments.map(datetime.isoformat))


@schemathesis.hook.apply_to(operation_id="listCallLogs")
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:  # noqa: ARG001 (by name)
    """Leave out windows that end before they begin: a document cannot compare two parameters."""
    query = case.query or {}
    begin, end = _instant(query.get("from")), _instant(query.get("to"))
    return begin is None or end is None or begin < end


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:  # noqa: ARG001 (by name)
    """Sign callbacks as Twilio does, over the bytes that are sent: unsigned ones get no further than 403."""
    if case.operation.definition.raw.get("operationId") != "receiveCallback":
        return
    request = Request(**case.as_transport_kwargs()).prepare()
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    is_form = request.headers.get("content-type") == FORM
    params = sorted(set(parse_qsl(body.decode(), keep_blank_values=True))) if is_form else []
    signed = request.url + "".join(name + value for name, value in params)
    digest = hmac.digest(os.environ["INTEROP_AUTH_TOKEN"].encode(), signed.encode(), "sha1")
    case.headers["X-Twilio-Signature"] = b64encode(digest).decode()


def _instant(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
