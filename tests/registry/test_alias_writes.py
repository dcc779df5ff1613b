"""Every operation that writes and is given the id of a person, asked with an alias: a new one cannot forget to refuse it."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from services.chassis.operation import EXTENSION
from tests.registry.conftest import Office, expect
from tests.registry.employers import credit_code
from tests.registry.factories import a_paper, a_person, a_residence, an_application, citizen_number
from tests.registry.test_field_work import DAY, Walk, to_person
from tests.registry.test_merging import PAPERS, entered, merge_of, merged
from tests.registry.test_person_deletion import DELETION
from tests.registry.test_two_officers import RENAMED, code
from tests.running import Caller
from tests.test_architecture import document

DOCUMENT = document("registry")
_A_PERSON = re.compile(r"(\w+_)?person_ids?$")

# The path's id in `{}`, a field of the body by its name. Each has a body that would do for any other person.
_ALIAS, _OTHER = "the alias", "somebody else"
_RELATED = {"person_id": _OTHER, "related_person_id": _OTHER, "kind": "spouse", "valid_from": "2020-01-01"}
_EMPLOYED = {"credit_code": credit_code(), "occupation_code": "6", "started_on": "2026-01-05"}
_ASKED = {"kind": "access_copy", "requester": "guardian", "wish": "请办理", "person_id": _OTHER}
_LET = {"kind": "person", "division_code": "330282107"}
_SLEEPS = {"premises_id": str(uuid4()), "room_id": str(uuid4()), "started_at": "2026-05-01T09:30:00+08:00"}
_LIVES = a_residence(_OTHER, started_on="2026-01-05", reported_by="guardian")
_SHARING = {"person": a_person(number=citizen_number()), "evidence": PAPERS}
_SHARING_CORRECTED = {"corrected_person_id": _ALIAS, "correction": {"name": "李大勇"}, "evidence": PAPERS}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH /v1/persons/{person_id}", "{}"): {"phone": None},
    ("POST /v1/persons/{person_id}/correction", "{}"): RENAMED,
    ("POST /v1/persons/{person_id}/deletion", "{}"): DELETION,
    ("POST /v1/persons/{person_id}/shared-number", "{}"): _SHARING,
    ("POST /v1/persons/{person_id}/shared-number", "corrected_person_id"): _SHARING_CORRECTED,
    ("POST /v1/persons/{person_id}/citizen-number", "{}"): {"document_id": str(uuid4()), "evidence": PAPERS},
    ("POST /v1/persons/{person_id}/merge", "{}"): merge_of(_OTHER),
    ("POST /v1/persons/{person_id}/merge", "duplicate_person_id"): merge_of(_ALIAS),
    ("POST /v1/relationships", "person_id"): _RELATED | {"person_id": _ALIAS},
    ("POST /v1/relationships", "related_person_id"): _RELATED | {"related_person_id": _ALIAS},
    ("POST /v1/residence-registrations", "person_id"): a_residence(_ALIAS, started_on="2026-01-05"),
    ("POST /v1/residence-registrations", "reporter_person_id"): _LIVES | {"reporter_person_id": _ALIAS},
    ("POST /v1/residence-permits", "person_id"): an_application(_ALIAS),
    ("POST /v1/employments", "person_id"): _EMPLOYED | {"person_id": _ALIAS},
    ("POST /v1/historical-permits", "person_id"): a_paper(_ALIAS),
    ("POST /v1/rights-requests", "person_id"): _ASKED | {"requester": "self", "person_id": _ALIAS},
    ("POST /v1/rights-requests", "requester_person_id"): _ASKED | {"requester_person_id": _ALIAS},
    ("POST /v1/landlords", "person_id"): _LET | {"person_id": _ALIAS},
    ("POST /v1/stays", "person_id"): _SLEEPS | {"person_id": _ALIAS},
}
OTHERWISE = {
    ("POST /v1/persons/{person_id}/unmerge", "{}"): "an alias is canonical for nobody: there is no such merge",
    ("POST /v1/persons/{person_id}/unmerge", "duplicate_person_id"): "names the alias that is to be one no more",
    ("POST /v1/duplicate-candidates/{candidate_id}/decide", "kept_person_id"): "one of a pair; what follows is a merge",
    ("POST /v1/registry/attachments", "?person_id"): "a file stays under the id it was handed in for",
    ("POST /v1/field-visits/batches", "person_id"): "the visit is refused within its batch, see below",
}
"""Why these answer something else."""


def named_persons(part: Any) -> Iterator[str]:
    """The fields of a schema, and of the schemas in it, that hold the id of a person."""
    for reference in set(re.findall(r"schemas/(\w+)", str(part))):
        schema = DOCUMENT["components"]["schemas"][reference]
        yield from (name for name in schema.get("properties", {}) if _A_PERSON.match(name))
        yield from named_persons(schema.get("properties", {}))


def writes_about_persons() -> set[tuple[str, str]]:
    """(operation, where it takes a person's id) of everything that writes."""
    found = set()
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if operation[EXTENSION]["writes"]:
                name = f"{method.upper()} {path}"
                found |= {(name, "{}")} if "{person_id}" in path else set()
                found |= {(name, field) for field in named_persons(operation.get("requestBody", {}))}
                queried = [one["name"] for one in operation["parameters"] if one["in"] == "query"]
                found |= {(name, f"?{field}") for field in queried if _A_PERSON.match(field)}
    return found


def test_the_table_has_every_write_that_names_a_person() -> None:
    assert set(BODIES) | set(OTHERWISE) == writes_about_persons()
    assert not set(BODIES) & set(OTHERWISE)


@pytest.mark.parametrize("asked", BODIES, ids=" ".join)
async def test_nothing_is_written_under_an_alias(office: Office, cixi: Caller, asked: tuple[str, str]) -> None:
    kept, alias, other = [await entered(cixi) for _ in range(3)]
    await merged(office, cixi, kept, alias)
    method, path = asked[0].split(" ")
    before = await office.events_about(alias)
    named = {_ALIAS: alias, _OTHER: other}
    body = {name: named.get(value, value) if isinstance(value, str) else value for name, value in BODIES[asked].items()}
    headers = {"if-match": '"1"'} if method == "PATCH" else {}
    answer = await cixi.call(method, path.format(person_id=alias if asked[1] == "{}" else other), json=body, headers=headers)
    problem = expect(answer, 409)
    assert (code(problem), problem["person_id"]) == ("person-merged", kept)
    assert await office.events_about(alias) == before
    assert ":person-merged`" in DOCUMENT["paths"][path][method.lower()]["description"]


async def test_a_visit_to_an_alias_is_refused_within_its_batch(office: Office, cixi: Caller) -> None:
    kept, alias = [await entered(cixi) for _ in range(2)]
    await merged(office, cixi, kept, alias)
    with office.on(DAY):
        answer = await Walk(office, cixi).hand_in(to_person(alias, "not_found"), to_person(kept, "not_found"))
    assert (answer["stored"], answer["refused"]) == (1, 1)
    assert [reason["code"] for result in answer["results"] for reason in result["reasons"]] == ["person_merged"]


async def test_there_is_no_merge_to_take_back_under_an_alias(office: Office, cixi: Caller) -> None:
    kept, alias = [await entered(cixi) for _ in range(2)]
    await merged(office, cixi, kept, alias)
    body = {"duplicate_person_id": kept, "reason": "two_humans", "evidence": PAPERS}
    assert code(expect(await cixi.post(f"/v1/persons/{alias}/unmerge", body), 404)) == "merge-not-found"


async def test_a_home_of_the_canonical_person_is_let_once(office: Office, cixi: Caller) -> None:
    """The landlord that came with the alias is the human."""
    kept, alias = [await entered(cixi) for _ in range(2)]
    landlord = expect(await cixi.post("/v1/landlords", _LET | {"person_id": alias}), 201)
    await merged(office, cixi, kept, alias)
    problem = expect(await cixi.post("/v1/landlords", _LET | {"person_id": kept}), 409)
    assert (code(problem), problem["landlord_id"]) == ("landlord-exists", landlord["landlord_id"])
