"""OpenAPI documents of four services: one schema in common, one name used for different things, one private route."""

from typing import Any

_PROBLEM = {"type": "object", "title": "Problem", "properties": {"type": {"type": "string"}}}


def _operation(name: str, schema: str, **more: Any) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {
        "operationId": name,
        "summary": name,
        "responses": {
            "200": {"description": "ok", "content": {"application/json": {"schema": reference}}},
            "default": {
                "description": "problem",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
        **more,
    }


REGISTRY: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "居住登记 · Residence registry", "version": "1"},
    "paths": {
        "/v1/persons": {"post": _operation("register", "View", tags=["persons"])},
        "/v1/persons/{person_id}": {
            "get": _operation("read", "View", tags=["persons"]),
            "delete": _operation("never_offered", "Hidden", tags=["persons"]),
        },
        "/v1/residence-permits/{permit_id}/issue": {
            "post": _operation(
                "issue",
                "View",
                parameters=[{"name": "X-Actor", "in": "header", "required": True, "schema": {"type": "string"}}],
            )
        },
        "/internal/secret": {"get": _operation("secret", "Hidden")},
    },
    "components": {
        "schemas": {
            "Problem": _PROBLEM,
            "View": {"type": "object", "properties": {"person": {"$ref": "#/components/schemas/Nested"}}},
            "Nested": {"type": "object", "properties": {"name": {"type": "string"}}},
            "Hidden": {"type": "object"},
        }
    },
}

POINTS: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "积分落户 · Points", "version": "1"},
    "paths": {"/v1/points/files/{person_id}": {"get": _operation("read", "View")}},
    "components": {
        "schemas": {
            "Problem": _PROBLEM,
            "View": {"type": "object", "properties": {"points": {"$ref": "#/components/schemas/Nested"}}},
            "Nested": {"type": "object", "properties": {"points": {"type": "integer"}}},
        }
    },
}

HEALTH: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "免疫规划 · Immunisation", "version": "1"},
    "paths": {"/v1/immunisation/cards/{card_id}": {"get": _operation("read", "Problem")}},
    "components": {"schemas": {"Problem": _PROBLEM}},
}

EDUCATION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "随迁子女入学 · School places", "version": "1"},
    "paths": {"/v1/education/schools/{school_id}": {"get": _operation("read", "Problem")}},
    "components": {"schemas": {"Problem": _PROBLEM}},
}
