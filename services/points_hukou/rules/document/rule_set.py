"""A rule set: header, facts, reference days, parts, items, groups, clauses, services, ranking."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.chassis.parameters import Confidence
from services.points_hukou.rules.document.conditions import Condition
from services.points_hukou.rules.document.facts import FactDeclaration
from services.points_hukou.rules.document.lines import AnyLine, Take
from services.points_hukou.rules.document.measures import Measure, Measures
from services.points_hukou.rules.document.reading import Day, Exact, Many, Name, Part, Text
from services.points_hukou.rules.exact import RoundingMode

FORMAT = 1
RuleSetId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,59}$")]
PartialDay = Annotated[str, StringConstraints(pattern=r"^\d{4}(-\d{2})?$")]
DivisionCode = Annotated[str, StringConstraints(pattern=r"^\d{6}(\d{3}){0,2}$")]
ConfidenceWord = Literal["S", "S2", "D", "G-high", "G-low", "design"]
Status = Literal["sound", "ambiguous", "conflict", "gap"]

assert set(ConfidenceWord.__args__) == {each.value for each in Confidence}  # type: ignore[attr-defined]


class Named(Part):
    """Anything with an id and a name in both languages."""

    id: Name
    name_zh: Text
    name_en: Text


class Source(Part):
    """Where the rule set was read."""

    ref: Name
    title_zh: Text
    kind: Text
    confidence: ConfidenceWord


class ReferenceDay(Named):
    """A day counted from the application: a fixed day of a year, `years_before` that of the application."""

    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]
    years_before: Annotated[int, Field(ge=0, le=10)]

    @model_validator(mode="after")
    def _is_in_every_year(self) -> Self:
        date(2023, self.month, self.day)
        return self


class ScalePart(Named):
    """A part of the scale, such as the province's 100 points. `deducts`: its points are taken off after the percentages."""

    cap: Exact | None = None
    deducts: bool = False


class Lawful(Named):
    """What rests on an article. Anything but `sound` is not loaded until the city has chosen one of its readings."""

    article: Text
    rule: Text
    sources: Annotated[Many[Name], Field(min_length=1)]
    confidence: ConfidenceWord
    status: Status = "sound"
    doubt_zh: Text | None = None
    doubt_en: Text | None = None
    note: Text | None = None
    only_for: Many[Name] = ()

    @model_validator(mode="after")
    def _doubts_are_told(self) -> Self:
        doubted = self.status != "sound"
        if doubted != (self.doubt_zh is not None) or doubted != (self.doubt_en is not None):
            raise ValueError("doubt_zh and doubt_en belong to whatever is not sound, and to nothing else")
        return self


class Dated(Lawful):
    """What is judged on a reference day: that of the application unless another is named."""

    on: Name = "application"


class Giving(Part):
    """What an item gives: lines of which all count together or the best alone, up to a cap."""

    when: Condition | None = None
    cap: Exact | None = None
    take: Take = "sum"
    units_at_most: Measures = ()
    lines: Many[AnyLine] = ()


class ItemReading(Giving):
    """One way to read an item that is not sound."""

    key: Name
    text_zh: Text
    text_en: Text


class Item(Dated, Giving):
    """One indicator (指标) in a part of the scale."""

    part: Name
    readings: Many[ItemReading] = ()

    @model_validator(mode="after")
    def _is_read_one_way(self) -> Self:
        giving = self.model_fields_set & Giving.model_fields.keys()
        if self.status == "sound" and (self.readings or not self.lines):
            raise ValueError("a sound item has lines and no readings")
        if self.status != "sound" and giving:
            raise ValueError(f"an item that is not sound gives what its readings say: {', '.join(sorted(giving))}")
        if not all(reading.lines for reading in self.readings):
            raise ValueError("a reading has lines")
        return self


class Group(Lawful):
    """Items of which the best alone counts."""

    items: Annotated[Many[Name], Field(min_length=2)]


class ClauseReading(Part):
    """One way to read a clause that is not sound."""

    key: Name
    text_zh: Text
    text_en: Text
    when: Condition


class Clause(Dated):
    """A condition on the person: `eligibility` must hold; a `veto` clears the score; a `freeze` keeps it from being used."""

    effect: Literal["eligibility", "veto", "freeze"]
    when: Condition | None = None
    readings: Many[ClauseReading] = ()

    @model_validator(mode="after")
    def _is_read_one_way(self) -> Self:
        if (self.status == "sound") != (self.when is not None) or (self.status == "sound" and self.readings):
            raise ValueError("a clause has a condition when it is sound, and readings when it is not")
        return self


class Percentage(Lawful):
    """So many percent of the total on top, before or after deductions (P-33)."""

    percent: Exact
    when: Condition
    of: Literal["before_deductions", "after_deductions"]


class Service(Named):
    """What the score is used for: which parts count, and from how many points. Without parts: eligibility alone."""

    parts: Many[Name]
    pass_mark: Exact | None = None


class TieBreak(Named):
    """What decides between equal totals: more points in items, more of a measure, the earlier day of a fact, the earlier day of
    application (`applied`, P-16), a condition that holds; or, where one score counts for a couple, that of the other
    (`other_of_family`, P-18), which is known once both are scored.
    """

    items: Many[Name] = ()
    most: Measure | None = None
    earliest: Name | None = None
    applied: Literal["earlier"] | None = None
    when: Condition | None = None
    other_of_family: Literal["total"] | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        things = (self.items or None, self.most, self.earliest, self.applied, self.when, self.other_of_family)
        if sum(each is not None for each in things) != 1:
            raise ValueError("a tie is broken by one of items, most, earliest, applied, when, other_of_family")
        return self


class SecondRound(Part):
    """Places that towns leave free are given city-wide; a town takes at most this share of its own quota then (P-15)."""

    town_share: Exact
    only_for: Many[Name] = ()

    @model_validator(mode="after")
    def _is_a_share(self) -> Self:
        if not 0 < self.town_share <= 1:
            raise ValueError("town_share lies above 0, up to 1")
        return self


class Ranking(Part):
    """How persons are ordered: those for whom the condition of an earlier batch holds come first, whatever their points (P-21);
    then by total, or by `first_by` where the total is a threshold only (P-19); then by the tie-breaks.
    Equal in everything share a rank; the next rank skips (P-13). `cut`: who is admitted when equals stand at the last place:
    all of them (P-14), or nobody decides for the city (`refuse`, P-22). `second_round`: ranked inside each town first.
    """

    batches: Many[TieBreak] = ()
    first_by: TieBreak | None = None
    tie_breaks: Many[TieBreak] = ()
    cut: Literal["admit_all_tied", "refuse"]
    second_round: SecondRound | None = None
    rule: Text

    @model_validator(mode="after")
    def _batches_are_conditions(self) -> Self:
        if any(each.when is None for each in self.batches):
            raise ValueError("a batch is those for whom a condition holds")
        if len({each.id for each in self.decided_by}) < len(self.decided_by):
            raise ValueError("two batches or tie-breaks have one id")
        return self

    @property
    def decided_by(self) -> tuple[TieBreak, ...]:
        """Whatever but the total decides the order."""
        return (*self.batches, *(() if self.first_by is None else (self.first_by,)), *self.tie_breaks)


class Family(Part):
    """Whose score counts for a family: that of the highest holder (P-08)."""

    counts: Literal["highest_holder"]
    rule: Text


class RoundingRule(Part):
    """Each component is rounded, then added (P-32)."""

    places: Annotated[int, Field(ge=0, le=4)]
    mode: RoundingMode
    confidence: ConfidenceWord


class RuleSetDocument(Part):
    """Everything of one rule set. `valid_until` is the first day on which it holds no more."""

    format: Literal[1]
    id: RuleSetId
    version: Annotated[int, Field(ge=1)]
    name_zh: Text
    name_en: Text
    doc_no: Text | None = None
    jurisdiction: DivisionCode
    valid_from: Day | PartialDay
    valid_until: Day | PartialDay | None = None
    confidence: ConfidenceWord
    extends: RuleSetId | None = None
    cap: Exact | None = None
    floor: Exact | None = None
    rounding: RoundingRule | None = None
    sources: Many[Source] = ()
    days: Many[ReferenceDay] = ()
    facts: Many[FactDeclaration] = ()
    parts: Many[ScalePart] = ()
    items: Many[Item] = ()
    groups: Many[Group] = ()
    clauses: Many[Clause] = ()
    percentages: Many[Percentage] = ()
    services: Many[Service] = ()
    ranking: Ranking | None = None
    family: Family | None = None


class Choice(Part):
    """What the city decided about something that is not sound: a reading of it, or to leave it out; or a day."""

    reading: Name | None = None
    leave_out: bool = False
    day: Day | None = None
    reason_zh: Text
    reason_en: Text
    decided_by: Text

    @model_validator(mode="after")
    def _is_one_choice(self) -> Self:
        if sum((self.reading is not None, self.leave_out, self.day is not None)) != 1:
            raise ValueError("a choice is one of reading, leave_out = true, day")
        return self


class Choices(Part):
    """`choices.toml`: by the id of an item, group, clause or percentage; `valid_from` and `valid_until` by a day."""

    choices: dict[Name, Choice]
