"""Masking by scope: the table an official can read (`cases/field_visibility.toml`) against the answers.

For every combination of scopes and every age; and every field of every answer has a class.
"""

import itertools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from gateway.routes import load_routes
from services.chassis.app import ServiceDefinition
from services.chassis.fields import FIELD_EXTENSION
from services.points_hukou.app import DEFINITION as POINTS
from services.registry.app import DEFINITION as REGISTRY
from services.registry.schemas.fields import FIELDS
from tests.registry.case_files import CASES
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import EVERY_SCOPE, a_person, citizen_number
from tests.running import Caller
from tests.test_architecture import document

ANSWERS: list[dict[str, Any]] = tomllib.loads((CASES / "field_visibility.toml").read_text("utf-8"))["answer"]
SCOPES = {name: f"registry.field.{name}" for name in ("personal", "sensitive", "minors")}
ADDRESS, NAME, PHONE, CARD, PAPER = "陈家村东路77号301室", "欧阳雪见", "13805747777", "33028226007777", "LC-77-0077"
AGES = {"adult": 30, "minor": 17, "child": 8}


@dataclass(slots=True)
class Known:
    """Somebody with everything that can be masked, and the place in the changes before it was entered."""

    resident: Resident
    number: str
    before: str

    async def answer(self, caller: Caller, operation: str, within: str) -> tuple[Any, str]:
        """What the operation shows of this person at `within`, and the whole text."""
        method, path = operation.split(" ")
        path = path.replace("{person_id}", self.resident.person_id)
        path = path.replace("{registration_id}", self.resident.registration_id)
        path = path.replace("{permit_id}", self.resident.permit_id)
        if path.endswith("/changes"):
            page = expect(await caller.get(f"{path}?after={self.before}&limit=200"), 200)
            own = [item for item in page["items"] if item["partitionkey"] == self.resident.person_id]
            found = next(item["data"] for item in own if item["type"] == within)
            return found, str(own)
        body = {"person_ids": [self.resident.person_id]} if method == "POST" else None
        response = await (caller.post(path, body) if method == "POST" else caller.get(path))
        return at(expect(response, 200), within), response.text


def at(content: Any, path: str) -> Any:
    for step in path.split(".") if path else ():
        content = content[int(step)] if step.isdigit() else content[step]
    return content


async def enter(office: Office, age: int) -> Known:
    """A person of that age on the law's today, with a residence, a permit, a document and a relationship."""
    today = office.today
    born = date(today.year - age, 1, 2)
    city, number = office.caller(), citizen_number(birth_date=born, division="330222")
    before: str = expect(await city.get("/v1/registry/changes?limit=200"), 200)["next"]
    while (page := expect(await city.get(f"/v1/registry/changes?limit=200&after={before}"), 200))["items"]:
        before = page["next"]
    paper = {"type": "citizen_id", "number": number, "issuer": "慈溪市公安局", "valid_until": "2036-01-02"}
    resident = Resident(office, city)
    await resident.register_person(
        name=NAME, phone=PHONE, identity_documents=[paper], hukou_division_code="341225", education_code="61"
    )
    guardian = expect(await city.post("/v1/persons", a_person(number=citizen_number(birth_date=date(1955, 5, 5)))), 201)
    related = {
        "person_id": resident.person_id,
        "related_person_id": guardian["person_id"],
        "kind": "parent",
        "valid_from": born.isoformat(),
        "evidence": [{"type": "birth_certificate"}],
    }
    expect(await city.post("/v1/relationships", related), 201)
    start = date(today.year - 1, 3, 1)
    who = "self" if age >= 16 else "guardian"
    await resident.register_residence(start, address=ADDRESS, division_code="330282107204", reported_by=who)
    papers = [{"type": "student_card", "document_number": PAPER}]
    applied = await resident.apply(today, ground="study", evidence=papers, applicant=who, is_on_school_roll=True)
    assert applied["status"] == "accepted", applied["reasons"]
    await resident.act("issue", today, {"card_number": CARD})
    await settled(office)
    return Known(resident, number, before)


async def settled(office: Office) -> None:
    """Until everything is published."""
    caller = office.service.caller(["sandbox.clock"])
    while not expect(await caller.get("/internal/sandbox/settled"), 200)["settled"]:
        pass


@pytest.fixture(scope="session", params=AGES)
async def known(office: Office, request: pytest.FixtureRequest) -> tuple[str, Known]:
    """One person of each age."""
    return request.param, await enter(office, AGES[request.param])


def combinations() -> Iterator[frozenset[str]]:
    for count in range(len(SCOPES) + 1):
        yield from map(frozenset, itertools.combinations(SCOPES, count))


def needed(row: list[str], age: str) -> frozenset[str] | None:
    """The scopes a row asks for; `None` when nothing opens it."""
    cell = row[1 + list(AGES).index(age)]
    return None if cell == "never" else frozenset(cell.split("+")) - {""}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer['operation']} {answer.get('within', '')}")
async def test_everybody_sees_what_the_table_says(office: Office, known: tuple[str, Known], answer: dict[str, Any]) -> None:
    age, person = known
    operation, within = answer["operation"], answer.get("within", "")
    whole, _ = await person.answer(office.caller(), operation, within)
    for held in combinations():
        scopes = (EVERY_SCOPE - set(SCOPES.values())) | {SCOPES[name] for name in held}
        seen, text = await person.answer(office.caller(scopes=scopes), operation, within)
        for row in answer["fields"]:
            opens, value = needed(row, age), at(seen, row[0])
            if opens is not None and opens <= held:
                assert value == at(whole, row[0]), (row, held)
                assert value not in (None, []), row
            else:
                assert value == {"–": None, "[]": []}.get(row[4], row[4]), (row, held)
        if "sensitive" not in held or (age != "adult" and "minors" not in held):
            for secret in (person.number, person.number[6:14] if age != "adult" else "", ADDRESS, CARD, PAPER):
                assert not secret or secret not in text, (held, secret)
        if "personal" not in held and (age == "adult" or not {"sensitive", "minors"} <= held):
            assert NAME not in text
            assert PHONE not in text


async def test_the_evidence_names_the_fields_that_were_shown(office: Office, known: tuple[str, Known]) -> None:
    age, person = known
    path = f"/v1/residence-registrations/{person.resident.registration_id}"
    for held in combinations():
        client = f"shown-{age}-{'-'.join(sorted(held))}"
        scopes = (EVERY_SCOPE - set(SCOPES.values())) | {SCOPES[name] for name in held}
        expect(await office.caller(scopes=scopes, client=client).get(path), 200)
        (row,) = await office.rows("SELECT line::jsonb AS line FROM audit_line WHERE line::jsonb ->> 'client' = $1", client)
        sees_all = {"sensitive", "minors"} <= held or (age == "adult" and "sensitive" in held)
        assert ("address" in row["line"]["fields"]) == sees_all
        assert ADDRESS not in str(row["line"])


async def test_the_answer_to_a_change_is_masked_like_a_reading(office: Office) -> None:
    caller = office.caller(scopes={"registry.person.write"}, client="writer")
    made = expect(await caller.post("/v1/persons", a_person(name=NAME)), 201)
    assert (made["name"], made["phone"], made["is_masked"]) == ("欧**", None, True)
    patched = expect(await caller.patch(f"/v1/persons/{made['person_id']}", {"education_code": "61"}, version=1), 200)
    assert (patched["name"], patched["birth_date"]) == ("欧**", None)


@pytest.mark.parametrize("body", [{"name": "欧**"}, {"identity_documents": [{"type": "passport", "number": "****"}]}])
async def test_a_masked_value_is_not_written_back(cixi: Caller, body: dict[str, Any]) -> None:
    made = expect(await cixi.post("/v1/persons", a_person()), 201)
    problem = expect(await cixi.patch(f"/v1/persons/{made['person_id']}", body, version=1), 422)
    assert {error["code"] for error in problem["errors"]} == {"masked"}


def shown_schemas(name: str) -> dict[str, Any]:
    """Schemas of everything a service answers with."""
    content = document(name)
    schemas: dict[str, Any] = content["components"]["schemas"]
    waiting = re.findall(r"schemas/(\w+)", str([item for path in content["paths"].values() for item in path.values()]))
    bodies = {
        reference
        for path in content["paths"].values()
        for item in path.values()
        for reference in re.findall(r"schemas/(\w+)", str(item.get("requestBody", "")))
    }
    found: dict[str, Any] = {}
    while waiting:
        title = waiting.pop()
        if title not in found and title not in bodies and "properties" in schemas[title] and title != "Problem":
            found[title] = schemas[title]
            waiting += re.findall(r"schemas/(\w+)", str(schemas[title]))
    return found


@pytest.mark.parametrize("definition", [REGISTRY, POINTS], ids=lambda definition: definition.name)
def test_every_field_of_every_answer_and_event_has_a_class(definition: ServiceDefinition) -> None:
    assert definition.fields is not None
    seen = set()
    for title, schema in shown_schemas(definition.name).items():
        name = title.partition("_")[0]
        if name == "Page":
            continue
        declared = definition.fields.declared[name]
        assert set(schema["properties"]) - {"masked_fields"} == declared, title
        seen.add(name)
    for event in definition.publishes:
        state = next(each for each in event.__mro__ if each.__name__ in definition.fields.declared)  # as `rules_of` does
        assert set(event.model_fields) == definition.fields.declared[state.__name__]
        seen.add(state.__name__)
    assert seen >= set(definition.fields.declared), "a class is declared for what is never shown"


def test_the_gateway_knows_the_scopes_of_fields() -> None:
    for definition in (REGISTRY, POINTS):
        assert definition.fields is not None
        routed = {route.field_scopes for route in load_routes() if route.service == definition.name}
        assert {frozenset(scopes) for scopes in routed} == {definition.fields.scopes.names()}


async def test_the_openapi_tells_the_class_of_a_field(office: Office) -> None:
    schemas = (await office.service.http.get("/openapi.json")).json()["components"]["schemas"]
    assert schemas["PersonView"]["properties"]["birth_date"][FIELD_EXTENSION] == {
        "adult": "personal",
        "minor": "sensitive",
        "child": "sensitive",
    }
    assert FIELDS.scopes.names() == set(SCOPES.values())
