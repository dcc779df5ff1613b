"""What a client can never set (`cases/never_set.toml`), for every command; a new field of an answer must be decided on."""

import re
import tomllib
from typing import Any
from uuid import uuid4

import pytest

from services.chassis.operation import EXTENSION
from tests.registry.case_files import CASES
from tests.registry.conftest import Office, expect
from tests.test_architecture import document

COMMANDS: list[dict[str, Any]] = tomllib.loads((CASES / "never_set.toml").read_text("utf-8"))["command"]
DOCUMENT = document("registry")
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def fields(part: Any) -> set[str]:
    """The properties of the one schema an OpenAPI part refers to."""
    (name,) = set(re.findall(r"schemas/(\w+)", str(part)))
    return set(SCHEMAS[name]["properties"])


def commands_with_a_body() -> dict[str, dict[str, Any]]:
    """A file is a body too, but has no fields."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if operation[EXTENSION]["writes"] and "application/json" in operation.get("requestBody", {}).get("content", {})
    }


def test_the_table_and_the_bodies_together_are_everything_an_answer_shows() -> None:
    operations = commands_with_a_body()
    assert [command["operation"] for command in COMMANDS] == list(operations)
    for command in COMMANDS:
        operation = operations[command["operation"]]
        given = fields(operation["requestBody"])
        answer = next(operation["responses"][status] for status in ("200", "201", "202") if status in operation["responses"])
        assert not given & set(command["never"]), command["operation"]
        assert given | set(command["never"]) >= fields(answer), command["operation"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command["operation"])
async def test_a_client_cannot_set_what_the_system_works_out(office: Office, command: dict[str, Any]) -> None:
    method, path = command["operation"].split(" ")
    address = re.sub(r"\{[a-z_]+\}", lambda _: str(uuid4()), path)
    body: dict[str, Any] = dict.fromkeys(command["never"], 1)
    body |= {name: [dict.fromkeys(inside, 1)] for name, inside in command.get("inside", {}).items()}
    problem = expect(await office.caller().call(method, address, json=body, headers={"if-match": '"1"'}), 422)
    refused = {error["pointer"] for error in problem["errors"] if error["code"] == "extra_forbidden"}
    wanted = {f"/{name}" for name in command["never"]}
    wanted |= {f"/{name}/0/{field}" for name, inside in command.get("inside", {}).items() for field in inside}
    assert refused == wanted
