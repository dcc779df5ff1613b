"""How a season runs: `waiting → open → done → published`, step by step, and back again until a step is published.

What was published is never taken back: it is corrected, with a reason that is kept. Pure: the day is given.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from services.chassis.working_days import WorkingDays
from services.education.rules.reasons import Reason
from services.education.rules.season.days import days_of
from services.education.rules.season.progress import Progress, StepStatus
from services.education.rules.season.template import SeasonTemplate, Step


class StepAct(StrEnum):
    """What an officer does with a step."""

    BEGIN = "begin"
    FINISH = "finish"
    UNDO = "undo"
    PUBLISH = "publish"
    CORRECT = "correct"


TRANSITIONS: Mapping[tuple[StepStatus, StepAct], StepStatus] = {
    (StepStatus.WAITING, StepAct.BEGIN): StepStatus.OPEN,
    (StepStatus.OPEN, StepAct.FINISH): StepStatus.DONE,
    (StepStatus.OPEN, StepAct.UNDO): StepStatus.WAITING,
    (StepStatus.DONE, StepAct.UNDO): StepStatus.OPEN,
    (StepStatus.DONE, StepAct.PUBLISH): StepStatus.PUBLISHED,
    (StepStatus.PUBLISHED, StepAct.CORRECT): StepStatus.PUBLISHED,
}
"""What may follow."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What was published and corrected: of which step, when and why."""

    step: str
    on: date
    reason: str


@dataclass(frozen=True, slots=True)
class Season:
    """One season of one year: how far each step is. A step nobody has begun need not be in `steps`."""

    template: SeasonTemplate
    entry_year: int
    steps: Mapping[str, Progress] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()

    def progress(self, step: str) -> Progress:
        """How far a step is. Raises KeyError for one that the template does not have."""
        return self.steps.get(self.template.step(step).id, Progress())

    def is_over(self, step: str) -> bool:
        """Whether a step is behind: published where it is to be published, else done."""
        status = self.progress(step).status
        return status is (StepStatus.PUBLISHED if self.template.step(step).is_published else StepStatus.DONE)


class NotAllowedError(Exception):
    """An act that cannot be done; `reasons` are all that stand against it."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(each.message_en for each in reasons))


def act(season: Season, step: str, what: StepAct, on: date, calendar: WorkingDays, *, reason: str = "") -> Season:
    """The season after an act. Raises NotAllowedError; KeyError for a step the template does not have."""
    against = tuple(refusals(season, step, what, on, calendar, reason=reason))
    if against:
        raise NotAllowedError(against)
    before = season.progress(step)
    after = _moved(before, what, TRANSITIONS[before.status, what], on)
    corrections = (Correction(step, on, reason.strip()),) if what is StepAct.CORRECT else ()
    return replace(season, steps={**season.steps, step: after}, corrections=season.corrections + corrections)


def _moved(before: Progress, what: StepAct, to: StepStatus, on: date) -> Progress:
    """What a step's progress is in its new state; going back forgets what was."""
    if what is StepAct.UNDO:
        return Progress() if to is StepStatus.WAITING else Progress(to, before.begun_on)
    if what is StepAct.CORRECT:
        return before
    days = {StepStatus.OPEN: "begun_on", StepStatus.DONE: "done_on", StepStatus.PUBLISHED: "published_on"}
    return replace(before, status=to, **{days[to]: on})


def refusals(
    season: Season, step: str, what: StepAct, on: date, calendar: WorkingDays, *, reason: str = ""
) -> Iterator[Reason]:
    """Everything that stands against an act."""
    asked, progress = season.template.step(step), season.progress(step)
    if (progress.status, what) not in TRANSITIONS:
        yield _not_now(asked, progress.status, what)
        return
    match what:
        case StepAct.BEGIN:
            yield from _of_beginning(season, asked, on, calendar)
        case StepAct.FINISH:
            yield from _of_finishing(season, asked, on, calendar)
        case StepAct.UNDO:
            yield from _of_undoing(season, asked)
        case StepAct.PUBLISH if not asked.is_published:
            yield _against("not_published", asked, "此步骤不公布", "this step is not published")
        case StepAct.CORRECT if not reason.strip():
            yield _against("no_reason", asked, "更正须写明理由", "a correction needs its reason")
        case _:
            return


def _of_beginning(season: Season, step: Step, on: date, calendar: WorkingDays) -> Iterator[Reason]:
    for name in step.needs:
        if not season.is_over(name):
            yield _waits_for(season, step, name)
    opens = days_of(season.template, season.entry_year, season.steps, step, calendar).opens
    if opens is not None and on < opens.on:
        zh, en = f"{opens.on.isoformat()}才开始", f"it opens on {opens.on.isoformat()}"
        yield _against("too_early", step, zh, en)


def _of_finishing(season: Season, step: Step, on: date, calendar: WorkingDays) -> Iterator[Reason]:
    for name in step.closes_after:
        if not season.is_over(name):
            yield _waits_for(season, step, name)
    closes = days_of(season.template, season.entry_year, season.steps, step, calendar).closes
    if closes is not None and on <= closes.on:
        zh, en = f"{closes.on.isoformat()}当日终了前不得关闭", f"it stays open until the end of {closes.on.isoformat()}"
        yield _against("still_open", step, zh, en)


def _of_undoing(season: Season, step: Step) -> Iterator[Reason]:
    """What later steps rest on stays: they are undone first."""
    for each in season.template.steps:
        rests = step.id in each.needs and season.progress(each.id).status is not StepStatus.WAITING
        ended = step.id in each.closes_after and season.progress(each.id).status in {StepStatus.DONE, StepStatus.PUBLISHED}
        if rests or ended:
            zh, en = f"“{each.name_zh}”以此为据,须先撤回", f"“{each.name_en}” rests on it and is to be undone first"
            yield _against("rested_upon", step, zh, en)


def _not_now(step: Step, status: StepStatus, what: StepAct) -> Reason:
    if status is StepStatus.PUBLISHED and what is StepAct.UNDO:
        zh, en = "已公布,只能更正,不能撤回", "it is published: it can be corrected, not taken back"
        return _against("is_published", step, zh, en)
    zh, en = f"现为{_STATUS_NAMES[status]},不能这样办理", f"it is {status}: {what} cannot be done now"
    return _against("wrong_state", step, zh, en)


_STATUS_NAMES = {
    StepStatus.WAITING: "未开始",
    StepStatus.OPEN: "进行中",
    StepStatus.DONE: "已完成",
    StepStatus.PUBLISHED: "已公布",
}


def _waits_for(season: Season, step: Step, name: str) -> Reason:
    other = season.template.step(name)
    ends_zh, ends_en = ("公布", "published") if other.is_published else ("完成", "done")
    zh, en = f"“{other.name_zh}”尚未{ends_zh}", f"“{other.name_en}” is not {ends_en} yet"
    return _against("waits_for", step, zh, en)


def _against(code: str, step: Step, zh: str, en: str) -> Reason:
    return Reason(code, "", step.rule, f"{step.name_zh}:{zh}", f"{step.name_en}: {en}")
