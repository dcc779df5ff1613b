"""The registry against a naive model of the same law (`permit_model.py`): generated lives, compared after every step.

The model is first held to the boundary table of residence.md §3.1 itself. Then Hypothesis plays lives of up to twelve acts,
lawful and not, on the real registry and on the model, with the daily jobs run or left out: the registry's answer must be right
to the day either way. Last, wrong models prove that the comparison can tell: each must be found out.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest

from services.registry.app import DEFINITION
from tests.conftest import MakeDatabase
from tests.registry.permit_desk import RegistryThread, registry_thread
from tests.registry.permit_life import ZHANGQI, MismatchError, Trace, play, retrace
from tests.registry.permit_model import Outcome, PermitModel, Status, Why, months_after
from tests.running import InsideKeys, running_service
from tests.servers import Servers


def issued(residence_start: date, issued_on: date) -> PermitModel:
    """A model with a permit issued (and applied for) on a day."""
    model = PermitModel(residence_start)
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


@dataclass(slots=True)
class Traces:
    """Lives played on a registry; kept, so that wrong models need not play them again."""

    registry: RegistryThread
    kept: list[Trace] = field(default_factory=list)

    def played(self) -> list[Trace]:
        """The lives; a difference between registry and model raises."""
        if not self.kept:
            self.kept = play(self.registry, lives=100)
        return self.kept


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


@pytest.fixture(scope="module")
def traces(registry: RegistryThread) -> Traces:
    """The lives of this session, played once, when first asked for."""
    return Traces(registry)


@pytest.mark.timeout(400)  # a difference takes a while to be made short
def test_the_registry_leads_every_life_as_the_model_does(traces: Traces) -> None:
    lives = traces.played()
    answers = {step.answered for life in lives for step in life.steps}
    assert answers == set(Outcome) - {Outcome.CLOCK_BACKWARDS}, "the lives must go everywhere"
    assert {step.seen.status for life in lives for step in life.steps} >= set(Status) - {Status.WITHDRAWN}


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_registry_leads_thousands_of_lives_as_the_model_does(registry: RegistryThread) -> None:
    assert len(play(registry, lives=3000)) >= 3000


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


class IssueDoesNotAnswerItsWindow(PermitModel):
    """Whoever is issued a permit inside a window must have it endorsed in that very window."""

    def issue(self) -> Outcome:
        outcome = super().issue()
        if outcome is Outcome.OK:
            self.permits[-1].examined_on = months_after(self.today, -1)
        return outcome


class AnyGapIsOneStay(PermitModel):
    """Half a year may be pieced together from stays far apart."""

    def register(self, town: str) -> Outcome:
        outcome = super().register(town)
        if outcome is Outcome.OK:
            self.registrations[-1].since = self.registrations[0].since
        return outcome


WRONG = [WindowEndsADayLater, YearsGoOn, NoMonthEndClamp, AnchoredOnTheIssue, IssueDoesNotAnswerItsWindow, AnyGapIsOneStay]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_model_is_found_out(traces: Traces, wrong: type[PermitModel]) -> None:
    """The same lives, retraced by a model with a bug, must differ from what the registry did."""
    lives = traces.played()
    with pytest.raises(MismatchError):
        retrace(lives, wrong)
