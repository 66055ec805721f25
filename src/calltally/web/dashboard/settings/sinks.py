"""Alert destinations on the settings page: their list, and the fields of each kind."""

import re
from typing import Any, Final

import msgspec

from calltally.alerts.notify.sink_kinds import EMAIL, KINDS, SinkKind
from calltally.store.alerts.sinks import list_sinks
from calltally.web.api.alerts.schemas import AlertSink, SinkBody, sink_resource
from calltally.web.dashboard.calls.links import first_value, non_empty
from calltally.web.dashboard.formats import minute
from calltally.web.dashboard.settings.submitted_form import SubmittedForm
from calltally.web.dashboard.sign_in.visitor import Visitor
from calltally.web.request.bodies import decode_body
from calltally.web.request.context import AnyRequest, dependencies_of
from calltally.web.request.query import Pairs, query_pairs

SINKS: Final = "/settings/sinks"
_PREFIX: Final = "setting."
_SEPARATORS: Final = re.compile(r"[\s,]+")


async def sink_values(request: AnyRequest, visitor: Visitor, submitted: SubmittedForm) -> dict[str, Any]:
    """Return the destinations, and the form of a new one or of the one that the URL names."""
    found = await dependencies_of(request).store.read(list_sinks(visitor.tenant))
    sinks = [sink_resource(sink) for sink in found]
    query = non_empty(query_pairs(request.scope["query_string"]))
    changed = submitted.value(SINKS, "sink", first_value(query, "edit"))
    current = next((sink for sink in sinks if sink.id == changed), None)
    named = submitted.value(SINKS, "kind", current.kind if current else first_value(query, "sink"))
    kind = KINDS.get(named)
    return {
        "sinks": [
            (sink, _target(sink), minute(sink.told_at, visitor.zone), minute(sink.created_at, visitor.zone))
            for sink in sinks
        ],
        "sink_kinds": list(KINDS),
        "sink_form": None if kind is None else {"kind": kind.name, "fields": _fields(kind, current)},
        "edited_sink": current,
    }


def _target(sink: AlertSink) -> str:
    """Return the address of a destination as far as it is no secret."""
    settings = sink.settings
    receivers = settings.get("to")
    return ", ".join(receivers) if receivers else str(settings.get("url") or settings.get("host") or "")


def _fields(kind: SinkKind, current: AlertSink | None) -> list[dict[str, Any]]:
    """Return the fields of a kind; a secret one is empty even if it is stored."""
    stored = current.settings if current else {}
    return [
        {
            "name": each.encode_name,
            "is_secret": each.encode_name in kind.secret,
            "is_required": each.required,
            "value": _text(stored.get(each.encode_name, "" if each.required else each.default)),
        }
        for each in msgspec.structs.fields(kind.settings)
    ]


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def sink_body(pairs: Pairs) -> SinkBody:
    """Convert the fields of the form into the body of the API. Raises InvalidBody."""
    kind = first_value(pairs, "kind")
    settings: dict[str, Any] = {
        name.removeprefix(_PREFIX): value for name, value in pairs if name.startswith(_PREFIX)
    }
    if kind == EMAIL:
        settings["to"] = [each for each in _SEPARATORS.split(settings.get("to", "")) if each]
        port = settings.get("port", "")
        settings |= {"port": int(port)} if port.isascii() and port.isdecimal() else {}
    body = {"kind": kind, "name": first_value(pairs, "name"), "settings": settings}
    return decode_body(msgspec.json.encode(body), SinkBody)
