"""What stands against a plan, rule by rule, and what a sound plan promises."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.education.actions.shipped import class_sizes, placement_rules, reserved_groups
from services.education.rules.class_sizes import SizeBand
from services.education.rules.place_plans import PlannedGrade, PlannedPlaces, PlannedSource, problems_of_plan, vacancies
from services.education.rules.placement.problem import Offer, Problem, Reserve, Source
from services.education.rules.placement.soundness import problems_of
from services.education.rules.schools import SchoolFacts, SchoolKind

ON = date(2026, 9, 1)
SCHOOL = SchoolFacts("s", SchoolKind.PUBLIC, "330282107", 1, 9, {})
PRIVATE = replace(SCHOOL, kind=SchoolKind.PRIVATE)
AREAS = ("330282107",)


def plan(
    *sources: PlannedSource,
    grade: int = 1,
    classes: int = 4,
    areas: tuple[str, ...] = AREAS,
    more: tuple[PlannedGrade, ...] = (),
) -> PlannedPlaces:
    return PlannedPlaces(areas, (PlannedGrade(grade, classes, sources), *more))


def public(places: int, *reserves: Reserve) -> PlannedSource:
    return PlannedSource(Source.PUBLIC, places, None, reserves)


def held(group: str, places: int, ground: str = "依据", returns_to: tuple[str, ...] = ("",)) -> Reserve:
    return Reserve(group, places, ground, returns_to)


def found(of: PlannedPlaces, at: SchoolFacts = SCHOOL) -> list[tuple[str, str]]:
    return [(each.pointer, each.code) for each in problems_of_plan(of, at, reserved_groups(), class_sizes(), ON)]


CASES: Mapping[str, tuple[PlannedPlaces, SchoolFacts, list[tuple[str, str]]]] = {
    "sound": (plan(public(180, held("soldier", 36))), SCHOOL, []),
    "fifty-five a class are the most": (plan(public(220)), SCHOOL, []),
    "and not one more": (plan(public(221)), SCHOOL, [("/grades/0/classes", "too_few")]),
    "of all sources together": (
        plan(
            PlannedSource(Source.BOUGHT, 110, 1, ()),
            PlannedSource(Source.SUBSIDISED, 111, 1, ()),
            areas=(),
        ),
        PRIVATE,
        [("/grades/0/classes", "too_few")],
    ),
    "a public school has a catchment": (plan(public(1), areas=()), SCHOOL, [("/areas", "missing")]),
    "of its own county": (plan(public(1), areas=("330281",)), SCHOOL, [("/areas/0", "out_of_scope")]),
    "no area twice": (
        plan(public(1), areas=("330282107", "330282107201")),
        SCHOOL,
        [("/areas/1", "repeated")],
    ),
    "a village beside its own town's twin": (plan(public(1), areas=("330282107201", "330282107202")), SCHOOL, []),
    "no public places at a private school": (
        plan(public(1), areas=()),
        PRIVATE,
        [("/grades/0/sources/0/source", "not_of_this_school")],
    ),
    "no bought ones at a public school": (
        plan(PlannedSource(Source.BOUGHT, 1, 5, ())),
        SCHOOL,
        [("/grades/0/sources/0/source", "not_of_this_school")],
    ),
    "public places cost nothing": (
        plan(PlannedSource(Source.PUBLIC, 1, 5, ())),
        SCHOOL,
        [("/grades/0/sources/0/fen_per_place", "money")],
    ),
    "a grade it does not have": (plan(public(1)), replace(SCHOOL, first_grade=2), [("/grades/0/grade", "not_at_school")]),
    "no grade twice": (
        plan(public(1), more=(PlannedGrade(1, 1, (public(1),)),)),
        SCHOOL,
        [("/grades", "repeated")],
    ),
    "no source twice": (plan(public(1), public(1)), SCHOOL, [("/grades/0/sources", "repeated")]),
    "a cap, rounded down": (plan(public(184, held("soldier", 37))), SCHOOL, [("/grades/0/sources/0/reserves/0/places", "cap")]),
    "a group nobody knows": (
        plan(public(180, held("talent", 1))),
        SCHOOL,
        [("/grades/0/sources/0/reserves/0/group", "unknown")],
    ),
    "without its ground": (
        plan(public(180, held("soldier", 1, ground=" "))),
        SCHOOL,
        [("/grades/0/sources/0/reserves/0/legal_ground", "missing")],
    ),
    "returned to itself": (
        plan(public(180, held("soldier", 1, returns_to=("soldier",)))),
        SCHOOL,
        [("/grades/0/sources/0/reserves/0/returns_to", "unknown")],
    ),
    "everybody before a group": (
        plan(public(180, held("soldier", 1, returns_to=("", "returning")))),
        SCHOOL,
        [("/grades/0/sources/0/reserves/0/returns_to", "order")],
    ),
    "new classes in a grade between": (
        plan(public(0), grade=3, classes=1),
        SCHOOL,
        [("/grades/0/classes", "not_allowed")],
    ),
    "room in a grade between": (plan(public(5), grade=3, classes=0), replace(SCHOOL, sizes={3: (40, 45)}), []),
    "no room": (
        plan(public(6), grade=3, classes=0),
        replace(SCHOOL, sizes={3: (40, 45)}),
        [("/grades/0/sources", "no_vacancy")],
    ),
    "a very large class elsewhere in the school": (
        plan(public(5), grade=3, classes=0),
        replace(SCHOOL, sizes={3: (40,), 9: (66,)}),
        [("/grades/0/sources", "no_vacancy")],
    ),
}


@pytest.mark.parametrize(("of", "at", "expected"), CASES.values(), ids=CASES)
def test_what_stands_against_a_plan(of: PlannedPlaces, at: SchoolFacts, expected: list[tuple[str, str]]) -> None:
    assert found(of, at) == expected


def test_the_band_is_that_of_the_fullest_class() -> None:
    law = class_sizes()
    bands = {places: PlannedGrade(1, 2, (public(places),)).band(law, ON) for places in (90, 91, 110)}
    assert bands == {90: SizeBand.NORMAL, 91: SizeBand.SOMEWHAT_LARGE, 110: SizeBand.SOMEWHAT_LARGE}
    assert PlannedGrade(3, 0, (public(2),)).band(law, ON) is None


def test_every_group_is_a_claim_of_the_city_s_placement_rules() -> None:
    assert set(reserved_groups()) <= {each.id for each in placement_rules()["ningbo-2025"].rules.claims}


_GROUPS = tuple(reserved_groups())
_RESERVES = st.lists(
    st.builds(
        Reserve,
        st.sampled_from(_GROUPS),
        st.integers(0, 60),
        st.just("依据"),
        st.lists(st.sampled_from(("", *_GROUPS)), max_size=3).map(tuple),
    ),
    max_size=3,
)


@given(st.integers(0, 230), _RESERVES)
def test_whatever_passes_as_a_plan_can_be_placed_by_the_engine(places: int, reserves: list[Reserve]) -> None:
    """A plan never stops a placement: what the engine asks of offers, plans are refused for."""
    rules = placement_rules()["ningbo-2025"].rules
    if found(plan(public(places, *reserves))):
        return
    offer = Offer("o", "s", 1, Source.PUBLIC, places, "public", tuple(reserves))
    assert not list(problems_of(Problem("r", rules, (offer,), ())))
    for each in reserves:
        assert each.places * 100 <= places * reserved_groups()[each.group].cap_percent


@given(st.lists(st.integers(0, 80), max_size=6))
def test_vacancies_fill_no_class_beyond_its_plan_and_none_beside_a_very_large_one(sizes: list[int]) -> None:
    free = vacancies(replace(SCHOOL, sizes={3: tuple(sizes)}), 3, class_sizes(), ON)
    expected = 0 if any(each >= 66 for each in sizes) else sum(45 - each for each in sizes if each < 45)
    assert free == expected
