"""Does an answer have the shape that it was asked for? The part of JSON Schema that we use.

Objects with required and closed properties, arrays, enums, types and lists of types. Ranges are
not in the schema (servers refuse them) and belong to whoever reads the values.
"""

import math
from collections.abc import Mapping
from typing import Any

# More faults than these say nothing new to the model that is asked again.
_MOST_FAULTS = 5


def faults_of(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with `value`, each with its place; [] when it fits."""
    found: list[str] = []
    _collect(value, schema, "answer", found)
    return found[:_MOST_FAULTS]


def fits_outside(value: Any, schema: Mapping[str, Any]) -> bool:
    """Tell whether `value` fits apart from the single elements of its arrays."""
    if not _is_type(value, schema.get("type")):
        return False
    if not isinstance(value, dict):
        return not _breaks_enum(value, schema)
    if any(name not in value for name in schema.get("required", ())):
        return False
    known = schema.get("properties", {})
    return all(fits_outside(value[name], one) for name, one in known.items() if name in value)


def wrapped(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a bare list as the object around its only property, which weak models leave out."""
    properties = schema.get("properties", {})
    lists = [name for name, one in properties.items() if one.get("type") == "array"]
    if isinstance(value, list) and len(lists) == len(properties) == 1:
        return {lists[0]: value}
    return value


def bare_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema itself out of the form {"name", "strict", "schema"}."""
    inner = schema.get("schema")
    return inner if isinstance(inner, Mapping) and "type" not in schema else schema


def _collect(value: Any, schema: Mapping[str, Any], place: str, found: list[str]) -> None:
    if len(found) >= _MOST_FAULTS:
        return
    if not _is_type(value, schema.get("type")):
        found.append(f"{place}: expected {schema.get('type')}")
    elif _breaks_enum(value, schema):
        found.append(f"{place}: expected one of {', '.join(map(str, schema['enum']))}")
    elif isinstance(value, dict):
        _collect_properties(value, schema, place, found)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for number, element in enumerate(value):
            _collect(element, schema["items"], f"{place}[{number}]", found)


def _collect_properties(
    value: dict[str, Any], schema: Mapping[str, Any], place: str, found: list[str]
) -> None:
    known = schema.get("properties", {})
    found += [
        f"{place}.{name}: missing" for name in schema.get("required", ()) if name not in value
    ]
    if schema.get("additionalProperties") is False:
        # Their names are the model's words; the count is enough.
        extra = len(value.keys() - known.keys())
        found += [f"{place}: {extra} unknown properties"] if extra else []
    for name, one in known.items():
        if name in value:
            _collect(value[name], one, f"{place}.{name}", found)


def _breaks_enum(value: Any, schema: Mapping[str, Any]) -> bool:
    return "enum" in schema and value not in schema["enum"]


def _is_type(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(_is_type(value, one) for one in wanted)
    if wanted == "number":
        return type(value) in {int, float} and math.isfinite(value)
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    if wanted == "null":
        return value is None
    return wanted not in kinds or type(value) is kinds[wanted]
