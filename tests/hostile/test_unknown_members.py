"""No body takes a member it does not know, at any depth: neither an invented one nor one that only the server sets."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from gateway.routes import load_routes
from gateway.sandbox import CLOCK_PATH
from tests.hostile.forging import Forge
from tests.hostile.operations import Published, example, resolved
from tests.hostile.people import City, request

NAMES = (*(route.name for route in load_routes() if route.method != "GET"), f"PUT {CLOCK_PATH}")
INVENTED = ("hostile", "__proto__", "__class__", "constructor")
"""Names with underscores before them are refused without being said back."""
Place = tuple[str | int, ...]


def full(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    """A value with every member a schema knows, so that every object in it is there to be written into."""
    schema = resolved(schema, document)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return full(schema[choice][0], document)
    if schema.get("properties"):
        return {name: full(member, document) for name, member in schema["properties"].items()}
    if schema.get("type") == "array":
        return [full(schema["items"], document)]
    return example(schema, document)


def objects(schema: Mapping[str, Any], document: Mapping[str, Any], place: Place = ()) -> Iterator[tuple[Place, set[str]]]:
    """Every object within `full`: where it is, and the members it knows."""
    schema = resolved(schema, document)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            yield from objects(schema[choice][0], document, place)
            return
    if schema.get("type") == "object" and not _is_map(schema):
        yield place, set(schema.get("properties", {}))
    for name, member in schema.get("properties", {}).items():
        yield from objects(member, document, (*place, name))
    if schema.get("type") == "array":
        yield from objects(schema["items"], document, (*place, 0))


def _is_map(schema: Mapping[str, Any]) -> bool:
    """Whether its members are data – a bounded number of names the caller chooses, to values of one schema."""
    takes_any_name = isinstance(schema.get("additionalProperties"), dict) or "patternProperties" in schema
    return "properties" not in schema and takes_any_name and "maxProperties" in schema


def server_set(city: City) -> set[str]:
    """Every member of any answer: what a caller might hope to set."""
    found: set[str] = set()
    for operation in city.operations.values():
        described = operation.document["paths"][operation.path][operation.method.lower()]["responses"]
        for answer in described.values():
            schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
            for _, names in objects(schema, operation.document):
                found |= names
    return found


def _with(body: Any, place: Place, names: list[str]) -> Any:
    changed = copy.deepcopy(body)
    inner = changed
    for step in place:
        inner = inner[step]
    inner.update(dict.fromkeys(names, "hostile"))
    return changed


@pytest.fixture(scope="module")
def wished(city: City) -> set[str]:
    """What no body knows, unless it says so."""
    return server_set(city) | set(INVENTED)


@pytest.mark.parametrize("name", NAMES)
def test_no_body_takes_a_member_it_does_not_know(city: City, forge: Forge, wished: set[str], name: str) -> None:
    operation = city.operations[name]
    if operation.media_type != "application/json":
        pytest.skip(f"the body is {operation.media_type}")
    whole, token = full(operation.schema, operation.document), forge.access_token()
    for place, known in objects(operation.schema, operation.document):
        pointer = "".join(f"/{step}" for step in place)
        for unknown in batched(sorted(wished - known)):
            told = _told(city, operation, token, _with(whole, place, unknown))
            silent = {f"{pointer}/{member}" for member in unknown if not member.startswith("__")} - told
            assert not silent, silent


def batched(names: list[str]) -> Iterator[list[str]]:
    """As many at once as a refusal names, beside what else is wrong with a body in which every member is there."""
    for start in range(0, len(names), 25):
        yield names[start : start + 25]


def _told(city: City, operation: Published, token: str, body: Any) -> set[str]:
    """The pointers of unknown members in the refusal."""
    answer = request(city, operation, token, operation.target(city.known), json.dumps(body).encode())
    assert answer.status_code == 422, answer.text
    return {error["pointer"] for error in answer.json()["errors"] if error["code"] == "extra_forbidden"}


def test_every_object_of_a_body_is_closed_in_its_description(city: City) -> None:
    for operation in city.operations.values():
        if operation.media_type == "application/json":
            for place, _ in objects(operation.schema, operation.document):
                assert _closed(operation, place), (operation.name, place)


def _closed(operation: Published, place: Place) -> bool:
    schema: Mapping[str, Any] = resolved(operation.schema, operation.document)
    for step in place:
        inner = schema["items"] if isinstance(step, int) else schema["properties"][step]
        schema = resolved(inner, operation.document)
        while any(choice in schema for choice in ("anyOf", "oneOf", "allOf")):
            choice = next(each for each in ("anyOf", "oneOf", "allOf") if each in schema)
            schema = resolved(schema[choice][0], operation.document)
    return schema.get("additionalProperties") is False
