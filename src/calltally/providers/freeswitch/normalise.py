"""Facts from requests of mod_json_cdr and mod_xml_cdr: JSON or XML, plain or in the form field `cdr`."""

from typing import Final
from urllib.parse import unquote_to_bytes

from calltally.calls.events import Channel, Fact
from calltally.providers import json_documents
from calltally.providers.callback import Callback, RecordSource
from calltally.providers.freeswitch.files import SHAPE
from calltally.providers.freeswitch.records import fact_of
from calltally.providers.freeswitch.xml_text import parse_cdr

_FORM_FIELD: Final = b"cdr="


def facts_of(callback: Callback) -> list[Fact]:
    """Return the facts of a request; raise NotUnderstood."""
    body = _content(callback.body)
    if body.lstrip().startswith(b"<"):
        return [
            fact_of(parse_cdr(body), RecordSource(Channel.CALLBACK, callback.received_us, callback.account))
        ]
    return json_documents.callback_facts(replace_body(callback, body), SHAPE, fact_of)


def replace_body(callback: Callback, body: bytes) -> Callback:
    """Return the request with only the record as its body."""
    return Callback(
        callback.method, callback.url, callback.headers, body, callback.received_us, callback.account
    )


def _content(body: bytes) -> bytes:
    """Return the record: modules with `encode` send it as the field of a form, others as the body."""
    field = next((part for part in body.split(b"&") if part.startswith(_FORM_FIELD)), None)
    if field is None or body.lstrip()[:1] in (b"<", b"{", b"["):
        return body
    return unquote_to_bytes(field.removeprefix(_FORM_FIELD).replace(b"+", b" "))
