"""Forms of schemas that the generators of clients read alike."""

from typing import Final

from calltally.web.openapi.named_enums import refer_to_enum
from calltally.web.openapi.schema_walk import Json

_NULL: Final[Json] = {"type": "null"}
_MAX_INT32: Final = 2**31 - 1


def finished_schema(schema: Json) -> Json:
    """Return a schema with named enumerations, nullable types, open objects and 64-bit integers."""
    return _integer(_object(_nullable(_without_object_default(refer_to_enum(schema)))))


def _without_object_default(schema: Json) -> Json:
    """Leave out a default that is an object: its fields have theirs, and Go has no literal for it."""
    if not isinstance(schema.get("default"), dict):
        return schema
    return {name: value for name, value in schema.items() if name != "default"}


def _nullable(schema: Json) -> Json:
    """Write a type or null as a list of both: without it, generators invent a class for the choice."""
    kinds = schema.get("anyOf", [])
    others = [each for each in kinds if each != _NULL]
    if len(kinds) - len(others) != 1 or len(others) != 1 or not isinstance(others[0].get("type"), str):
        return schema
    [only] = others
    if "enum" in only or "const" in only or "properties" in only:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if "anyOf" in only:
        return {**rest, "anyOf": [*only["anyOf"], _NULL]}
    return {**only, **rest, "type": [only["type"], "null"]}


def _object(schema: Json) -> Json:
    """State that an object without declared fields may have any."""
    kind = schema.get("type")
    is_free = kind == "object" or (isinstance(kind, list) and "object" in kind)
    if not is_free or {"properties", "additionalProperties", "anyOf"} & schema.keys():
        return schema
    return {**schema, "additionalProperties": True}


def _integer(schema: Json) -> Json:
    kind = schema.get("type")
    is_integer = kind == "integer" or (isinstance(kind, list) and "integer" in kind)
    if not is_integer or "format" in schema or schema.get("maximum", _MAX_INT32 + 1) <= _MAX_INT32:
        return schema
    return {**schema, "format": "int64"}
