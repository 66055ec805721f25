"""Payload formats of the stored event envelope."""

from typing import Any, Final

import msgspec

STANDARD: Final = "standard"
CLOUDEVENTS: Final = "cloudevents"
FORMS: Final = (STANDARD, CLOUDEVENTS)
CONTENT_TYPES: Final = {STANDARD: "application/json", CLOUDEVENTS: "application/cloudevents+json"}


class _Envelope(msgspec.Struct):
    id: str
    event: str
    created_at: str
    tenant_id: str
    api_version: str
    data: msgspec.Raw


class _CloudEvent(msgspec.Struct, omit_defaults=True):
    """CloudEvents 1.0, structured mode; the attributes are in the order of the specification."""

    id: str
    source: str
    specversion: str
    type: str
    datacontenttype: str
    dataschema: str
    subject: str | None
    time: str
    apiversion: str
    data: msgspec.Raw


class _Subject(msgspec.Struct):
    id: str | None = None


def body_in_form(form: str, envelope: bytes, public_url: str = "") -> bytes:
    """Return the request body. Standard is the envelope itself; CloudEvents is computed from it.

    `public_url` is the service's own, so that `dataschema` is absolute.
    """
    if form == STANDARD:
        return envelope
    fields = msgspec.json.decode(envelope, type=_Envelope)
    event = _CloudEvent(
        id=fields.id,
        source=f"/tenants/{fields.tenant_id}",
        specversion="1.0",
        type=fields.event,
        datacontenttype="application/json",
        dataschema=public_url + data_schema_path(fields.event),
        subject=msgspec.json.decode(fields.data, type=_Subject).id,
        time=fields.created_at,
        apiversion=fields.api_version,
        data=fields.data,
    )
    attributes: dict[str, Any] = msgspec.structs.asdict(event)
    return msgspec.json.encode({name: value for name, value in attributes.items() if value is not None})


def schema_path(event: str) -> str:
    return f"/schemas/{event}.json"


def data_schema_path(event: str) -> str:
    """Return the path of the schema of an event's data alone."""
    return f"/schemas/{event}.data.json"
