"""Residence registration: who registers for whom, exemptions, reports of a change, unbroken registration."""

from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.chassis.parameters import History
from services.registry.rules.identity_number import Origin
from services.registry.rules.residence_registration import (
    InstitutionStay,
    RegistrationFacts,
    RegistrationPeriod,
    Reporter,
    ResidenceKind,
    assess_change_report,
    assess_registration,
    registered_since,
)
from tests.registry.case_files import Case, cases, law

USUAL: dict[str, Any] = {
    "registered_on": date(2024, 3, 1),
    "started_on": date(2024, 3, 1),
    "division_code": "330282002",
    "residence_kind": "rented",
    "reported_by": "self",
    "birth_date": date(1990, 1, 1),
}
ENUMS = {
    "residence_kind": ResidenceKind,
    "reported_by": Reporter,
    "origin": Origin,
    "institution_stay": InstitutionStay,
}


def facts_of(written: dict[str, Any]) -> RegistrationFacts:
    known = {**USUAL, **written}
    assert set(known) <= {field.name for field in fields(RegistrationFacts)}
    read: Case = {key: ENUMS[key](value) if key in ENUMS else value for key, value in known.items()}
    return RegistrationFacts(**read)


def outcome(facts: RegistrationFacts, asked: dict[str, Any]) -> dict[str, Any]:
    assessment = assess_registration(facts, law().registration)
    found = {key: getattr(assessment, key) for key in asked}
    return {key: [item.code for item in value] if isinstance(value, tuple) else value for key, value in found.items()}


@pytest.mark.parametrize("case", cases("residence_registrations", "registration"))
def test_registration(case: Case) -> None:
    assert outcome(facts_of(case["facts"]), case["expected"]) == case["expected"]


@pytest.mark.parametrize(
    "case", [case for case in cases("residence_registrations", "registration") if "shifted" in case.values[0]]
)
def test_registration_turns_on_the_day_the_case_names(case: Case) -> None:
    shifted, facts = case["shifted"], facts_of(case["facts"])
    change: Case = {shifted["fact"]: getattr(facts, shifted["fact"]) + timedelta(days=shifted["days"])}
    moved = replace(facts, **change)

    assert outcome(moved, shifted["expected"]) == shifted["expected"]
    assert outcome(facts, shifted["expected"]) != shifted["expected"]


@pytest.mark.parametrize("case", cases("residence_registrations", "change"))
def test_report_of_a_change(case: Case) -> None:
    report = assess_change_report(changed_on=case["changed_on"], reported_on=case["reported_on"], parameters=law().registration)

    assert {"due_on": report.due_on, "reported_late": report.reported_late} == case["expected"]


@pytest.mark.parametrize("case", cases("residence_registrations", "continuity"))
def test_registered_since(case: Case) -> None:
    periods = [
        RegistrationPeriod(date.fromisoformat(begun), date.fromisoformat(ended) if ended else None, code)
        for begun, ended, code in case["periods"]
    ]
    expected = date.fromisoformat(case["expected"]) if case["expected"] else None

    assert registered_since(periods, case["on"], law().registration) == expected
    assert registered_since(reversed(periods), case["on"], law().registration) == expected


def test_a_city_that_sets_a_limit_learns_who_registered_late() -> None:
    """RR-05, RR-06: the limit is a parameter, empty by default."""
    parameters = replace(law().registration, own_registration_days_max=History[int | None].constant(3))
    facts = facts_of({"started_on": date(2024, 2, 27)})

    assert assess_registration(facts, parameters).due_on == date(2024, 3, 1)
    assert not assess_registration(facts, parameters).registered_late
    a_day_later = replace(facts, registered_on=date(2024, 3, 2))
    assert assess_registration(a_day_later, parameters).registered_late
    assert not assess_registration(replace(a_day_later, institution_stay=InstitutionStay.HOTEL), parameters).registered_late
