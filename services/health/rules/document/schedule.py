"""The format of an edition of the schedule.

An edition that has a `base` is an amendment: a series it holds takes the place of the series of that id, a value under
`general` that of the value of that name. Dates and spans are facts; each carries its source and how sure we are of it.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.health.rules.document.reading import Length, Many, Name, Part, Sourced, Text
from services.health.rules.document.vaccines import Line, RuleText, VaccineEntry


class Had(Part):
    """Of the doses counted before – in this series, or in another – so many are of one of these vaccines."""

    of: Many[Name]
    series: Name | None = None
    at_least: Annotated[int, Field(ge=0, le=9)] = 0
    at_most: Annotated[int, Field(ge=0, le=9)] | None = None


class When(Part):
    """For whom and when a series or course is meant; everything named must hold. `age_until`, `born_before`: exclusive."""

    age_from: Length | None = None
    age_until: Length | None = None
    born_from: date | None = None
    born_before: date | None = None
    sex: Literal["female", "male"] | None = None
    mother_hbsag: Many[Literal["positive", "unknown"]] | None = None
    birth_weight_below_g: Annotated[int, Field(ge=500, le=5000)] | None = None
    gestation_weeks_until: Annotated[int, Field(ge=20, le=45)] | None = None
    had: Many[Had] = ()


class AfterOther(Part):
    """The interval from the last counted dose of another series."""

    series: Name
    interval: Length


class Step(Sourced):
    """One dose of a course.

    `give`: by preference, the first is proposed; `accept`: counted as well. `age`: minimum age; `recommended`: listed age,
    where it is another; `before`: recommended limit, exclusive. `after`: minimum interval from the last counted dose,
    `within`: longest recommended one. `after_first`: minimum interval from the first counted dose. `paid_age`: minimum age of
    a dose that was paid for and given by its label (P8).
    """

    give: Annotated[Many[Name], Field(min_length=1)]
    accept: Many[Name] = ()
    age: Length
    recommended: Length | None = None
    before: Length | None = None
    after: Length | None = None
    within: Length | None = None
    after_first: Length | None = None
    after_other: AfterOther | None = None
    paid_age: Length | None = None


class Course(Sourced):
    """The doses of a child for whom `when` holds. Of several courses the first that applies counts.

    `needs`: so many of a vaccine (given first) or of an antigen must be among them. `counts`: only these vaccines move it on.
    `asks`: what must be seen before a dose. `refer_*`: no rule is established; the clinic decides.
    """

    id: Name
    rules: Annotated[Many[Name], Field(min_length=1)]
    when: When = When()
    steps: Many[Step] = ()
    needs: dict[Name, Annotated[int, Field(ge=1, le=9)]] = Field(default_factory=dict)
    counts: Many[Name] = ()
    asks: Literal["skin_test_negative", "stable_before_discharge"] | None = None
    refer_zh: Text | None = None
    refer_en: Text | None = None

    @model_validator(mode="after")
    def _needs_fit(self) -> "Course":
        if self.steps and max(self.needs.values(), default=0) > len(self.steps):
            raise ValueError(f"course {self.id}: more are needed than it has doses")
        if (self.refer_zh is None) != (self.refer_en is None) or (self.refer_zh and self.steps):
            raise ValueError(f"course {self.id}: a referral has both languages and no doses")
        return self


class Series(Sourced):
    """One way to be protected. `offered`: whether the programme gives it; otherwise it only judges what was given elsewhere;
    `offered_from`: nothing is due before.
    `vaccine_until`: no dose of a vaccine from this age on; `until`: no dose at all; `age_rules` say so. `counts_campaigns`:
    doses of supplementary campaigns count from the age of the first dose on.
    """

    id: Name
    line: Name
    offered: bool = True
    offered_from: date | None = None
    counts_campaigns: bool = False
    until: Length
    age_rules: Many[Name] = ("IMM-02",)
    vaccine_until: dict[Name, Length] = Field(default_factory=dict)
    when: When = When()
    courses: Annotated[Many[Course], Field(min_length=1)]


class LengthFact(Sourced):
    """A span with its source."""

    value: Length
    rule: Name


class DaysFact(Sourced):
    """A number of days with its source."""

    value: Annotated[int, Field(ge=0, le=60)]
    rule: Name


class VaccinesFact(Sourced):
    """A list of vaccines with its source."""

    value: Many[Name]
    rule: Name


class WaitFact(Sourced):
    """How long these vaccines wait after immunoglobulin."""

    vaccines: Many[Name]
    value: Length
    rule: Name


class GeneralDocument(Part):
    """What holds of all series."""

    grace_days: DaysFact | None = None
    live_spacing: LengthFact | None = None
    live_spacing_except: VaccinesFact | None = None
    immunoglobulin: Many[WaitFact] | None = None
    overdue_after: LengthFact | None = None
    first_at_a_visit: VaccinesFact | None = None

    def held(self) -> dict[str, object]:
        """The values it holds, as they are: an amendment holds only what it changes."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class AsIn(Part):
    """Series taken from another edition as they stand there, because the text of this one was not seen. `offered`, where that
    differs.
    """

    edition: Name
    offered: bool | None = None
    series: Annotated[Many[Name], Field(min_length=1)]


class EditionDocument(Sourced):
    """One edition or amendment, in force from its day until the next one's. `as_in`: what it takes from another one."""

    id: Name
    name_zh: Text
    name_en: Text
    base: Name | None = None
    valid_from: date
    general: GeneralDocument = GeneralDocument()
    as_in: Many[AsIn] = ()
    series: Many[Series] = ()


class OverlayDocument(Sourced):
    """What a city adds to the national programme from a day on: vaccines, lines and series of its own, never other ones'
    rules.
    """

    id: Name
    name_zh: Text
    name_en: Text
    valid_from: date
    vaccines: Many[VaccineEntry] = ()
    lines: Many[Line] = ()
    series: Many[Series] = ()
    rules: dict[Name, RuleText] = Field(default_factory=dict)
