"""The OpenAPI document of the service as one page to read: no script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from recommender.reports.pages import render_page

_METHODS = ("get", "post", "put", "delete")
_REFERENCE = "#/components/schemas/"


def api_page(document: Mapping[str, Any]) -> str:
    """The page.

    Parameters
    ----------
    document : mapping
        As of OpenAPI 3.1.
    """
    schemas = document.get("components", {}).get("schemas", {})
    routes = [
        _route(path, method, operations[method], schemas)
        for path, operations in document["paths"].items()
        for method in _METHODS
        if method in operations
    ]
    return render_page("service_docs.html", language="en", info=document["info"], routes=routes)


def _route(
    path: str, method: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]
) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = _named(content.get("schema", {}), schemas)
    example = next(iter(schema.get("examples", ())), None)
    return {
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "guarded": bool(operation.get("security")),
        "parameters": [
            {
                "name": each["name"],
                "where": each["in"],
                "kind": _kind(each.get("schema", {}), schemas),
                "about": each.get("description", ""),
            }
            for each in operation.get("parameters", ())
        ],
        "fields": [
            {"name": name, "kind": _kind(each, schemas), "about": each.get("description", "")}
            for name, each in schema.get("properties", {}).items()
        ],
        "example": json.dumps(example, ensure_ascii=False, indent=2) if example else "",
        "answers": [
            {"status": status, "about": each.get("description", "")}
            for status, each in sorted(operation.get("responses", {}).items())
        ],
    }


def _named(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").removeprefix(_REFERENCE)
    return schemas.get(name, schema) if name else schema


def _kind(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """A type in a word or two."""
    if "anyOf" in schema:
        return " or ".join(_kind(each, schemas) for each in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].removeprefix(_REFERENCE))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), schemas)}"
    kind = str(schema.get("type", "anything"))
    if "minimum" in schema and "maximum" in schema:
        return f"{kind} {schema['minimum']} to {schema['maximum']}"
    return kind
