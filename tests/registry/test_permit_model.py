"""The registry against a naive model of the same law (`permit_model.py`): generated lives, compared after every step.

The model is first held to the boundary table of residence.md §3.1 itself. Then Hypothesis plays lives of up to twelve acts,
lawful and not, on the real registry and on the model, with the daily jobs run or left out: the registry's answer must be right
to the day either way. Last, wrong models prove that the comparison can tell: each must be found out.
"""

import logging
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from services.registry.app import DEFINITION
from tests.conftest import MakeDatabase
from tests.registry.permit_desk import PermitDesk, RegistryThread, Sight, registry_thread
from tests.registry.permit_model import Ground, Outcome, PermitModel, Status, Why, day_in_month, months_after
from tests.running import InsideKeys, running_service
from tests.servers import Servers

MILESTONES = ["eligible", "due", "window opens", "window closes", "window closes", "month ends", "29 February"]
LEASE = ("home", ["lease"])
ZHANGQI, HENGHE = "330282107", "330282114"


def issued(residence_start: date, issued_on: date, model_class: type[PermitModel] = PermitModel) -> PermitModel:
    """A model with a permit issued (and applied for) on a day."""
    model = model_class(residence_start)
    model.register(ZHANGQI)
    model.move_clock(issued_on)
    assert model.apply("home", ["lease"]) is Outcome.OK
    assert model.issue() is Outcome.OK
    return model


# --- the model itself: the boundary table of §3.1 and the rules beside it ---


@pytest.mark.parametrize(
    ("registered_on", "eligible_from"),
    [
        (date(2023, 3, 15), date(2023, 9, 15)),
        (date(2023, 8, 31), date(2024, 2, 29)),
        (date(2022, 8, 31), date(2023, 2, 28)),
        (date(2023, 12, 31), date(2024, 6, 30)),
    ],
)
def test_half_a_year_is_complete_on_the_same_day_six_months_on(registered_on: date, eligible_from: date) -> None:
    """RR-21."""
    model = PermitModel(registered_on)
    model.register(ZHANGQI)
    model.move_clock(eligible_from - timedelta(days=1))
    assert model.apply("home", ["lease"]) is Outcome.REFUSED
    assert model.permits[-1].reasons == {Why.HALF_YEAR}
    model.move_clock(eligible_from)
    assert model.apply("home", []) is Outcome.REFUSED
    assert model.permits[-1].reasons == {Why.NO_PROOF}
    assert model.apply("home", ["lease"]) is Outcome.OK


@pytest.mark.parametrize(("is_remote", "due_on"), [(False, date(2024, 3, 16)), (True, date(2024, 3, 31))])
def test_a_permit_is_due_within_calendar_days_of_acceptance(is_remote: bool, due_on: date) -> None:
    """RR-26."""
    model = PermitModel(date(2023, 3, 1))
    model.register(ZHANGQI)
    model.move_clock(date(2024, 3, 1))
    assert model.apply("home", ["lease"], is_remote=is_remote) is Outcome.OK
    assert model.due_on == due_on


@pytest.mark.parametrize(
    ("today", "outcome", "status", "years_from"),
    [
        (date(2024, 4, 9), Outcome.WINDOW_NOT_OPEN, Status.VALID, date(2023, 5, 10)),
        (date(2024, 4, 10), Outcome.OK, Status.VALID, date(2023, 5, 10)),
        (date(2024, 5, 9), Outcome.OK, Status.VALID, date(2023, 5, 10)),
        (date(2024, 5, 10), Outcome.OK, Status.SUSPENDED, date(2024, 5, 10)),
    ],
)
def test_the_endorsement_window_closes_the_day_before_the_anniversary(
    today: date, outcome: Outcome, status: Status, years_from: date
) -> None:
    """RR-30 to RR-32: `status` before the endorsement, `years_from` after it."""
    model = issued(date(2023, 5, 10), date(2023, 12, 1))
    model.move_clock(today)
    assert model.window == (date(2024, 4, 10), date(2024, 5, 9))
    assert model.status is status
    assert model.endorse() is outcome
    assert (model.status, model.years_from) == (Status.VALID, years_from)


def test_both_anchors() -> None:
    """RR-30."""
    model = issued(date(2023, 5, 10), date(2023, 12, 1))
    model.anchor = "issue_date"
    assert model.window == (date(2024, 11, 1), date(2024, 11, 30))


def test_an_endorsement_answers_one_window_and_an_issue_within_it_too() -> None:
    """RR-30 and the choice named at `PermitModel.window`."""
    model = issued(date(2023, 5, 10), date(2024, 4, 10))
    assert model.window == (date(2025, 4, 10), date(2025, 5, 9))
    model.move_clock(date(2025, 4, 10))
    assert model.endorse() is Outcome.OK
    assert model.endorse() is Outcome.WINDOW_NOT_OPEN
    assert model.window == (date(2026, 4, 10), date(2026, 5, 9))


def test_replacement_keeps_years_and_end_opens_the_way_to_a_new_application() -> None:
    """§3.1."""
    model = issued(date(2023, 5, 10), date(2023, 12, 1))
    assert model.report_loss() is Outcome.OK
    assert model.report_loss() is Outcome.LOSS_ALREADY_REPORTED
    assert model.replace("lost") is Outcome.OK
    assert model.years_from == date(2023, 5, 10)
    assert model.apply("home", ["lease"]) is Outcome.ALREADY_APPLIED
    assert model.end() is Outcome.OK
    assert model.status is Status.ENDED
    assert model.endorse() is Outcome.WRONG_STATE
    assert model.apply("home", ["lease"]) is Outcome.OK


def test_an_anniversary_of_29_february_is_the_month_s_last_day() -> None:
    """RR-30 with the clamp of RR-21."""
    model = issued(date(2024, 2, 29), date(2024, 9, 1))
    assert model.window == (date(2025, 1, 29), date(2025, 2, 27))


# --- the comparison ---


class MismatchError(AssertionError):
    """Registry and model differ."""


def has_applied(life: RuleBasedStateMachine) -> bool:
    """Whether there is a permit, or at least an application, to act on."""
    return isinstance(life, Life) and bool(life.model.permits)


def may_apply_anew(life: RuleBasedStateMachine) -> bool:
    """Whether the last application or permit is over and the person is registered."""
    over = {Status.REFUSED, Status.WITHDRAWN, Status.ENDED}
    return isinstance(life, Life) and life.model.status in over and life.model.registration is not None


class Life(RuleBasedStateMachine):
    """One resident, led through the same days and acts in the registry and in the model."""

    registry: ClassVar[RegistryThread]
    model_class: ClassVar[type[PermitModel]]

    desk: PermitDesk
    model: PermitModel

    @initialize(
        born_into=st.sampled_from(["nothing", "registered", "eligible", "accepted", "issued", "issued", "issued"]),
        first_day=st.sampled_from(
            [
                date(2016, 7, 1),
                date(2017, 12, 31),
                date(2019, 8, 29),
                date(2019, 8, 31),
                date(2020, 2, 29),
                date(2022, 10, 31),
                date(2023, 3, 15),
                date(2023, 5, 10),
            ]
        )
        | st.dates(date(2016, 7, 1), date(2024, 12, 31)),
        days_to_issue=st.integers(0, 400),
    )
    def begin(self, born_into: str, first_day: date, days_to_issue: int) -> None:
        """Begin somewhere along the straight way to a permit."""
        self.model = self.model_class(first_day)
        self.desk = PermitDesk(self.registry)
        self.desk.open(first_day)
        stages = ["nothing", "registered", "eligible", "accepted", "issued"]
        stage = stages.index(born_into)
        if stage >= 1:
            self.register(ZHANGQI, 0)
        if stage >= 2:
            self.go_to(months_after(first_day, 6), run_jobs=False)
        if stage >= 3:
            self.apply(LEASE, is_remote=False)
        if stage >= 4:
            self.go_to(self.model.today + timedelta(days=days_to_issue), run_jobs=False)
            self.issue()

    # --- time ---

    @rule(days=st.integers(1, 800), run_jobs=st.booleans())
    def days_go_by(self, days: int, run_jobs: bool) -> None:
        """Any number of days."""
        self.go_to(self.model.today + timedelta(days=days), run_jobs=run_jobs)

    @rule(
        milestone=st.sampled_from(MILESTONES),
        shift=st.integers(-1, 1),
        run_jobs=st.booleans(),
    )
    def a_day_that_matters_comes(self, milestone: str, shift: int, run_jobs: bool) -> None:
        """The next day on which the law changes its mind, the day before or the day after."""
        day = self._day_of(milestone)
        if day is not None:
            self.go_to(max(day + timedelta(days=shift), self.model.today), run_jobs=run_jobs)

    # --- acts ---

    @precondition(has_applied)
    @rule(
        come_on=st.sampled_from(["window opens", "window closes", "window closes"]),
        shift=st.integers(-1, 1),
        run_jobs=st.booleans(),
    )
    def holder_comes_to_be_endorsed(self, come_on: str, shift: int, run_jobs: bool) -> None:
        """In time, too early, on the last day or too late."""
        self.a_day_that_matters_comes(come_on, shift, run_jobs)
        self.endorse(conditions_hold=True)

    @rule(town=st.sampled_from([ZHANGQI, ZHANGQI, HENGHE]), lived_here_days=st.integers(0, 5))
    def register(self, town: str, lived_here_days: int) -> None:
        started_on = self.model.today - timedelta(days=lived_here_days)
        self._compare(self.model.register(town), self.desk.register(town, started_on))

    @rule()
    def change_address(self) -> None:
        town = self.model.registration.town if self.model.registration else ZHANGQI
        self._compare(self.model.change_address(), self.desk.change_address(self.model.today, town))

    @rule(days_ago=st.sampled_from([0, 0, 1, 3]))
    def leave(self, days_ago: int) -> None:
        ended_on = self.model.today - timedelta(days=days_ago)
        if self.model.registration is not None:
            ended_on = max(ended_on, self.model.registration.registered_on)
        self._compare(self.model.leave(ended_on), self.desk.leave(ended_on))

    @rule(
        days_ago=st.sampled_from([0, 0, 1]), days_away=st.sampled_from([0, 1, 9, 10, 11, 40]), town=st.sampled_from([ZHANGQI, HENGHE])
    )
    def leave_and_come_back(self, days_ago: int, days_away: int, town: str) -> None:
        """One stay when the return is told in time for a move, two otherwise."""
        self.leave(days_ago)
        self.go_to(self.model.today + timedelta(days=days_away), run_jobs=False)
        self.register(town, 0)

    @rule(
        case=st.sampled_from([LEASE, LEASE, ("employment", ["labour_contract"]), ("study", ["lease"]), ("employment", [])]),
        is_remote=st.booleans(),
    )
    def apply(self, case: tuple[Ground, list[str]], is_remote: bool) -> None:
        ground, evidence = case
        self._compare(
            self.model.apply(ground, evidence, is_remote=is_remote), self.desk.apply(ground, evidence, is_remote=is_remote)
        )

    @precondition(may_apply_anew)
    @rule(is_remote=st.booleans(), days_to_issue=st.integers(0, 40))
    def apply_anew_and_be_issued(self, is_remote: bool, days_to_issue: int) -> None:
        """A second permit, as soon as half a year is complete."""
        self.a_day_that_matters_comes("eligible", 0, run_jobs=True)
        self.apply(LEASE, is_remote)
        self.go_to(self.model.today + timedelta(days=days_to_issue), run_jobs=False)
        self.issue()

    @rule()
    def issue(self) -> None:
        self._compare(self.model.issue(), self.desk.issue())

    @precondition(has_applied)
    @rule(conditions_hold=st.sampled_from([True, True, True, False]))
    def endorse(self, conditions_hold: bool) -> None:
        self._compare(self.model.endorse(conditions_hold=conditions_hold), self.desk.endorse(conditions_hold=conditions_hold))

    @precondition(has_applied)
    @rule()
    def suspend_by_officer(self) -> None:
        self._compare(self.model.suspend_by_officer(), self.desk.suspend_by_officer())

    @precondition(has_applied)
    @rule()
    def report_loss(self) -> None:
        self._compare(self.model.report_loss(), self.desk.report_loss())

    @precondition(has_applied)
    @rule(cause=st.sampled_from(["lost", "damaged"]), is_old_card_returned=st.booleans())
    def replace(self, cause: Literal["lost", "damaged"], is_old_card_returned: bool) -> None:
        self._compare(
            self.model.replace(cause, is_old_card_returned=is_old_card_returned),
            self.desk.replace(cause, is_old_card_returned=is_old_card_returned),
        )

    @precondition(has_applied)
    @rule(reason=st.sampled_from(["household_transfer", "no_longer_qualifies", "surrendered"]))
    def end(self, reason: str) -> None:
        self._compare(self.model.end(), self.desk.end(reason))

    # --- comparing ---

    def go_to(self, day: date, *, run_jobs: bool) -> None:
        """Let it be that day in both worlds; the registry's jobs may not have run yet.

        Two years after somebody left, a division loses sight of them (architecture §6): no life goes on for longer here.
        """
        stays = self.model.registrations
        if stays and stays[-1].ended_on is not None:
            day = min(day, stays[-1].ended_on + timedelta(days=700))
        self.model.move_clock(day)
        self.desk.set_clock(day)
        if run_jobs:
            self.desk.run_jobs()
        self._compare(Outcome.OK, Outcome.OK)

    def _compare(self, expected: Outcome, answered: Outcome) -> None:
        if answered is not expected:
            raise MismatchError(f"{self.model.today}: the registry says {answered.value!r}, the model {expected.value!r}")
        self._compare_sight()

    def _compare_sight(self) -> None:
        seen, thought = self.desk.sight(), sight_of(self.model)
        if seen != thought:
            raise MismatchError(f"{self.model.today}: the registry shows {seen}, the model {thought}")

    def teardown(self) -> None:
        """What is kept is what was answered."""
        if hasattr(self, "model"):
            self.desk.answered = None
            self._compare_sight()

    def _day_of(self, milestone: str) -> date | None:
        model, today = self.model, self.model.today
        days = {
            "eligible": months_after(model.registration.since, 6) if model.registration else None,
            "due": model.due_on,
            "window opens": model.window[0] if model.window else None,
            "window closes": model.window[1] + timedelta(days=1) if model.window else None,
            "month ends": day_in_month(today.year, today.month, 31),
            "29 February": next_29_february(today),
        }
        return days[milestone]


def next_29_february(today: date) -> date:
    """The next one after today."""
    day = today + timedelta(days=1)
    while (day.month, day.day) != (2, 29):
        day += timedelta(days=1)
    return day


def sight_of(model: PermitModel) -> Sight:
    """What the model shows to an onlooker."""
    return Sight(
        status=model.status,
        due_on=model.due_on,
        window=model.window,
        years_from=model.years_from,
        reasons=model.permit.reasons if model.permit else frozenset(),
        permits=len(model.permits),
    )


def play(registry: RegistryThread, model_class: type[PermitModel], *, lives: int, shrink: bool = True) -> None:
    """Play that many lives; the first difference is raised, made as short as it gets."""

    class ThisLife(Life):
        pass

    ThisLife.registry = registry
    ThisLife.model_class = model_class
    run_state_machine_as_test(
        ThisLife,
        settings=settings(
            max_examples=lives,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            database=None,
            print_blob=False,
            phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            verbosity=Verbosity.normal if shrink else Verbosity.quiet,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


@pytest.fixture(scope="module")
def registry(
    servers: Servers, make_database: MakeDatabase, key_file: Path, inside_keys: InsideKeys
) -> Iterator[RegistryThread]:
    """A running registry on real PostgreSQL and NATS, in a thread of its own."""
    database = make_database("registry", DEFINITION.migrations)
    logging.disable(logging.INFO)  # thousands of calls; a difference tells itself
    with registry_thread(
        lambda: running_service(
            DEFINITION,
            database_url=database.application_url,
            nats_url=servers.nats_url_of("registry"),
            key_file=key_file,
            keys=inside_keys,
            pool_size=3,
        )
    ) as running:
        yield running
    logging.disable(logging.NOTSET)


def test_the_registry_leads_every_life_as_the_model_does(registry: RegistryThread) -> None:
    play(registry, PermitModel, lives=150)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_registry_leads_thousands_of_lives_as_the_model_does(registry: RegistryThread) -> None:
    play(registry, PermitModel, lives=2000)


# --- planted bugs: the comparison must find each of them ---


class WindowEndsADayLater(PermitModel):
    """The anniversary itself still counts as in time."""

    def window_of_year(self, anchor: date, years: int) -> tuple[date, date]:
        first, last = super().window_of_year(anchor, years)
        return first, last + timedelta(days=1)


class YearsGoOn(PermitModel):
    """A late endorsement does not restart the years."""

    def years_restart(self, permit: object) -> None:
        pass


class NoMonthEndClamp(PermitModel):
    """Half a year after 31 August runs into March."""

    def half_year_after(self, day: date) -> date:
        clamped = super().half_year_after(day)
        return clamped if clamped.day == day.day else clamped + timedelta(days=1)


class AnchoredOnTheIssue(PermitModel):
    """The window hangs on the issue date although residence is the parameter."""

    def move_clock(self, to: date) -> Outcome:
        self.anchor = "issue_date"
        return super().move_clock(to)


@pytest.mark.parametrize("wrong", [WindowEndsADayLater, YearsGoOn, NoMonthEndClamp, AnchoredOnTheIssue])
def test_a_wrong_model_is_found_out(registry: RegistryThread, wrong: type[PermitModel]) -> None:
    with pytest.raises(MismatchError):
        play(registry, wrong, lives=150, shrink=False)
