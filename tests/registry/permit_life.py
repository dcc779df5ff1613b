"""Generated lives of one resident, led in the real registry and in the naive model at once, compared after every step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Literal

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.registry.permit_desk import PermitDesk, RegistryThread, Sight
from tests.registry.permit_model import Ground, Outcome, PermitModel, Status, day_in_month, months_after

ZHANGQI, HENGHE = "330282107", "330282114"
STAGES = ["nothing", "registered", "eligible", "accepted", "issued", "in window", "overdue"]
BEGINNINGS = [*STAGES, "accepted", "issued", "issued", "in window", "overdue"]
APPLICATIONS: list[tuple[Ground, list[str]]] = [
    ("home", ["lease"]),
    ("home", ["lease"]),
    ("employment", ["labour_contract"]),
    ("study", ["lease"]),
    ("employment", []),
]
REPLACEMENTS: list[tuple[Literal["lost", "damaged"], bool]] = [("lost", False), ("damaged", True), ("damaged", False)]
FIRST_DAYS = [
    date(2016, 7, 1),
    date(2017, 12, 31),
    date(2019, 8, 29),
    date(2019, 8, 31),
    date(2020, 2, 29),
    date(2022, 10, 31),
    date(2023, 3, 15),
    date(2023, 5, 10),
]
MILESTONES = ["eligible", "due", "window opens", "window closes", "window closes", "month ends", "29 February"]
OUT_OF_SIGHT = timedelta(days=700)
"""Two years after somebody left, a division loses sight of them (architecture §6): no life goes on for longer here."""


class MismatchError(AssertionError):
    """Registry and model differ."""


@dataclass(frozen=True, slots=True)
class Step:
    """One act, and what the registry made of it."""

    act: Callable[[PermitModel], Outcome]
    answered: Outcome
    seen: Sight

    def retrace(self, model: PermitModel) -> None:
        """Let the model take the step too; `MismatchError` when it fares otherwise."""
        expected = self.act(model)
        if self.answered is not expected:
            raise MismatchError(f"{model.today}: the registry says {self.answered.value!r}, the model {expected.value!r}")
        if self.seen != sight_of(model):
            raise MismatchError(f"{model.today}: the registry shows {self.seen}, the model {sight_of(model)}")


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole life as the registry led it."""

    first_day: date
    steps: list[Step]


def sight_of(model: PermitModel) -> Sight:
    """What the model shows to an onlooker."""
    return Sight(
        residence_since=model.registration.since if model.registration else None,
        status=model.status,
        due_on=model.due_on,
        window=model.window,
        years_from=model.years_from,
        suspended_on=model.suspended_on,
        is_card_lost=model.is_card_lost,
        reasons=model.permit.reasons if model.permit else frozenset(),
    )


def next_29_february(today: date) -> date:
    """The next one after today."""
    day = today + timedelta(days=1)
    while (day.month, day.day) != (2, 29):
        day += timedelta(days=1)
    return day


def has_applied(life: RuleBasedStateMachine) -> bool:
    """Whether there is a permit, or at least an application, to act on."""
    return isinstance(life, Life) and bool(life.model.permits)


def has_registered(life: RuleBasedStateMachine) -> bool:
    """Whether there is a registration, or was one."""
    return isinstance(life, Life) and bool(life.model.registrations)


def may_apply_anew(life: RuleBasedStateMachine) -> bool:
    """Whether the last application or permit is over and the person is registered."""
    over = {Status.REFUSED, Status.WITHDRAWN, Status.ENDED}
    return isinstance(life, Life) and life.model.status in over and life.model.registration is not None


class Life(RuleBasedStateMachine):
    """One resident."""

    registry: ClassVar[RegistryThread]
    traces: ClassVar[list[Trace]]

    desk: PermitDesk
    model: PermitModel
    trace: Trace
    has_differed: bool = False

    @initialize(
        begins_as=st.sampled_from(BEGINNINGS),
        first_day=st.sampled_from(FIRST_DAYS) | st.dates(date(2016, 7, 1), date(2024, 12, 31)),
        days_to_issue=st.sampled_from([0, 7, 160, 175]) | st.integers(0, 400),
    )
    def begin(self, begins_as: str, first_day: date, days_to_issue: int) -> None:
        """Begin somewhere along the straight way to a permit."""
        self.model = PermitModel(first_day)
        self.trace = Trace(first_day, [])
        self.traces.append(self.trace)
        self.desk = PermitDesk(self.registry)
        self.desk.open(first_day)
        stage = STAGES.index(begins_as)
        if stage == 0:
            self.issue()
        if stage >= 1:
            self.register(ZHANGQI, 0)
        if stage >= 2:
            self.go_to(months_after(first_day, 6), run_jobs=False)
        if stage >= 3:
            self.apply(APPLICATIONS[0], is_remote=False)
        if stage >= 4:
            self.go_to(self.model.today + timedelta(days=days_to_issue), run_jobs=False)
            self.issue()
        if stage >= 5:
            edge, shift = ("window opens", 1) if begins_as == "in window" else ("window closes", 0)
            self.a_day_that_matters_comes(edge, shift, run_jobs=False)

    # --- time ---

    @rule(days=st.integers(1, 800), run_jobs=st.booleans())
    def days_go_by(self, days: int, run_jobs: bool) -> None:
        """Any number of days."""
        self.go_to(self.model.today + timedelta(days=days), run_jobs=run_jobs)

    @rule(milestone=st.sampled_from(MILESTONES), shift=st.integers(-1, 1), run_jobs=st.booleans())
    def a_day_that_matters_comes(self, milestone: str, shift: int, run_jobs: bool) -> None:
        """The next day on which the law changes its mind, the day before or the day after."""
        day = self._day_of(milestone)
        if day is not None:
            self.go_to(max(day + timedelta(days=shift), self.model.today), run_jobs=run_jobs)

    # --- the registration ---

    @rule(town=st.sampled_from([ZHANGQI, ZHANGQI, HENGHE]), lived_here_days=st.integers(0, 5))
    def register(self, town: str, lived_here_days: int) -> None:
        """Register, some days after the arrival."""
        started_on = self.model.today - timedelta(days=lived_here_days)
        self._step(lambda model: model.register(town), self.desk.register(town, started_on))

    @precondition(has_registered)
    @rule()
    def change_address(self) -> None:
        """Move within the town."""
        town = self.model.registration.town if self.model.registration else ZHANGQI
        self._step(lambda model: model.change_address(), self.desk.change_address(self.model.today, town))

    @precondition(has_registered)
    @rule(days_ago=st.sampled_from([0, 0, 1, 3]))
    def leave(self, days_ago: int) -> None:
        """Leave, or tell of it days later."""
        ended_on = self.model.today - timedelta(days=days_ago)
        if self.model.registration is not None:
            ended_on = max(ended_on, self.model.registration.registered_on)
        self._step(lambda model: model.leave(ended_on), self.desk.leave(ended_on))

    @precondition(has_registered)
    @rule(
        days_ago=st.sampled_from([0, 0, 1]),
        days_away=st.sampled_from([0, 1, 9, 10, 11, 40]),
        town=st.sampled_from([ZHANGQI, HENGHE]),
    )
    def leave_and_come_back(self, days_ago: int, days_away: int, town: str) -> None:
        """One stay when the return is told in time for a move, two otherwise."""
        self.leave(days_ago)
        self.go_to(self.model.today + timedelta(days=days_away), run_jobs=False)
        self.register(town, 0)

    # --- the permit ---

    @rule(case=st.sampled_from(APPLICATIONS), is_remote=st.booleans())
    def apply(self, case: tuple[Ground, list[str]], is_remote: bool) -> None:
        """Apply, with the right papers or without."""
        ground, evidence = case
        self._step(
            lambda model: model.apply(ground, evidence, is_remote=is_remote),
            self.desk.apply(ground, evidence, is_remote=is_remote),
        )

    @precondition(may_apply_anew)
    @rule(is_remote=st.booleans(), days_to_issue=st.integers(0, 40))
    def apply_anew_and_be_issued(self, is_remote: bool, days_to_issue: int) -> None:
        """A second permit, as soon as half a year is complete."""
        self.a_day_that_matters_comes("eligible", 0, run_jobs=True)
        self.apply(APPLICATIONS[0], is_remote)
        self.go_to(self.model.today + timedelta(days=days_to_issue), run_jobs=False)
        self.issue()

    @precondition(has_applied)
    @rule()
    def issue(self) -> None:
        """Issue what was accepted."""
        self._step(lambda model: model.issue(), self.desk.issue())

    @precondition(has_applied)
    @rule(conditions_hold=st.sampled_from([True, True, True, False]))
    def endorse(self, conditions_hold: bool) -> None:
        """Ask for an endorsement, whatever the day."""
        self._step(
            lambda model: model.endorse(conditions_hold=conditions_hold), self.desk.endorse(conditions_hold=conditions_hold)
        )

    @precondition(has_applied)
    @rule(
        edge=st.sampled_from(["window opens", "window closes", "window closes"]),
        shift=st.integers(-1, 1),
        run_jobs=st.booleans(),
    )
    def come_to_be_endorsed(self, edge: str, shift: int, run_jobs: bool) -> None:
        """In time, too early, on the last day or too late."""
        self.a_day_that_matters_comes(edge, shift, run_jobs)
        self.endorse(conditions_hold=True)

    @precondition(has_applied)
    @rule()
    def suspend_by_officer(self) -> None:
        """An officer suspends the function."""
        self._step(lambda model: model.suspend_by_officer(), self.desk.suspend_by_officer())

    @precondition(has_applied)
    @rule(times=st.integers(1, 2))
    def report_loss(self, times: int) -> None:
        """The card is lost, and perhaps reported lost twice."""
        for _ in range(times):
            self._step(lambda model: model.report_loss(), self.desk.report_loss())

    @precondition(has_applied)
    @rule(request=st.sampled_from(REPLACEMENTS))
    def replace(self, request: tuple[Literal["lost", "damaged"], bool]) -> None:
        """A new card."""
        cause, is_old_card_returned = request
        self._step(
            lambda model: model.replace(cause, is_old_card_returned=is_old_card_returned),
            self.desk.replace(cause, is_old_card_returned=is_old_card_returned),
        )

    @precondition(has_applied)
    @rule(reason=st.sampled_from(["household_transfer", "no_longer_qualifies", "surrendered"]))
    def end(self, reason: str) -> None:
        """The permit ends, or the application is withdrawn."""
        self._step(lambda model: model.end(), self.desk.end(reason))

    # --- comparing ---

    def teardown(self) -> None:
        """What is kept is what was answered, and what the permit gives goes with its status."""
        if self.has_differed or not hasattr(self, "model"):
            return
        self.desk.answered = None
        self._step(lambda _: Outcome.OK, Outcome.OK)
        if self.desk.kept_permit_ids() != self.desk.permit_ids or len(self.desk.permit_ids) != len(self.model.permits):
            raise MismatchError("the registry keeps other permits than it answered")
        if self.desk.gives_entitlements() is not (self.model.status is Status.VALID):
            raise MismatchError("a permit gives its rights while it is valid, and only then (RR-31, RR-40)")

    def go_to(self, day: date, *, run_jobs: bool) -> None:
        """Let it be that day in both worlds; the registry's jobs may not have run yet."""
        stays = self.model.registrations
        if stays and stays[-1].ended_on is not None:
            day = min(day, stays[-1].ended_on + OUT_OF_SIGHT)
        self.desk.set_clock(day)
        if run_jobs:
            self.desk.run_jobs()
        self._step(lambda model: model.move_clock(day), Outcome.OK)

    def _step(self, act: Callable[[PermitModel], Outcome], answered: Outcome) -> None:
        step = Step(act, answered, self.desk.sight())
        self.trace.steps.append(step)
        self.has_differed = True
        step.retrace(self.model)
        self.has_differed = False

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


def retrace(lives: Sequence[Trace], model_class: type[PermitModel]) -> None:
    """Lead the same lives in models of that class; `MismatchError` at the first step that comes out otherwise."""
    for life in lives:
        model = model_class(life.first_day)
        for step in life.steps:
            step.retrace(model)


def play(registry: RegistryThread, *, lives: int) -> list[Trace]:
    """Play that many lives of up to twelve steps; the first difference is raised, made as short as it gets."""
    played: list[Trace] = []

    class ThisLife(Life):
        pass

    ThisLife.registry = registry
    ThisLife.traces = played
    run_state_machine_as_test(
        ThisLife,
        settings=settings(
            max_examples=lives,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            database=None,
            print_blob=False,
            report_multiple_bugs=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    return played
