"""The operations the suite publishes, as its merged OpenAPI tells them, and a well-meant request for each."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from services.chassis.operation import EXTENSION

PUBLIC: Mapping[str, str] = {"code": "330282"}
"""Path parameters that name reference data: the same for everybody, nobody's object."""
PATH_METHODS = ("get", "post", "put", "patch", "delete")
_SCHEMAS = "#/components/schemas/"
_PDF = b"%PDF-1.4\n%%EOF\n"
_NOT_JSON: Mapping[str, bytes] = {"application/pdf": _PDF, "application/octet-stream": _PDF, "multipart/form-data": b""}


@dataclass(frozen=True, slots=True)
class Published:
    """One operation. `policy` is its `x-xinshimin`, empty where there is none."""

    method: str
    path: str
    policy: Mapping[str, Any]
    media_type: str | None
    schema: Mapping[str, Any]
    query: Mapping[str, str]
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Method and template."""
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        """The names in the path, in order."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    def key_of(self, parameter: str, known: Mapping[str, str]) -> str:
        """Under which name the object of a path is known: services may have things of one name, as proposals."""
        own = f"{self.path.split('/')[2]}:{parameter}"
        return own if own in known else parameter

    def body(self, known: Mapping[str, str]) -> bytes | None:
        """A body as the schema's own example gives it; members whose name is in `known` get that value, at any depth, and of
        things of one name that of the service."""
        if self.media_type is None:
            return None
        if self.media_type != "application/json":
            return _NOT_JSON.get(self.media_type, b"hostile")
        own = f"{self.path.split('/')[2]}:"
        of_service = dict(known) | {name.removeprefix(own): value for name, value in known.items() if name.startswith(own)}
        return json.dumps(_with(example(self.schema, self.document), of_service), ensure_ascii=False).encode()

    def target(self, known: Mapping[str, str]) -> str:
        """The path with its parameters filled in, and the query parameters it cannot do without."""
        path = self.path.format(**{name: PUBLIC.get(name) or known[self.key_of(name, known)] for name in self.parameters})
        return f"{path}?{urlencode(self.query)}" if self.query else path

    def refers_to(self, known: Mapping[str, str]) -> bool:
        """Whether the request names an object of `known`, in its path or in its body."""
        return bool(set(self.parameters) - PUBLIC.keys()) or any(
            value in (self.body(known) or b"").decode() for value in known.values()
        )


def operations(document: Mapping[str, Any]) -> list[Published]:
    """Every operation of a merged document."""
    return [
        Published(
            method.upper(),
            path,
            operation.get(EXTENSION, {}),
            *_content(operation),
            _needed_query(operation, document),
            document,
        )
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in PATH_METHODS
    ]


def example(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    """A value for `schema`: its example, else one made of its members' examples, defaults and first choices."""
    schema = resolved(schema, document)
    for given in ("const", "default", "example"):
        if given in schema:
            return schema[given]
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return example(schema[choice][0], document)
    if schema.get("type") == "object":
        needed = schema.get("required", [])
        return {name: example(member, document) for name, member in schema.get("properties", {}).items() if name in needed}
    if schema.get("type") == "array":
        return [example(schema["items"], document)] if schema.get("minItems") else []
    plain = {"string": "a", "integer": schema.get("minimum", 1), "number": 1, "boolean": False}
    return plain.get(str(schema.get("type")))


def resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema a `$ref` leads to."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].removeprefix(_SCHEMAS)]
    return schema


def members(schema: Mapping[str, Any], document: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Every object schema within `schema`, itself included, down to a depth no body of ours reaches."""
    schema = resolved(schema, document)
    if depth > 8:
        return
    if "properties" in schema or schema.get("type") == "object":
        yield schema
    inner = [*schema.get("properties", {}).values(), *(schema[name] for name in ("items",) if name in schema)]
    for name in ("anyOf", "oneOf", "allOf"):
        inner += schema.get(name, [])
    for each in inner:
        yield from members(each, document, depth + 1)


def _content(operation: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {})
    for media_type, described in content.items():
        return media_type, described.get("schema", {})
    return None, {}


def _needed_query(operation: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, str]:
    return {
        parameter["name"]: str(example(parameter["schema"], document))
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query" and parameter.get("required")
    }


def _with(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: known.get(name, _with(member, known)) for name, member in value.items()}
    if isinstance(value, list):
        return [_with(member, known) for member in value]
    return value
