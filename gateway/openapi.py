"""One OpenAPI document out of the services' own: pure functions on documents, no I/O.

Only routes of the route table appear. A component name that two services use for different things gets the service's name.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from gateway.routes import SANDBOX_CLOCK_SCOPE, Route, known_scopes
from gateway.sandbox import CLOCK_PATH
from gateway.tokens import TOKEN_PATH
from services.chassis.operation import EXTENSION, Operation

Document = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
_SECURITY = "oauth"
_COMMON_PARAMETERS: Mapping[str, Document] = {
    "X-Purpose": {
        "required": True,
        "description": "使用个人信息的目的 · Why personal data are used; one of the client's allowed purposes.",
        "schema": {"type": "string", "pattern": "^[a-z][a-z_]{1,40}$"},
    },
    "X-Actor-Assertion": {
        "required": False,
        "description": "经办人声明 · JWT (typ actor-assertion+jwt, ES256) by which the client vouches for the officer; "
        "in a sandbox `X-Actor: <id>` does.",
        "schema": {"type": "string"},
    },
    "X-Request-Id": {
        "required": False,
        "description": "调用方的请求编号 · The caller's own id of this request, 1 to 64 of `A-Za-z0-9._~:-`; any other value "
        "is replaced, not refused. Every answer carries one.",
        "schema": {"type": "string"},
    },
}
_PROBLEM_ANSWER: Document = {
    "description": "Problem document (RFC 9457)",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}


def merge(routes: Iterable[Route], documents: Mapping[str, Document], *, missing: Iterable[str], sandbox: bool) -> Document:
    """The document of the whole suite. `documents` are the services' own by name; `missing` names services that gave none."""
    routes = tuple(routes)
    merged = _frame(routes, sorted(missing))
    taken: dict[str, str] = {}
    operation_ids: set[str] = set()
    for service, document in documents.items():
        schemas, operations = _part_of(service, document, routes, taken)
        merged["components"]["schemas"].update(schemas)
        merged["tags"] += _service_tags(service, document, [operation for _, operation in operations])
        for route, operation in operations:
            _complete(operation, route, operation_ids)
            merged["paths"].setdefault(route.path, {})[route.method.lower()] = operation
    merged["paths"].update(_own_paths(sandbox=sandbox))
    merged["tags"].append({"name": "access", "description": "令牌与沙箱 · Tokens and sandbox"})
    return merged


def _part_of(
    service: str, document: Document, routes: Iterable[Route], taken: dict[str, str]
) -> tuple[dict[str, Any], list[tuple[Route, Document]]]:
    """Copies of a service's schemas and operations, as far as the route table needs them, under names that are free."""
    paths = document.get("paths", {})
    operations = [
        (route, paths[route.path][route.method.lower()])
        for route in routes
        if route.service == service and route.method.lower() in paths.get(route.path, {})
    ]
    schemas = _reachable([operation for _, operation in operations], document.get("components", {}).get("schemas", {}))
    names = _new_names(service, schemas, taken)
    return (
        {names[name]: _renamed(schema, names) for name, schema in schemas.items()},
        [(route, _renamed(operation, names)) for route, operation in operations],
    )


def _frame(routes: tuple[Route, ...], missing: list[str]) -> Document:
    description = (
        "新市民公共服务 · Public services for the people who move to a city to work. "
        f"先用客户端凭据取得访问令牌（`POST {TOKEN_PATH}`），再调用 · Obtain an access token first, then call."
    )
    if missing:
        names = ", ".join(missing)
        description += f"\n\n**注意 · Note:** 下列服务目前没有给出接口说明 · no description at present from: {names}."
    return {
        "openapi": "3.1.0",
        "info": {"title": "新市民 · Xinshimin", "version": "1", "description": description, "x-missing-services": missing},
        "servers": [{"url": "/"}],
        "tags": [],
        "paths": {},
        "components": {
            "schemas": {},
            "securitySchemes": {
                _SECURITY: {
                    "type": "oauth2",
                    "description": "Client credentials: `private_key_jwt`; a shared secret in a sandbox only.",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": TOKEN_PATH,
                            "scopes": {scope: scope.replace(".", " ") for scope in sorted(known_scopes(routes))},
                        }
                    },
                }
            },
        },
    }


def _reachable(start: Any, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas that `start` refers to, directly or through others, in the order of `schemas`."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for name in _referenced(waiting.pop()):
            if name in schemas and name not in found:
                found.add(name)
                waiting.append(schemas[name])
    return {name: schema for name, schema in schemas.items() if name in found}


def _referenced(node: Any) -> Iterator[str]:
    """Every schema named below `node`, in a `$ref` or a discriminator's mapping."""
    if isinstance(node, str):
        if node.startswith(_SCHEMAS):
            yield node.removeprefix(_SCHEMAS)
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from _referenced(child)


def _new_names(service: str, schemas: Mapping[str, Any], taken: dict[str, str]) -> dict[str, str]:
    """A name for each schema; `taken` remembers what each stands for: schemas are shared when all they lead to is equal."""
    names: dict[str, str] = {}
    for name, schema in schemas.items():
        content = json.dumps([schema, _reachable(schema, schemas)], sort_keys=True)
        if taken.setdefault(name, content) == content:
            names[name] = name
            continue
        prefixed = "".join(part.capitalize() for part in service.split("_")) + name
        taken[prefixed] = content
        names[name] = prefixed
    return names


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    """A copy of `node` with its references to schemas renamed."""
    if isinstance(node, str) and node.startswith(_SCHEMAS):
        name = node.removeprefix(_SCHEMAS)
        return _SCHEMAS + names.get(name, name)
    if isinstance(node, dict):
        return {key: _renamed(child, names) for key, child in node.items()}
    if isinstance(node, list):
        return [_renamed(child, names) for child in node]
    return node


def _service_tags(service: str, document: Document, operations: list[Document]) -> list[Document]:
    """Tags carry the service's name; an operation without one gets the service itself."""
    title = document.get("info", {}).get("title", service)
    names: dict[str, str] = {}
    for operation in operations:
        own = operation.get("tags") or [""]
        operation["tags"] = [names.setdefault(tag, f"{service}: {tag}" if tag else service) for tag in own]
    return [{"name": name, "description": title} for name in names.values()]


def _complete(operation: Document, route: Route, operation_ids: set[str]) -> None:
    """What the gateway adds: security, the headers it reads, the answers it gives itself."""
    operation["security"] = [{_SECURITY: [route.scope]}]
    operation_id = operation.get("operationId") or f"{route.method}_{route.path}"
    if operation_id in operation_ids:
        operation_id = f"{route.service}_{operation_id}"
    operation_ids.add(operation_id)
    operation["operationId"] = operation_id
    parameters = operation.setdefault("parameters", [])
    present = {parameter.get("name", "").lower() for parameter in parameters if parameter.get("in") == "header"}
    for name, parameter in _COMMON_PARAMETERS.items():
        needed = {"X-Purpose": route.purpose, "X-Actor-Assertion": route.actor}.get(name, True)
        if needed and name.lower() not in present:
            parameters.append({"name": name, "in": "header", **parameter})
    for parameter in parameters:
        if parameter.get("name") == "X-Actor":
            parameter["required"] = False  # the assertion replaces it outside a sandbox
    operation.setdefault("responses", {}).setdefault("default", _PROBLEM_ANSWER)


def _own_paths(*, sandbox: bool) -> Document:
    paths: Document = {TOKEN_PATH: {"post": _token_operation()}}
    if sandbox:
        paths[CLOCK_PATH] = {"get": _clock_operation("get"), "put": _clock_operation("put")}
    return paths


def _token_operation() -> Document:
    text = {"type": "string"}
    properties = {
        "grant_type": {"const": "client_credentials"},
        "scope": {**text, "description": "以空格分隔，可省略 · separated by spaces; all of the client's when absent"},
        "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
        "client_assertion": {**text, "description": "JWT, typ client-authentication+jwt, aud = our issuer alone, ≤ 5 min"},
    }
    answer = {
        "access_token": text,
        "token_type": {"const": "Bearer"},
        "expires_in": {"type": "integer", "description": "秒 · seconds"},
        "scope": text,
    }
    return {
        "tags": ["access"],
        "operationId": "token",
        "summary": "取得访问令牌 · Obtain an access token",
        "security": [],
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {"type": "object", "required": ["grant_type"], "properties": properties}
                }
            },
        },
        "responses": {
            "200": {
                "description": "Access token (RFC 9068)",
                "content": {"application/json": {"schema": {"type": "object", "properties": answer, "required": list(answer)}}},
            },
            "default": {"description": "OAuth error (RFC 6749 §5.2)"},
        },
    }


def _clock_operation(method: str) -> Document:
    clock = {
        "type": "object",
        "properties": {"now": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}},
        "required": ["now"],
        "additionalProperties": method == "get",
    }
    content = {"application/json": {"schema": clock}}
    operation: Document = {
        "tags": ["access"],
        "operationId": f"{method}_sandbox_clock",
        "summary": "沙箱的法律时钟 · The sandbox's law clock",
        "security": [{_SECURITY: [SANDBOX_CLOCK_SCOPE]}],
        EXTENSION: asdict(Operation(SANDBOX_CLOCK_SCOPE, purpose=False, writes=method == "put", idempotency=False)),
        "responses": {
            "200": {"description": "The clock, when all its effects are done", "content": content},
            "default": _PROBLEM_ANSWER,
        },
    }
    if method == "put":
        operation["requestBody"] = {"required": True, "content": content}
    return operation
