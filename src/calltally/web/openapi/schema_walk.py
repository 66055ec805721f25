"""Walk over the JSON Schemas of a document: each schema is replaced, its parts first."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Json], Json]

_SCHEMA_MAPS: Final = ("properties", "patternProperties", "$defs")
_SCHEMA_LISTS: Final = ("anyOf", "oneOf", "allOf")
_SCHEMAS: Final = ("items", "additionalProperties", "not")


def change_schema(schema: Mapping[str, Any], change: Change) -> Json:
    """Return a copy of a schema in which `change` replaced every part, and then the whole."""
    changed = dict(schema)
    for name in _SCHEMA_MAPS:
        if name in changed:
            changed[name] = {key: change_schema(part, change) for key, part in changed[name].items()}
    for name in _SCHEMA_LISTS:
        if name in changed:
            changed[name] = [change_schema(part, change) for part in changed[name]]
    for name in _SCHEMAS:
        if isinstance(changed.get(name), Mapping):
            changed[name] = change_schema(changed[name], change)
    return change(changed)


def change_schemas(node: Any, change: Change) -> Any:  # noqa: ANN401 (any JSON value)
    """Return a copy of a part of an OpenAPI document in which `change` replaced every schema.

    Examples are data and stay as they are.
    """
    if isinstance(node, list):
        return [change_schemas(each, change) for each in node]
    if not isinstance(node, Mapping):
        return node
    return {name: _changed_member(name, value, change) for name, value in node.items()}


def _changed_member(name: str, value: Any, change: Change) -> Any:  # noqa: ANN401 (any JSON value)
    if name == "schema":
        return change_schema(value, change)
    if name == "schemas":
        return {each: change_schema(schema, change) for each, schema in value.items()}
    return value if name in {"example", "examples"} else change_schemas(value, change)


def with_components(document: Json) -> Json:
    """Return a document in which every schema with a title is a component, and is referred to elsewhere."""
    components: Json = {}

    def move(schema: Json) -> Json:
        title = schema.get("title")
        if title is None:
            return schema
        components[title] = schema
        description = {"description": schema["description"]} if "description" in schema else {}
        return {"$ref": f"#/components/schemas/{title}", **description}

    described = document["components"]
    own = {
        # Without its own title, a component stays where it is.
        name: change_schema({key: part for key, part in schema.items() if key != "title"}, move)
        for name, schema in described["schemas"].items()
    }
    others = {name: change_schemas(value, move) for name, value in document.items() if name != "components"}
    parts = {name: change_schemas(value, move) for name, value in described.items() if name != "schemas"}
    schemas = {name: {"title": name, **schema} for name, schema in {**own, **components}.items()}
    return {**others, "components": {**parts, "schemas": schemas}}
