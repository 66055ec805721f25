"""Facts from Vonage event webhooks: JSON by POST, or the same fields in the query of a GET."""

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from calltally.calls.events import Fact, StatedFields
from calltally.providers import timestamps, value_parsers, values
from calltally.providers.callback import Callback
from calltally.providers.carrier_facts import carrier_event_fact
from calltally.providers.form import form_of
from calltally.providers.json_documents import parse_object
from calltally.providers.message_kinds import unread_kind_error
from calltally.providers.values import Content
from calltally.providers.vonage import words
from calltally.providers.vonage.resources import is_media_leg, statement_of

# Some events of machine detection use the second.
_SID_FIELDS: Final = ("uuid", "call_uuid")


def facts_of(callback: Callback) -> list[Fact]:
    """Return the fact of an event.

    Raises NotUnderstood with the name and value of an unreadable field.
    """
    content = _content(callback)
    if is_media_leg(content):
        detail = "the leg is the media stream of a call, and is not recorded as a call of its own"
        raise unread_kind_error(words.WEBSOCKET, detail, names_state=False)
    occurred_us = values.instant_of(content, "timestamp", timestamps.any_stamp, callback.received_us)
    fact = carrier_event_fact(_call_sid(content), content, _statement(content, callback), callback)
    raw = callback.body or urlsplit(callback.url).query.encode()
    return [msgspec.structs.replace(fact, raw=raw, occurred_us=occurred_us or callback.received_us)]


def _content(callback: Callback) -> dict[str, Any]:
    if callback.body or callback.method != "GET":
        return parse_object(callback.body)
    return dict(form_of(callback).content)


def _call_sid(content: Content) -> str:
    found = [values.value_of(content, name, value_parsers.sid) for name in _SID_FIELDS]
    call_sid = next((each for each in found if each is not None), None)
    if call_sid is None:
        kind = _kind(content)
        detail = f"uuid is missing: the event names no call ({kind})"
        raise unread_kind_error(kind, detail, names_state=kind in words.STATUSES)
    return call_sid


def _kind(content: Content) -> str:
    """Return the status, or the kind of an event without one by its other fields."""
    found = (kind for name, kind in words.KIND_BY_FIELD.items() if values.value_at(content, name) is not None)
    return values.value_of(content, "status", value_parsers.word) or next(found, "")


def _statement(content: Content, callback: Callback) -> StatedFields:
    word = values.value_of(content, "status", value_parsers.word)
    if word not in words.NON_STATE_STATUSES:
        return statement_of(content, callback.received_us)
    statement = statement_of({**content, "status": None}, callback.received_us)
    if word in words.ANSWERED_BY:
        statement["answered_by"] = words.ANSWERED_BY[word]
    return statement
