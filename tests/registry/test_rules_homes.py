"""Homes: what may be let, for how many, group letting, and when a letting is reported (`cases/homes.toml`)."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.parameters import Document, ParameterError
from services.registry.rules.homes.capacity import CapacityStandard, assess_room, read_capacity_parameters
from services.registry.rules.homes.premises import RoomKind, is_group_letting, report_deadline, room_problem
from tests.registry.case_files import REGISTRY, Case, cases, law

HOMES = (REGISTRY / "parameters" / "homes.toml").read_text("utf-8")
CHOSEN = """
[[capacity_standard.values]]
value = "hangzhou-2016"
valid_from = 2024-01-01
source = "decision of the city"
confidence = "design"
"""


def told(value: Any) -> Any:
    return "not available" if value is None else value


@pytest.mark.parametrize("case", cases("homes", "room"))
def test_what_may_be_let(case: Case) -> None:
    facts = case["facts"]
    found = room_problem(RoomKind(facts["kind"]), is_let=facts["is_let"], on=facts["on"], parameters=law().homes.premises)
    assert ("none" if found is None else found.code) == case["expected"]


@pytest.mark.parametrize("case", cases("homes", "capacity"))
def test_capacity(case: Case) -> None:
    capacity = law().homes.capacity
    named = {row.value.key: row.value for row in capacity.standards.rows}
    in_force = capacity.on(date(2024, 3, 1))
    standard = named[case["standard"]] if "standard" in case else (None if in_force is None else in_force.standard)
    found = assess_room(case["facts"].get("usable_area_dm2"), case["facts"]["persons"], standard)
    assert {"persons_max": told(found.persons_max), "is_over": told(found.is_over)} == case["expected"]


@pytest.mark.parametrize("case", cases("homes", "group_letting"))
def test_group_letting(case: Case) -> None:
    facts = case["facts"]
    assert told(is_group_letting(facts["rooms"], facts["beds"], facts["on"], law().homes.premises)) == case["expected"]


@pytest.mark.parametrize("case", cases("homes", "report"))
def test_when_a_letting_is_reported(case: Case) -> None:
    found = report_deadline(case["facts"]["event_on"], law().working_days, law().homes.premises)
    assert ("none" if found is None else found.due_on) == case["expected"]["due_on"]


def homes(text: str) -> Document:
    document = Document.parse("homes.toml", text)
    for name in ("kinds_not_let", "report_working_days_max", "group_letting_rooms_min", "group_letting_beds_min"):
        document.history(name, lambda raw: raw)
    return document


def test_the_city_chooses_a_standard_by_one_more_entry() -> None:
    capacity = read_capacity_parameters(homes(HOMES.replace("[capacity_standards]", CHOSEN + "\n[capacity_standards]")))
    before, after = capacity.on(date(2023, 12, 31)), capacity.on(date(2024, 1, 1))
    assert before is None
    assert after is not None
    assert (after.standard.usable_area_dm2_per_person_min, after.confidence, after.rule) == (400, "S2", "RR-68")


def test_a_standard_nobody_holds_stops_the_start() -> None:
    with pytest.raises(ParameterError, match="nowhere"):
        read_capacity_parameters(homes(HOMES.replace("not_set = true", 'value = "nowhere"')))


@settings(max_examples=50)
@given(area=st.integers(0, 20_000), persons=st.integers(0, 60), least=st.integers(100, 1500), most=st.integers(1, 20))
def test_one_person_more_never_makes_a_room_less_crowded(area: int, persons: int, least: int, most: int) -> None:
    standard = CapacityStandard("supposed", least, most)
    now, then = assess_room(area, persons, standard), assess_room(area, persons + 1, standard)
    assert now.persons_max == then.persons_max
    assert bool(then.is_over) >= bool(now.is_over)
    assert now.is_over == (persons > most or persons * least > area)
