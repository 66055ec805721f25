"""Component schemas of the Structs of requests and responses, with a description for each field."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from calltally.web.openapi.field_texts import admin, alerts, analytics, calls, jobs, webhooks
from calltally.web.openapi.schema_walk import Json, change_schema

_REF: Final = "#/components/schemas/{name}"
_TABLES: Final = (admin.TEXTS, alerts.TEXTS, analytics.TEXTS, calls.TEXTS, jobs.TEXTS, webhooks.TEXTS)
FIELD_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    name: texts for table in _TABLES for name, texts in table.items()
}


def struct_components(structs: Iterable[type]) -> Json:
    """Return the components of Structs and of the Structs within them, with enumerations in place."""
    _references, components = msgspec.json.schema_components(structs, ref_template=_REF)
    enums = {
        _REF.format(name=name): {"type": "string", "enum": schema["enum"]}
        for name, schema in components.items()
        if "enum" in schema
    }
    return {
        name: _described(change_schema(schema, lambda part: _inlined(part, enums)), FIELD_TEXTS.get(name, {}))
        for name, schema in components.items()
        if "enum" not in schema
    }


def _inlined(schema: Json, enums: Json) -> Json:
    reference = schema.get("$ref")
    if reference not in enums:
        return schema
    rest = {name: part for name, part in schema.items() if name != "$ref"}
    return {**rest, **enums[reference]}


def _described(schema: Json, texts: Mapping[str, str]) -> Json:
    fields: dict[str, Any] = schema["properties"]
    described = {
        name: {**field, **({"description": texts[name]} if name in texts else {})}
        for name, field in fields.items()
    }
    return {**schema, "properties": described}
