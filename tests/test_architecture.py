"""The rules of the house that no linter knows: complete services, wired events, one route table, clean files."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from fastapi import FastAPI

from gateway.routes import load_routes
from services.chassis.app import ServiceDefinition
from services.chassis.events import EventData
from services.chassis.openapi import describe_problems
from services.chassis.operation import EXTENSION
from services.chassis.problems import Catalogue
from services.contracts import education as education_contract
from services.contracts import health as health_contract
from services.contracts import points_hukou as points_contract
from services.contracts import registry as registry_contract
from services.education import app as education
from services.education import consumers as education_consumers
from services.health import app as health
from services.health import consumers as health_consumers
from services.points_hukou import app as points_hukou
from services.points_hukou import consumers as points_consumers
from services.registry import app as registry
from services.registry import consumers as registry_consumers

ROOT = Path(__file__).parent.parent
DEFINITIONS: dict[str, ServiceDefinition] = {
    "registry": registry.DEFINITION,
    "points_hukou": points_hukou.DEFINITION,
    "education": education.DEFINITION,
    "health": health.DEFINITION,
}
EVENTS: dict[str, tuple[type[EventData], ...]] = {
    "registry": registry_contract.EVENTS,
    "points_hukou": points_contract.EVENTS,
    "education": education_contract.EVENTS,
    "health": health_contract.EVENTS,
}
UNUSED: dict[str, Mapping[type[EventData], str]] = {
    "points_hukou": points_consumers.UNUSED,
    "education": education_consumers.UNUSED,
    "health": health_consumers.UNUSED,
    "registry": registry_consumers.UNUSED,
}
EXAMPLES = ROOT / "tests" / "contracts" / "examples"
_AGREED = ("scope", "purpose", "actor", "body_limit_bytes", "deadline_s")
NEEDED = ("README.md", "api", "app.py", "migrations", "problems.toml", "settings.py", "store", "tables")


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


@cache
def document(name: str) -> dict[str, Any]:
    app = FastAPI(title="t", version="1")
    for router in DEFINITIONS[name].routers:
        app.include_router(router)
    describe_problems(app, Catalogue.load(DEFINITIONS[name].problems))
    return app.openapi()


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_service_has_the_same_rooms(name: str) -> None:
    folder = ROOT / "services" / name
    for room in NEEDED:
        assert (folder / room).exists() or (folder / f"{room}.py").exists(), f"{name} has no {room}"


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_gateway_and_the_service_agree_on_every_operation(name: str) -> None:
    definition = DEFINITIONS[name]
    offered = {
        (method.upper(), path): tuple(operation[EXTENSION].get(name) for name in _AGREED)
        for path, item in document(name)["paths"].items()
        for method, operation in item.items()
    }
    offered["GET", definition.changes_path] = (definition.changes_scope, True, False, None, None)
    offered["GET", definition.checkpoints_path] = (definition.checkpoints_scope, False, False, None, None)
    routed = {
        (route.method, route.path): tuple(getattr(route, name) for name in _AGREED)
        for route in load_routes()
        if route.service == name
    }
    assert routed == offered


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_operation_is_documented_in_both_languages(name: str) -> None:
    for path, item in document(name)["paths"].items():
        for method, operation in item.items():
            assert " · " in operation["summary"], f"{method} {path} has no Chinese summary"
            body = operation.get("requestBody")
            if body and "application/json" in body["content"]:
                reference = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                schema = document(name)["components"]["schemas"][reference]
                has_example = (
                    "examples" in schema
                    or not schema.get("properties")
                    or all(
                        "examples" in field or "default" in field or "$ref" in str(field)
                        for field in schema["properties"].values()
                    )
                )
                assert has_example, f"{method} {path}: {reference} has no example"


@pytest.mark.parametrize("event", [event for events in EVENTS.values() for event in events], ids=lambda event: event.event_type)
def test_every_event_has_a_frozen_example_that_it_still_equals(event: type[EventData]) -> None:
    content = json.loads((EXAMPLES / f"{event.event_type}.json").read_text("utf-8"))
    assert json.loads(event.model_validate(content).model_dump_json()) == content
    assert event.model_validate({**content, "added_later": 1}) == event.model_validate(content)


def test_no_example_without_an_event() -> None:
    types = {event.event_type for events in EVENTS.values() for event in events}
    assert {path.stem for path in EXAMPLES.glob("*.json")} == types


def test_definitions_publish_what_their_contract_says() -> None:
    for name, definition in DEFINITIONS.items():
        assert tuple(definition.publishes) == EVENTS[name]
        for event in definition.publishes:
            producer, aggregate, fact, version = event.event_type.split(".")
            assert producer == name
            assert fact
            assert re.fullmatch(r"v[1-9]\d*", version)
            assert aggregate in definition.follower_scopes, f"nobody may follow {event.event_type}"


def test_every_event_is_used_or_the_reason_is_written_down() -> None:
    for name, events in EVENTS.items():
        for event in events:
            used = [other for other, definition in DEFINITIONS.items() if event in definition.subscriptions]
            reasons = [unused[event] for unused in UNUSED.values() if event in unused]
            assert used or reasons, f"{name} publishes {event.event_type} to nobody"
            assert not [other for other in used if event in UNUSED.get(other, {})], f"{event.event_type} is used, too"


def test_every_raised_problem_is_in_a_catalogue() -> None:
    for name, folders in {
        "registry": ["services/registry", "services/chassis"],
        "points_hukou": ["services/points_hukou"],
        "education": ["services/education"],
        "health": ["services/health"],
        "gateway": ["gateway"],
    }.items():
        own = ROOT / ("gateway" if name == "gateway" else f"services/{name}") / "problems.toml"
        known = Catalogue.load(own).definitions
        for path in python_files(*folders):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DomainError":
                    code = node.args[0]
                    if isinstance(code, ast.Constant):
                        assert code.value in known, f"{path.name} raises the unknown problem {code.value!r}"


def rooms_of_services() -> list[str]:
    """The folders of services, also of those that are rules alone so far."""
    return sorted({path.parent.name for path in (ROOT / "services").glob("*/README.md")} - {"chassis", "suite"})


def test_only_the_chassis_commits() -> None:
    for path in python_files(*(f"services/{name}" for name in ("contracts", *rooms_of_services()))):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in {"commit", "rollback", "transaction"}, f"{path}: {node.func.attr}"


CALLS_OUT = {
    "aiohttp",
    "email",
    "ftplib",
    "grpc",
    "http.client",
    "httpx",
    "requests",
    "smtplib",
    "socket",
    "telnetlib",
    "urllib.request",
    "websockets",
}
MAY_CALL_OUT = {"services/chassis/attachments/s3.py": "the store of attachments"}


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_no_service_calls_anybody_but_its_own_stores() -> None:
    """Notices are events, sent on by whoever owns short messages: no service talks to the world by itself."""
    for path in python_files(*(f"services/{name}" for name in ("chassis", "contracts", *rooms_of_services()))):
        calls = {name for name in imported(path) if any(name == out or name.startswith(f"{out}.") for out in CALLS_OUT)}
        assert not calls or path.relative_to(ROOT).as_posix() in MAY_CALL_OUT, f"{path} calls out: {sorted(calls)}"


def test_no_forbidden_name_parts() -> None:
    forbidden = {"utils", "helpers", "misc", "common", "base", "manager"}
    for path in python_files("services", "gateway"):
        assert not forbidden & set(path.stem.split("_")), path


def test_no_file_names_a_registry_host_or_a_machine_path() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    words = re.compile(
        "|".join(
            ["pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "deb" + r"\.debian\.org", "/(work|far" + "m)/"]
        )
    )
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_file():
            assert not words.search(path.read_text("utf-8", errors="replace")), name


@pytest.mark.parametrize("name", DEFINITIONS)
def test_published_examples_fit_their_own_schema(name: str) -> None:
    schemas = document(name)["components"]["schemas"]
    for title, schema in schemas.items():
        for example in schema.get("examples", []) if schema.get("type") == "object" else []:
            reference = {"$ref": f"#/components/schemas/{title}", "components": {"schemas": schemas}}
            jsonschema.validate(example, reference, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_table_of_a_mirror_grows_with_its_key(name: str) -> None:
    """What grows with people carries `person_id` or `division_code` (architecture §8)."""
    for table in DEFINITIONS[name].metadata.tables.values():
        columns = {column.name for column in table.columns}
        assert columns & {"person_id", "division_code", "registration_id", "permit_id"}, table.name
