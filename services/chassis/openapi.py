"""What the OpenAPI says beyond FastAPI's own: the problem document, and which problems each operation may answer with."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from services.chassis.fields import FieldTable, describe_fields
from services.chassis.operation import EXTENSION
from services.chassis.problems import TYPE_PREFIX, Catalogue
from services.chassis.schemas import Command, View

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem document. `title` and `detail` follow Accept-Language (zh by default).",
    "required": ["type", "title", "status", "title_zh", "title_en", "request_id"],
    "properties": {
        "type": {"type": "string", "examples": [TYPE_PREFIX + "invalid-request"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "title_zh": {"type": "string"},
        "title_en": {"type": "string"},
        "detail": {"type": "string"},
        "detail_zh": {"type": "string"},
        "detail_en": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message", "message_zh", "message_en"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer, ?query, {path} or header name."},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "message_zh": {"type": "string"},
                    "message_en": {"type": "string"},
                    "rule": {"type": "string", "description": "Id of the rule or its article."},
                },
            },
        },
    },
}


def describe_problems(app: FastAPI, catalogue: Catalogue, fields: FieldTable | None = None) -> None:
    """Complete `app.openapi()`: the schema of problems, per operation its own ones, the classes of personal fields."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas["Problem"] = PROBLEM_SCHEMA
            _restore_examples(schemas, (*_descendants(Command), *_descendants(View)))
            if fields is not None:
                describe_fields(schemas, fields)
            for item in document["paths"].values():
                for operation in item.values():
                    _complete(operation, catalogue)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _restore_examples(schemas: dict[str, Any], models: Iterable[type[BaseModel]]) -> None:
    """FastAPI drops null members from examples, which then break their own schema: put the models' own ones back."""
    for model in models:
        extra = model.model_config.get("json_schema_extra")
        if isinstance(extra, dict) and "examples" in extra and schemas.get(model.__name__, {}).get("examples"):
            schemas[model.__name__]["examples"] = extra["examples"]


def _descendants(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        yield child
        yield from _descendants(child)


def _complete(operation: dict[str, Any], catalogue: Catalogue) -> None:
    operation.get("responses", {}).pop("422", None)
    if chinese := operation.pop("x-summary-zh", ""):
        operation["summary"] = f"{chinese} · {operation.get('summary', '')}"
    lines = []
    for code in operation.pop("x-problems", []):
        found = catalogue.definitions[code]
        lines.append(f"- `{TYPE_PREFIX}{code}` ({int(found.status)}): {found.title_zh} · {found.title_en}")
    if lines:
        operation["description"] = "\n".join([operation.get("description", ""), "", "**Problems**", "", *lines]).strip()
    operation["security"] = [{"oauth": [operation[EXTENSION]["scope"]]}] if EXTENSION in operation else []
