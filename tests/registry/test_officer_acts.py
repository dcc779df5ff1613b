"""Officers' acts: the table an official can read (`cases/officer_acts.toml`) against OpenAPI, gateway and answers."""

import re
import tomllib
from typing import Any
from uuid import uuid4

import pytest

from gateway.routes import load_routes
from services.chassis.operation import EXTENSION
from tests.registry.case_files import CASES
from tests.registry.conftest import Office

ACTS: list[dict[str, Any]] = tomllib.loads((CASES / "officer_acts.toml").read_text("utf-8"))["act"]


def of(kind: str) -> list[Any]:
    return [pytest.param(act, id=act["operation"]) for act in ACTS if act["actor"] == kind]


async def changing_operations(office: Office) -> dict[str, dict[str, Any]]:
    """`POST /v1/…` → its part of the OpenAPI, of all operations that write."""
    document = (await office.service.http.get("/openapi.json")).json()
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation[EXTENSION]["writes"]
    }


async def problem_without_officer(office: Office, act: dict[str, Any], body: dict[str, Any]) -> str:
    """The problem a caller with every scope gets that names no officer, on ids of nothing; empty for a 2xx."""
    method, path = act["operation"].split(" ")
    address = re.sub(r"\{[a-z_]+\}", lambda _: str(uuid4()), path)
    answer = await office.caller(actor=None).call(method, address, json=body, headers={"if-match": '"1"'})
    return str(answer.json().get("type", "")).rpartition(":")[2]


async def test_the_table_names_every_operation_that_changes_something(office: Office) -> None:
    listed = [act["operation"] for act in ACTS]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(await changing_operations(office))
    assert all(act["why_zh"] and act["why_en"] and act["actor"] in {"always", "never", "when"} for act in ACTS)


async def test_openapi_and_gateway_mark_exactly_the_officers_acts(office: Office) -> None:
    always = {act["operation"] for act in ACTS if act["actor"] == "always"}
    operations = await changing_operations(office)
    assert {name for name, operation in operations.items() if operation[EXTENSION]["actor"]} == always
    asked = {name for name, operation in operations.items() if "X-Actor" in str(operation["parameters"])}
    assert asked == always
    assert {route.name for route in load_routes() if route.service == "registry" and route.actor} == always
    for act in ACTS:
        assert ("actor-required" in operations[act["operation"]]["description"]) == (act["actor"] == "when")


@pytest.mark.parametrize("act", of("always"))
async def test_an_officers_act_is_refused_without_an_officer(office: Office, act: dict[str, Any]) -> None:
    assert await problem_without_officer(office, act, {}) == "actor-required"


@pytest.mark.parametrize("act", of("never"))
async def test_a_persons_own_report_needs_none(office: Office, act: dict[str, Any]) -> None:
    problem = await problem_without_officer(office, act, {})
    assert problem == "invalid-request" or problem.endswith("-not-found")


@pytest.mark.parametrize("act", of("when"))
async def test_an_officers_finding_in_a_body_needs_one(office: Office, act: dict[str, Any]) -> None:
    assert await problem_without_officer(office, act, act["officer_body"]) == "actor-required"
    assert (await problem_without_officer(office, act, act["own_body"])).endswith("-not-found")
