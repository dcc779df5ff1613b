"""A season goes forward in order and back until it is published; its days are the law's; three cities' templates."""

import tomllib
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.chassis.working_days import calendar
from services.education.actions.shipped import seasons
from services.education.rules.season.days import DueDay, days_of, overdue, takes_entries
from services.education.rules.season.progress import Progress, StepStatus
from services.education.rules.season.states import NotAllowedError, Season, StepAct, act, refusals
from services.education.rules.season.template import PLACING, SeasonTemplate, StepKind

CALENDAR = calendar()
YEAR = 2025
FOLDER = Path(__file__).parents[2] / "services" / "education" / "seasons"
NAMES = sorted(seasons())


def season(name: str = "suzhou") -> Season:
    return Season(seasons()[name], YEAR)


def done(given: Season, step: str, what: StepAct, on: date, reason: str = "") -> Season:
    return act(given, step, what, on, CALENDAR, reason=reason)


def codes(given: Season, step: str, what: StepAct, on: date, reason: str = "") -> list[str]:
    return [each.code for each in refusals(given, step, what, on, CALENDAR, reason=reason)]


def run(given: Season, until: str = "", start: date = date(YEAR, 1, 2)) -> tuple[Season, date]:
    """Every step as early as it may be, up to and without one."""
    on = start
    for step in given.template.steps:
        if step.id == until:
            break
        days = days_of(given.template, YEAR, given.steps, step, CALENDAR)
        on = max(on, days.opens.on) if days.opens else on
        given = done(given, step.id, StepAct.BEGIN, on)
        on = max(on, days.closes.on + timedelta(1)) if days.closes else on
        given = done(given, step.id, StepAct.FINISH, on)
        if step.is_published:
            given = done(given, step.id, StepAct.PUBLISH, on)
    return given, on


@pytest.mark.parametrize("name", NAMES)
def test_a_season_runs_to_its_end_in_time(name: str) -> None:
    finished, on = run(season(name))
    assert all(finished.is_over(step.id) for step in finished.template.steps)
    assert on.year == YEAR
    assert list(overdue(finished.template, YEAR, finished.steps, date(YEAR, 12, 31), CALENDAR)) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_step_waits_for_what_it_needs(name: str) -> None:
    for step in season(name).template.steps:
        before, on = run(season(name), step.id)
        for needed in step.needs:
            kept = {each: progress for each, progress in before.steps.items() if each != needed}
            assert "waits_for" in codes(replace(before, steps=kept), step.id, StepAct.BEGIN, on + timedelta(200))


def test_the_nine_steps_of_suzhou() -> None:
    """education.md §4.2."""
    suzhou = seasons()["suzhou"]
    fixed = {step.id: days_of(suzhou, YEAR, {}, step, CALENDAR) for step in suzhou.steps}
    due = {step: days.due.on.strftime("%m-%d") for step, days in fixed.items() if days.due}
    assert {step: due[step] for step in NINE} == NINE
    registration = fixed["registration"]
    assert (registration.opens, registration.closes) == (DueDay(date(YEAR, 3, 1)), DueDay(date(YEAR, 5, 31)))
    assert fixed["adjustment"].opens == DueDay(date(YEAR, 8, 5))


NINE = {
    "plan": "03-01",
    "score_confirmation": "06-10",
    "lowest_scores": "06-30",
    "ranking": "07-10",
    "notices": "07-20",
    "co_ordination": "07-25",
    "co_ordination_notices": "07-28",
    "adjustment": "08-31",
}


def test_the_two_stages_of_ningbo_and_the_subsidies_of_dongguan() -> None:
    placing = {name: [each for each in seasons()[name].steps if each.kind in PLACING] for name in NAMES}
    first, second, *_ = (each.places for each in placing["ningbo"])
    assert first is not None
    assert second is not None
    assert (first.needs_claims, first.participants, second.participants) == (("resident",), "all", "not_placed")
    public, subsidy = (each.places for each in placing["dongguan"])
    assert public is not None
    assert subsidy is not None
    assert (public.sources, subsidy.sources, subsidy.participants) == (("public", "bought"), ("subsidised",), "not_placed")


def test_registration_stays_open_to_its_last_day_and_until_the_lottery_is_committed_to() -> None:
    before, _ = run(season(), "registration")
    assert codes(before, "registration", StepAct.BEGIN, date(YEAR, 2, 28)) == ["too_early"]
    opened = done(before, "registration", StepAct.BEGIN, date(YEAR, 3, 1))
    assert codes(opened, "registration", StepAct.FINISH, date(YEAR, 5, 31)) == ["still_open"]
    assert codes(opened, "registration", StepAct.FINISH, date(YEAR, 6, 1)) == []
    uncommitted = replace(opened, steps={**opened.steps, "commitment": Progress(StepStatus.DONE)})
    assert codes(uncommitted, "registration", StepAct.FINISH, date(YEAR, 5, 31)) == ["waits_for", "still_open"]


def test_the_seed_is_not_known_before_registration_has_closed() -> None:
    before, _ = run(season(), "registration")
    opened = done(before, "registration", StepAct.BEGIN, date(YEAR, 3, 1))
    assert codes(opened, "reveal", StepAct.BEGIN, date(YEAR, 5, 31)) == ["waits_for"]


def test_a_step_is_taken_back_until_it_is_published_and_corrected_after() -> None:
    before, on = run(season(), "placement")
    finished = done(done(before, "placement", StepAct.BEGIN, on), "placement", StepAct.FINISH, on)
    again = done(finished, "placement", StepAct.UNDO, on)
    assert again.progress("placement") == Progress(StepStatus.OPEN, on)
    assert done(again, "placement", StepAct.UNDO, on).progress("placement") == Progress()
    published = done(finished, "placement", StepAct.PUBLISH, on)
    assert codes(published, "placement", StepAct.UNDO, on) == ["is_published"]
    assert codes(published, "placement", StepAct.CORRECT, on, " ") == ["no_reason"]
    corrected = done(published, "placement", StepAct.CORRECT, on, "学位数录入有误")
    assert corrected.progress("placement") == published.progress("placement")
    assert [(each.step, each.reason) for each in corrected.corrections] == [("placement", "学位数录入有误")]


def test_what_later_steps_rest_on_is_not_taken_back() -> None:
    given, on = run(season(), "lowest_scores")
    assert codes(given, "eligibility", StepAct.UNDO, on) == ["rested_upon"]
    with pytest.raises(NotAllowedError, match="is to be undone first"):
        done(given, "eligibility", StepAct.UNDO, on)
    back = done(done(given, "score_confirmation", StepAct.UNDO, on), "score_confirmation", StepAct.UNDO, on)
    assert codes(back, "eligibility", StepAct.UNDO, on) == []


def test_a_step_that_is_not_published_cannot_be() -> None:
    given, on = run(season(), "lowest_scores")
    assert codes(given, "eligibility", StepAct.PUBLISH, on) == ["not_published"]
    assert codes(given, "lowest_scores", StepAct.PUBLISH, on) == ["wrong_state"]


def test_terms_are_working_days_from_what_happened() -> None:
    """The ranking published on 2025-09-26, a Friday, before the long holiday: five working days end on 10 October."""
    suzhou = season()
    assert days_of(suzhou.template, YEAR, {}, suzhou.template.step("appeals"), CALENDAR).closes is None
    published = {"ranking": Progress(StepStatus.PUBLISHED, published_on=date(2025, 9, 26))}
    closes = days_of(suzhou.template, YEAR, published, suzhou.template.step("appeals"), CALENDAR).closes
    assert closes is not None
    assert (closes.on, closes.is_provisional) == (date(2025, 10, 10), False)


def test_what_is_late_is_told_and_nobody_by_a_guessed_day() -> None:
    suzhou = season()
    late = [step.id for step, _ in overdue(suzhou.template, YEAR, {}, date(YEAR, 3, 2), CALENDAR)]
    assert late == ["plan"]
    assert list(overdue(suzhou.template, YEAR, {}, date(YEAR, 3, 1), CALENDAR)) == []
    closed = {"registration": Progress(StepStatus.DONE, done_on=date(2090, 6, 1))}
    late = [step.id for step, _ in overdue(suzhou.template, 2090, closed, date(2090, 6, 9), CALENDAR)]
    assert "reveal" not in late


def test_a_window_has_its_days_and_hours() -> None:
    before, _ = run(season("ningbo"), "registration_primary")
    opened = done(before, "registration_primary", StepAct.BEGIN, date(YEAR, 6, 3))

    def is_open(day: int, hour: int, minute: int) -> bool:
        at = datetime(YEAR, 6, day, hour, minute)  # noqa: DTZ001 - local time of the law
        return takes_entries(opened.template, YEAR, opened.steps, "registration_primary", at, CALENDAR)

    assert [is_open(3, 7, 29), is_open(3, 7, 30), is_open(7, 22, 29), is_open(7, 22, 30), is_open(8, 12, 0)] == [
        False, True, True, False, False
    ]  # fmt: skip
    at = datetime(YEAR, 6, 3, 12)  # noqa: DTZ001
    assert not takes_entries(before.template, YEAR, before.steps, "registration_primary", at, CALENDAR)


acts = st.lists(st.tuples(st.integers(0, 15), st.sampled_from(StepAct), st.integers(0, 20)), max_size=60)


@settings(max_examples=150)
@given(name=st.sampled_from(NAMES), given_acts=acts)
def test_whatever_officers_do_the_order_holds(name: str, given_acts: list[tuple[int, StepAct, int]]) -> None:
    now, on = season(name), date(YEAR, 1, 1)
    steps = now.template.steps
    for place, what, later in given_acts:
        on += timedelta(later)
        step, before = steps[place % len(steps)].id, now
        try:
            now = done(now, step, what, on, "reason")
        except NotAllowedError:
            assert codes(now, step, what, on, "reason")
        for each in steps:
            status = now.progress(each.id).status
            if status is not StepStatus.WAITING:
                assert all(now.is_over(needed) for needed in each.needs)
            if before.progress(each.id).status is StepStatus.PUBLISHED:
                assert now.progress(each.id) == before.progress(each.id)


Change = Callable[[dict[str, Any]], object]


def step_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document["steps"] if each["id"] == name)
    return found


BROKEN: Mapping[str, tuple[Change, str]] = {
    "a step nobody knows": (
        lambda told: step_of(told, "ranking").update(needs=["nothing"]),
        "nothing does not stand before it",
    ),
    "a circle": (lambda told: step_of(told, "plan").update(needs=["ranking"]), "ranking does not stand before it"),
    "no commitment": (lambda told: step_of(told, "registration").pop("closes_after"), "before registration closes"),
    "no seed": (lambda told: step_of(told, "placement").update(needs=["ranking"]), "seed is published before"),
    "no places": (lambda told: step_of(told, "placement").pop("places"), "steps that give places say which"),
    "a window without a beginning": (lambda told: step_of(told, "registration").pop("opens"), "a window begins somewhere"),
    "no term": (lambda told: step_of(told, "reveal")["due"].pop("working_days"), "either working days or days"),
    "twice": (lambda told: told["steps"].append(told["steps"][0]), "twice"),
    "no such day": (lambda told: step_of(told, "plan")["due"].update(month=2, day=30), "day"),
    "a misspelt key": (lambda told: step_of(told, "plan").update(du="x"), "Extra inputs"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_template_that_does_not_hang_together_is_refused(broken: str) -> None:
    document = deepcopy(tomllib.loads((FOLDER / "suzhou.toml").read_text("utf-8")))
    change, message = BROKEN[broken]
    change(document)
    with pytest.raises(ValidationError, match=message):
        SeasonTemplate.model_validate(document)


def test_a_step_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        season().progress("nothing")
    assert {step.kind for name in NAMES for step in seasons()[name].steps} == set(StepKind)
