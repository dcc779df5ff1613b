"""What an official writes: the steps of a season as TOML, checked in form and in how they hang together."""

from datetime import date, time
from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from services.education.rules.placement.problem import Source

T = TypeVar("T")


class StepKind(StrEnum):
    """What is done in a step (issue 6, point 2)."""

    PLAN = "plan"
    LOTTERY_COMMITMENT = "lottery_commitment"
    REGISTRATION = "registration"
    ELIGIBILITY = "eligibility"
    SCORE_CONFIRMATION = "score_confirmation"
    RANKING = "ranking"
    LOTTERY_REVEAL = "lottery_reveal"
    PLACEMENT = "placement"
    CO_ORDINATION = "co_ordination"
    ADJUSTMENT = "adjustment"
    SUBSIDY = "subsidy"
    NOTICES = "notices"
    CONFIRMATION = "confirmation"
    APPEALS = "appeals"
    ENROLMENT = "enrolment"
    REIMBURSEMENT = "reimbursement"


PLACING = frozenset({StepKind.PLACEMENT, StepKind.CO_ORDINATION, StepKind.ADJUSTMENT, StepKind.SUBSIDY})
"""Steps in which places are given."""


class Participants(StrEnum):
    """Who takes part when places are given."""

    ALL = "all"
    NOT_PLACED = "not_placed"
    NOT_PLACED_ABOVE_CUT_OFF = "not_placed_above_cut_off"


class Part(BaseModel):
    """A part of the document: frozen, strict, without unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def _as_tuple(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw


Many = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]


class FixedDay(Part):
    """A day of the year of entry."""

    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]

    @model_validator(mode="after")
    def _exists(self) -> "FixedDay":
        date(2001, self.month, self.day)
        return self


class Term(Part):
    """So many working days (工作日) or days after another step was published, or done where it is not published. The day itself
    is not counted.
    """

    after: Name
    working_days: Annotated[int, Field(ge=0, le=250)] | None = None
    days: Annotated[int, Field(ge=0, le=366)] | None = None

    @model_validator(mode="after")
    def _one_of(self) -> "Term":
        if (self.working_days is None) == (self.days is None):
            raise ValueError("工作日或自然日,二者取一 · either working days or days")
        return self


class Places(Part):
    """What a step gives: places of which sources, to whom, by which claims, and whether also at schools not named."""

    sources: Annotated[Many[Source], BeforeValidator(lambda raw: [Source(each) for each in raw])]
    participants: Annotated[Participants, BeforeValidator(Participants)]
    needs_claims: Many[Name] = ()
    may_place_unlisted: bool = False


class Step(Part):
    """One step. `needs`: what must be over before it begins; `closes_after`: what must be over before it ends. `opens` and
    `closes` are a window that stays open to its end; `due` is the day by which it is over. `hours`: when a window is open.
    """

    id: Name
    kind: Annotated[StepKind, BeforeValidator(StepKind)]
    name_zh: Text
    name_en: Text
    rule: Text
    confidence: Literal["H", "M", "L", "G", "design"]
    needs: Many[Name] = ()
    closes_after: Many[Name] = ()
    is_published: bool
    opens: FixedDay | Term | None = None
    closes: FixedDay | Term | None = None
    due: FixedDay | Term | None = None
    hours: Annotated[tuple[time, time], BeforeValidator(_as_tuple)] | None = None
    places: Places | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> "Step":
        if (self.places is not None) != (self.kind in PLACING):
            raise ValueError(
                f"{self.id}: 安排学位的步骤须写明学位,其他步骤不写 · steps that give places say which, no others do"
            )
        if self.closes is not None and self.opens is None:
            raise ValueError(f"{self.id}: 开放期须有起始 · a window begins somewhere")
        return self


class SeasonTemplate(Part):
    """A season, its steps in order."""

    format: Literal["season-template-1"]
    id: Name
    name_zh: Text
    name_en: Text
    source: Text
    steps: Many[Step]

    def step(self, name: str) -> Step:
        """A step by its id. Raises KeyError."""
        found = next((each for each in self.steps if each.id == name), None)
        if found is None:
            raise KeyError(name)
        return found

    @model_validator(mode="after")
    def _steps_in_order(self) -> "SeasonTemplate":
        """Whatever a step waits for stands before it, so that no steps wait for each other, and the lottery is committed to
        before registration closes.
        """
        before: set[str] = set()
        for each in self.steps:
            terms = [day.after for day in (each.opens, each.closes, each.due) if isinstance(day, Term)]
            for name in (*each.needs, *each.closes_after, *terms):
                if name not in before:
                    raise ValueError(f"{each.id}: {name} 不在其前 · {name} does not stand before it")
            if each.id in before:
                raise ValueError(f"{each.id}: 重复 · twice")
            before.add(each.id)
        self._require_lottery()
        return self

    def _require_lottery(self) -> None:
        committed = {each.id for each in self.steps if each.kind is StepKind.LOTTERY_COMMITMENT}
        for each in self.steps:
            if each.kind is StepKind.REGISTRATION and not committed & set(each.closes_after):
                raise ValueError(
                    f"{each.id}: 报名截止前须公布抽签承诺 · the lottery is committed to before registration closes"
                )
            revealed = any(self.step(name).kind is StepKind.LOTTERY_REVEAL for name in each.needs)
            if each.kind is StepKind.PLACEMENT and not revealed:
                raise ValueError(f"{each.id}: 安排前须公布种子 · the seed is published before places are given")
