"""A genuine Vonage event webhook as facts: JSON by POST, or the same fields in the query of a GET."""

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from calltally.calls.events import Fact, Said
from calltally.providers import timestamps, value_parsers, values
from calltally.providers.call_fact import carriers_event
from calltally.providers.callback import Callback
from calltally.providers.form import form_of
from calltally.providers.json_documents import object_of
from calltally.providers.kinds import unread
from calltally.providers.values import Content
from calltally.providers.vonage import words
from calltally.providers.vonage.resources import said_of

# Events of machine detection have used the second.
_SIDS: Final = ("uuid", "call_uuid")


def facts_of(callback: Callback) -> list[Fact]:
    """What the event says of its call.

    Raises NotUnderstood, naming the field and its value, for what cannot be read.
    """
    content = _content(callback)
    occurred_us = values.instant_of(content, "timestamp", timestamps.any_stamp, callback.received_us)
    fact = carriers_event(_call_sid(content), content, _said(content, callback), callback)
    raw = callback.body or urlsplit(callback.url).query.encode()
    return [msgspec.structs.replace(fact, raw=raw, occurred_us=occurred_us or callback.received_us)]


def _content(callback: Callback) -> dict[str, Any]:
    if callback.body or callback.method != "GET":
        return object_of(callback.body)
    return dict(form_of(callback).content)


def _call_sid(content: Content) -> str:
    found = [values.value_of(content, name, value_parsers.sid) for name in _SIDS]
    call_sid = next((each for each in found if each is not None), None)
    if call_sid is None:
        kind = _kind(content)
        detail = f"uuid is missing: the event does not say which call it is of ({kind})"
        raise unread(kind, detail, names_state=kind in words.STATUSES)
    return call_sid


def _kind(content: Content) -> str:
    """The status, or what an event without one is by a field of its own."""
    found = (kind for name, kind in words.KIND_BY_FIELD.items() if values.at(content, name) is not None)
    return values.value_of(content, "status", value_parsers.word) or next(found, "")


def _said(content: Content, callback: Callback) -> Said:
    word = values.value_of(content, "status", value_parsers.word)
    if word not in words.ASIDE:
        return said_of(content, callback.received_us)
    said = said_of({**content, "status": None}, callback.received_us)
    if word in words.ANSWERED_BY:
        said["answered_by"] = words.ANSWERED_BY[word]
    return said
