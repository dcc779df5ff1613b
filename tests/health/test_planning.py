"""A child who is behind: what one visit brings, and the shortest way to be up to date."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings

from services.health.actions.schedules import programme
from services.health.rules.assessment import Verdict
from services.health.rules.child import Barred, Child, Dose
from services.health.rules.forecasting import assess
from services.health.rules.planning import Visit, one_visit, shortest_plan
from tests.health.children import children

BORN = date(2022, 5, 31)


def given_all(child: Child, visits: tuple[Visit, ...]) -> Child:
    doses = [
        Dose(f"v{number}-{each.line}", each.vaccine, visit.day) for number, visit in enumerate(visits) for each in visit.doses
    ]
    return replace(child, doses=(*child.doses, *doses))


def vaccines(visit: Visit) -> list[str]:
    return [each.vaccine for each in visit.doses]


def missing(child: Child, since: date, on: date) -> set[str]:
    """Lines that miss a dose whose listed age the child had reached on `since`, but for what a test or the clinic decides
    first.
    """
    forecasts = assess(programme(), child, on).forecasts.values()
    return {each.line for each in forecasts if each.next and each.next.asks is None and each.next.listed_on <= since}


def step_by_step(child: Child, since: date) -> tuple[date | None, Child]:
    """What a clinic does that gives all that is due whenever anything is: the day of the last dose that was missing."""
    day, last = since, None
    while missing(child, since, day):
        visit = one_visit(programme(), child, day)
        if visit.doses:
            child, last = given_all(child, (replace(visit),)), day
            child = replace(child, doses=tuple(replace(each, id=f"{number}") for number, each in enumerate(child.doses)))
        coming = [each.next for each in assess(programme(), child, day).forecasts.values() if each.next is not None]
        days = [each.recommended for each in coming if each.asks is None and each.listed_on <= since]
        day = max(min(days, default=day), day + timedelta(1))
    return last, child


def with_mmr_deferred(until: date) -> Child:
    """A child who can get JE-L on any day and MMR from a day on, and nothing else."""
    others = ("HepB", "IPV", "DTaP", "MPSV-A", "HepA-L", "BCG")
    return Child(
        BORN,
        contraindications=tuple(Barred(BORN, None, frozenset({each})) for each in others),
        deferrals=(Barred(date(2023, 2, 1), until, frozenset({"MMR"})),),
    )


def test_one_visit_gives_all_that_is_due_mmr_first() -> None:
    visit = one_visit(programme(), Child(BORN), date(2024, 3, 1))
    assert vaccines(visit) == ["MMR", "HepB", "IPV", "DTaP", "MPSV-A", "JE-L", "HepA-L"]


def test_one_visit_of_few_doses_takes_the_most_urgent() -> None:
    assert vaccines(one_visit(programme(), Child(BORN), date(2024, 3, 1), 2)) == ["MMR", "HepB"]


def test_one_visit_leaves_out_what_a_test_must_decide() -> None:
    child = Child(BORN, skin_tests=((date(2024, 2, 1), True),))
    assert "BCG" in vaccines(one_visit(programme(), child, date(2024, 3, 1)))
    assert "BCG" not in vaccines(one_visit(programme(), Child(BORN), date(2024, 3, 1)))


def test_a_live_vaccine_after_another_waits_for_its_day() -> None:
    child = Child(BORN, (Dose("a", "MMR", date(2024, 2, 20)),))
    assert "JE-L" not in vaccines(one_visit(programme(), child, date(2024, 3, 1)))
    assert "JE-L" in vaccines(one_visit(programme(), child, date(2024, 3, 19)))


def test_a_live_vaccine_is_kept_back_for_one_that_is_due_in_a_few_days() -> None:
    """JE-L is due today, MMR after five more days of deferral: given today, it would hold MMR back for four weeks."""
    child = with_mmr_deferred(date(2023, 2, 15))
    plan = shortest_plan(programme(), child, date(2023, 2, 10))
    assert [(visit.day, sorted(vaccines(visit))) for visit in plan] == [(date(2023, 2, 15), ["JE-L", "MMR"])]


def test_a_live_vaccine_is_not_kept_back_for_one_after_the_four_weeks() -> None:
    child = with_mmr_deferred(date(2023, 3, 10))
    plan = shortest_plan(programme(), child, date(2023, 2, 10))
    assert [visit.day for visit in plan] == [date(2023, 2, 10), date(2023, 3, 10)]


def test_a_child_who_is_not_behind_needs_no_plan() -> None:
    assert shortest_plan(programme(), Child(BORN, (Dose("a", "HepB", BORN), Dose("b", "BCG", BORN))), date(2022, 6, 1)) == ()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(children(most=6))
def test_a_plan_holds_and_is_never_longer_than_step_by_step(child_and_day: tuple[Child, date]) -> None:
    child, since = child_and_day
    plan = shortest_plan(programme(), child, since)
    done = given_all(child, plan)
    last = plan[-1].day if plan else since
    assert not missing(done, since, last)
    planned = [each for each in assess(programme(), done, last).judgements if each.dose.id.startswith("v")]
    assert all(each.verdict is Verdict.VALID for each in planned)
    naive, _ = step_by_step(child, since)
    assert naive is None or last <= naive
    assert [visit.day for visit in plan] == sorted({visit.day for visit in plan})
