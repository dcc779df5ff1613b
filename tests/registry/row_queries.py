"""Every operation that shows data of a person or of a division's homes, and what the model says it answers."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from services.registry.store.search_keys import PINYIN
from tests.registry.row_model import Client, Model, Person, Thing, is_within

NOBODY = "019ab0c2-1111-7000-8000-00000000dead"


@dataclass(frozen=True, slots=True)
class Query:
    """One question, and the answer by the model."""

    method: str
    path: str
    status: int
    ids: frozenset[str] | None = None
    """of a list: exactly these"""
    id_field: str = ""
    about: str = ""
    """the id in the path: an answer that hides it is the answer for an id that never was"""
    body: dict[str, Any] | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    is_paged: bool = True


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, when, and chance."""

    model: Model
    who: Client
    on: date
    rng: random.Random

    def any_person(self) -> Person:
        """Somebody."""
        return self.rng.choice(list(self.model.persons.values()))

    def sees(self, thing: Thing) -> bool:
        """Whether it exists for the client."""
        return self.model.sees(self.who, thing, self.on)

    def seen(self, things: Iterable[Thing]) -> frozenset[str]:
        """Ids of those that exist for the client."""
        return frozenset(thing.thing_id for thing in things if self.sees(thing))

    def person_status(self, person_id: str) -> int:
        """200, 403, 410 or 404 of a person's own pages."""
        if self.model.sees_person(self.who, person_id, self.on):
            return 200
        if self.model.may_be_told_of_restriction(self.who, person_id):
            return 403
        return 410 if self.model.may_be_told_of_deletion(self.who, person_id) else 404


Ask = Callable[[Asking], Query]


def _thing(path: str, *kinds: str) -> Ask:
    """GET of one thing."""

    def ask(asking: Asking) -> Query:
        thing = asking.rng.choice([thing for kind in kinds for thing in asking.model.of_kind(kind)])
        status = 200 if asking.sees(thing) else 404
        return Query("GET", path.format(thing.thing_id), status, about=thing.thing_id)

    return ask


def _person(suffix: str = "") -> Ask:
    """GET of a page about a person, which is not a list."""

    def ask(asking: Asking) -> Query:
        person = asking.any_person()
        status = asking.person_status(person.person_id)
        if not suffix and (asking.who.name, person.person_id) in asking.model.resolved and person.deleted_for is None:
            status = 200
        return Query("GET", f"/v1/persons/{person.person_id}{suffix}", status, about=person.person_id)

    return ask


def _things_of_person(path: str, kind: str, id_field: str) -> Ask:
    """GET of a list of a human's things, under whichever of its ids."""

    def ask(asking: Asking) -> Query:
        person = asking.any_person()
        # Everything is listed of the human (decision 0021); merges of the id they name.
        ids = {person.person_id} if kind == "merge" else asking.model.ids_of_human(person.person_id)
        things = [thing for thing in asking.model.of_kind(kind) if ids & set(thing.persons)]
        status = asking.person_status(person.person_id)
        shown = asking.seen(things) if status == 200 else None
        return Query("GET", path.format(person.person_id), status, shown, id_field, about=person.person_id)

    return ask


def _things_of_thing(path: str, owner: str, kind: str, id_field: str) -> Ask:
    """GET of a list of what belongs to a thing."""

    def ask(asking: Asking) -> Query:
        thing = asking.rng.choice(asking.model.of_kind(owner))
        things = [each for each in asking.model.of_kind(kind) if each.of == thing.thing_id]
        parameters = {}
        if kind == "stay":
            parameters["whose"] = asking.rng.choice(["open", "all"])
            things = [each for each in things if each.ended_on is None or parameters["whose"] == "all"]
        status = 200 if asking.sees(thing) else 404
        shown = asking.seen(things) if status == 200 else None
        return Query("GET", path.format(thing.thing_id), status, shown, id_field, thing.thing_id, parameters=parameters)

    return ask


def _by_division(path: str, kinds: tuple[str, ...], id_field: str, *, filters: bool = True) -> Ask:
    """GET of the list of a division, or of the client's whole one."""

    def ask(asking: Asking) -> Query:
        parameters, things = {}, [thing for kind in kinds for thing in asking.model.of_kind(kind)]
        things = [thing for thing in things if not thing.division or is_within(thing.division, asking.who.division)]
        if filters and asking.rng.random() < 0.5:
            division = asking.rng.choice([thing.division for thing in asking.model.of_kind("registration")])
            parameters["division_code"] = division
            if not is_within(division, asking.who.division):
                return Query("GET", path, 403, parameters=parameters)
            things = [thing for thing in things if is_within(thing.division, division)]
        if kinds == ("registration",) and asking.rng.random() < 0.4:
            parameters["status"] = asking.rng.choice(["current", "ended"])
            things = [thing for thing in things if (thing.ended_on is None) == (parameters["status"] == "current")]
        return Query("GET", path, 200, asking.seen(things), id_field, parameters=parameters)

    return ask


def _search(asking: Asking) -> Query:
    """POST of a search by ids, number, name, its beginning, its pinyin, or employer; an alias leads to the canonical person."""
    model, person = asking.model, asking.any_person()
    everybody = list(model.persons.values())
    employer = asking.rng.choice(model.of_kind("employer"))
    workers = {
        person_id
        for work in model.of_kind("employment")
        if work.of == employer.thing_id and work.ended_on is None and asking.sees(work)
        for person_id in work.persons
    }
    spelled = PINYIN.syllables(person.name)
    some = asking.rng.sample(everybody, 8)
    ways: list[tuple[dict[str, Any], list[Person]]] = [
        ({"person_ids": [each.person_id for each in some]}, some),
        ({"identity_document": {"type": "citizen_id", "number": person.number}}, [person]),
        ({"name": person.name}, [person]),
        ({"name_prefix": person.name[:2]}, [each for each in everybody if each.name.startswith(person.name[:2])]),
        ({"pinyin": " ".join(spelled)}, [each for each in everybody if PINYIN.syllables(each.name) == spelled]),
        ({"employer": {"credit_code": employer.of}}, [model.persons[person_id] for person_id in sorted(workers)]),
    ]
    body, wanted = asking.rng.choice(ways)
    seen = {each.person_id for each in wanted if model.sees_person(asking.who, each.person_id, asking.on)}
    canonical = frozenset(model.persons[each].canonical_id or each for each in seen)
    return Query("POST", "/v1/persons/search", 200, canonical, "person_id", body=body)


def _notices(asking: Asking) -> Query:
    """GET of notices: to one person, or of a division."""
    if asking.rng.random() < 0.5:
        return _things_of_person("/v1/notices?person_id={}", "person_notice", "notice_id")(asking)
    return _by_division("/v1/notices", ("person_notice", "office_notice"), "notice_id")(asking)


def _employer_by_code(asking: Asking) -> Query:
    """POST of a search for an employer by its whole code: whom the client does not see is not found."""
    employer = asking.rng.choice(asking.model.of_kind("employer"))
    ids = asking.seen([employer])
    return Query("POST", "/v1/employers/search", 200, ids, "employer_id", body={"credit_code": employer.of}, is_paged=False)


def _rates(asking: Asking) -> Query:
    """GET of the rates of the month the coordinators walked."""
    query = _by_division("/v1/registry/rates", ("rate",), "rate_value_id")(asking)
    return replace(query, parameters=query.parameters | {"month": "2022-06"})


QUERIES: dict[str, Ask] = {
    "GET /v1/persons/{person_id}": _person(),
    "GET /v1/persons/{person_id}/history": _person("/history"),
    "GET /v1/persons/{person_id}/entitlements": _person("/entitlements"),
    "GET /v1/persons/{person_id}/relationships": _things_of_person(
        "/v1/persons/{}/relationships", "relationship", "relationship_id"
    ),
    "GET /v1/persons/{person_id}/residence-registrations": _things_of_person(
        "/v1/persons/{}/residence-registrations", "registration", "registration_id"
    ),
    "GET /v1/persons/{person_id}/residence-permits": _things_of_person(
        "/v1/persons/{}/residence-permits", "permit", "permit_id"
    ),
    "GET /v1/persons/{person_id}/merges": _things_of_person("/v1/persons/{}/merges", "merge", "merge_id"),
    "GET /v1/persons/{person_id}/stays": _things_of_person("/v1/persons/{}/stays", "stay", "stay_id"),
    "POST /v1/persons/search": _search,
    "GET /v1/merge-conflicts": _by_division("/v1/merge-conflicts", ("conflict",), "conflict_id", filters=False),
    "GET /v1/duplicate-candidates": _by_division("/v1/duplicate-candidates", ("duplicate",), "candidate_id", filters=False),
    "GET /v1/duplicate-candidates/{candidate_id}": _thing("/v1/duplicate-candidates/{}", "duplicate"),
    "GET /v1/duplicate-candidates/{candidate_id}/history": _thing("/v1/duplicate-candidates/{}/history", "duplicate"),
    "GET /v1/relationships/{relationship_id}": _thing("/v1/relationships/{}", "relationship"),
    "GET /v1/residence-registrations": _by_division("/v1/residence-registrations", ("registration",), "registration_id"),
    "GET /v1/residence-registrations/{registration_id}": _thing("/v1/residence-registrations/{}", "registration"),
    "GET /v1/residence-registrations/{registration_id}/history": _thing(
        "/v1/residence-registrations/{}/history", "registration"
    ),
    "GET /v1/residence-permits/{permit_id}": _thing("/v1/residence-permits/{}", "permit"),
    "GET /v1/residence-permits/{permit_id}/history": _thing("/v1/residence-permits/{}/history", "permit"),
    "GET /v1/notices": _notices,
    "GET /v1/landlords/{landlord_id}": _thing("/v1/landlords/{}", "landlord"),
    "GET /v1/landlords/{landlord_id}/history": _thing("/v1/landlords/{}/history", "landlord"),
    "GET /v1/landlords/{landlord_id}/responsibility-letters": _things_of_thing(
        "/v1/landlords/{}/responsibility-letters", "landlord", "letter", "letter_id"
    ),
    "GET /v1/responsibility-letters/{letter_id}": _thing("/v1/responsibility-letters/{}", "letter"),
    "GET /v1/responsibility-letters/{letter_id}/history": _thing("/v1/responsibility-letters/{}/history", "letter"),
    "GET /v1/premises": _by_division("/v1/premises", ("premises",), "premises_id"),
    "GET /v1/premises/{premises_id}": _thing("/v1/premises/{}", "premises"),
    "GET /v1/premises/{premises_id}/history": _thing("/v1/premises/{}/history", "premises"),
    "GET /v1/premises/{premises_id}/capacity": _thing("/v1/premises/{}/capacity", "premises"),
    "GET /v1/premises/{premises_id}/stays": _things_of_thing("/v1/premises/{}/stays", "premises", "stay", "stay_id"),
    "GET /v1/stays/{stay_id}": _thing("/v1/stays/{}", "stay"),
    "GET /v1/stays/{stay_id}/history": _thing("/v1/stays/{}/history", "stay"),
    "GET /v1/registry/proposals": _by_division("/v1/registry/proposals", ("proposal",), "proposal_id", filters=False),
    "GET /v1/registry/proposals/{proposal_id}": _thing("/v1/registry/proposals/{}", "proposal"),
    "GET /v1/registry/attachments/{attachment_id}": _thing("/v1/registry/attachments/{}", "file", "case_file"),
    "GET /v1/registry/attachments/{attachment_id}/content": _thing("/v1/registry/attachments/{}/content", "file", "case_file"),
    "GET /v1/historical-permits/{historical_permit_id}": _thing("/v1/historical-permits/{}", "paper"),
    "GET /v1/persons/{person_id}/historical-permits": _things_of_person(
        "/v1/persons/{}/historical-permits", "paper", "historical_permit_id"
    ),
    "GET /v1/coordinator-assignments": _by_division("/v1/coordinator-assignments", ("assignment",), "assignment_id"),
    "GET /v1/coordinator-assignments/{assignment_id}": _thing("/v1/coordinator-assignments/{}", "assignment"),
    "GET /v1/coordinator-assignments/{assignment_id}/history": _thing("/v1/coordinator-assignments/{}/history", "assignment"),
    "GET /v1/field-visits": _by_division("/v1/field-visits", ("visit",), "visit_id"),
    "GET /v1/field-visits/{visit_id}": _thing("/v1/field-visits/{}", "visit"),
    "GET /v1/field-visit-conflicts": _by_division("/v1/field-visit-conflicts", ("visit_conflict",), "visit_conflict_id"),
    "GET /v1/field-visit-conflicts/{visit_conflict_id}": _thing("/v1/field-visit-conflicts/{}", "visit_conflict"),
    "GET /v1/field-visit-conflicts/{visit_conflict_id}/history": _thing(
        "/v1/field-visit-conflicts/{}/history", "visit_conflict"
    ),
    "GET /v1/registry/rates": _rates,
    "GET /v1/employers": _by_division("/v1/employers", ("employer",), "employer_id"),
    "POST /v1/employers/search": _employer_by_code,
    "GET /v1/employers/{employer_id}": _thing("/v1/employers/{}", "employer"),
    "GET /v1/employers/{employer_id}/history": _thing("/v1/employers/{}/history", "employer"),
    "GET /v1/employers/{employer_id}/employments": _things_of_thing(
        "/v1/employers/{}/employments", "employer", "employment", "employment_id"
    ),
    "GET /v1/employments": _by_division("/v1/employments", ("employment",), "employment_id"),
    "GET /v1/employments/{employment_id}": _thing("/v1/employments/{}", "employment"),
    "GET /v1/employments/{employment_id}/history": _thing("/v1/employments/{}/history", "employment"),
    "GET /v1/persons/{person_id}/employments": _things_of_person("/v1/persons/{}/employments", "employment", "employment_id"),
    "GET /v1/rights-requests": _by_division("/v1/rights-requests", ("rights_request",), "rights_request_id", filters=False),
    "GET /v1/rights-requests/{rights_request_id}": _thing("/v1/rights-requests/{}", "rights_request"),
    "GET /v1/rights-requests/{rights_request_id}/history": _thing("/v1/rights-requests/{}/history", "rights_request"),
    "GET /v1/rights-requests/{rights_request_id}/recipients": _thing("/v1/rights-requests/{}/recipients", "rights_request"),
    "GET /v1/registry/operations/{operation_id}": _thing("/v1/registry/operations/{}", "operation"),
}
"""Operations and how the model asks them."""

ELSEWHERE = {
    "POST /v1/historical-permits/assess": "as the person itself: test_what_the_text_of_2009_says_of_an_old_application",
    "POST /v1/persons/resolve": "led with the city, and test_moving_between_towns_always_works",
    "GET /v1/registry/changes": "test_followers_are_told_of_whom_they_see",
    "GET /v1/registry/audit/checkpoints": "nothing of anybody: signed heads",
    "GET /v1/registry/search-log": "test_the_log_is_the_supervisors_own_divisions",
    "GET /v1/inspections/{inspection_id}": "of homes, not of persons: test_inspections_are_the_divisions_own_and_an_officers",
    "GET /v1/premises/{premises_id}/inspections": "as the inspection itself",
    "GET /v1/inspection-findings": "as the inspection itself",
    "GET /v1/inspection-findings/{finding_id}/history": "as the inspection itself",
    "GET /v1/village-pairings": "nothing of a person: test_a_village_is_paired_with_an_enterprise_once",
    "GET /v1/village-pairings/{pairing_id}": "nothing of a person: as above",
    "GET /v1/village-pairings/{pairing_id}/history": "nothing of a person: as above",
    "GET /v1/retention-reviews": "ids and days: test_who_left_is_due_a_year_later_and_kept_for_a_reason_until_another_day",
    "GET /v1/retention-reviews/{review_id}": "as above",
    "GET /v1/retention-reviews/{review_id}/history": "as above",
    "GET /v1/notice-templates": "nothing of anybody: texts",
    "GET /v1/divisions": "nothing of anybody: reference data",
    "GET /v1/divisions/{code}": "nothing of anybody: reference data",
    "GET /v1/divisions/{code}/children": "nothing of anybody: reference data",
    "GET /v1/imports/template": "nothing of anybody: an empty roster",
}
"""Operations that read and are not asked at random, with the reason or the test that asks them."""
