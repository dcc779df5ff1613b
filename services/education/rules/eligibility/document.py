"""What an official writes: one city's conditions as TOML, checked in form.

There is no kind of evidence for an examination or a prize (EDU-02), nor for a vaccination certificate (EDU-26, EDU-97): a rule
set that asked for one could not be written down.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

T = TypeVar("T")


class EvidenceKind(StrEnum):
    """What may be asked for (EDU-25: necessary papers only)."""

    RESIDENCE_PERMIT = "residence_permit"
    RESIDENCE_REGISTRATION = "residence_registration"
    SOCIAL_INSURANCE = "social_insurance"
    LABOUR_CONTRACT = "labour_contract"
    BUSINESS_LICENCE = "business_licence"
    FLEXIBLE_WORK = "flexible_work"
    OWN_HOME = "own_home"
    LAWFUL_RENTAL = "lawful_rental"


KIND_NAMES: Mapping[EvidenceKind, tuple[str, str]] = {
    EvidenceKind.RESIDENCE_PERMIT: ("居住证", "residence permit"),
    EvidenceKind.RESIDENCE_REGISTRATION: ("居住登记", "residence registration"),
    EvidenceKind.SOCIAL_INSURANCE: ("社会保险", "social insurance"),
    EvidenceKind.LABOUR_CONTRACT: ("劳动合同", "labour contract"),
    EvidenceKind.BUSINESS_LICENCE: ("营业执照", "business licence"),
    EvidenceKind.FLEXIBLE_WORK: ("灵活就业登记", "registered flexible work"),
    EvidenceKind.OWN_HOME: ("自有住房", "own home"),
    EvidenceKind.LAWFUL_RENTAL: ("合法租赁", "lawful rental"),
}


class Who(StrEnum):
    """Of whom a condition asks something."""

    ONE_PARENT = "one_parent"
    EACH_PARENT = "each_parent"
    CHILD = "child"


class Part(BaseModel):
    """A part of the document: frozen, strict, without unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def _as_tuple(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw


def _as_kind(raw: object) -> object:
    return EvidenceKind(raw) if isinstance(raw, str) else raw


def _as_who(raw: object) -> object:
    return Who(raw) if isinstance(raw, str) else raw


Many = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
Kind = Annotated[EvidenceKind, BeforeValidator(_as_kind)]


class YearlyDay(Part):
    """A day counted from the year of entry: `years = -1, month = 8, day = 31` is 31 August of the year before."""

    years: Annotated[int, Field(ge=-10, le=1)]
    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]

    @model_validator(mode="after")
    def _exists(self) -> "YearlyDay":
        date(2001, self.month, self.day)  # 29 February does not exist every year
        return self

    def in_year(self, entry_year: int) -> date:
        """The day, for children who enter in that year."""
        return date(entry_year + self.years, self.month, self.day)


class Asked(Part):
    """One way to meet a condition: evidence of any of these kinds, together, up to a day.

    Continuous unless `within_months` is given: unbroken until that day but for breaks of `break_days_max`; begun by a day,
    or for so many full months. With `within_months`: so many full calendar months among that many before the day.
    """

    evidence: Many[Kind]
    until: YearlyDay | Literal["application"]
    months_min: Annotated[int, Field(ge=0, le=240)] = 0
    begun_by: YearlyDay | None = None
    break_days_max: Annotated[int, Field(ge=0, le=366)] = 0
    within_months: Annotated[int, Field(ge=1, le=240)] | None = None

    @model_validator(mode="after")
    def _hangs_together(self) -> "Asked":
        if not self.evidence:
            raise ValueError("名列证据种类 · name the kinds of evidence")
        if self.within_months is not None and (self.begun_by is not None or self.break_days_max):
            raise ValueError("累计不问连续 · what is counted together asks for no continuity")
        if self.within_months is not None and not 0 < self.months_min <= self.within_months:
            raise ValueError("累计月数须在期间之内 · months counted together lie within the period")
        return self


class Condition(Part):
    """One condition with its source. `doubt_*`: what the source leaves open, and how it is read here."""

    id: Name
    name_zh: Text
    name_en: Text
    rule: Text
    article: str = ""
    who: Annotated[Who, BeforeValidator(_as_who)]
    any_of: Many[Asked]
    doubt_zh: str = ""
    doubt_en: str = ""


class Age(Part):
    """From which full age, reached by which day, a child enters primary school (EDU-01)."""

    years_min: Annotated[int, Field(ge=5, le=8)]
    by: YearlyDay
    rule: Text
    article: str = ""


class EligibilityRules(Part):
    """One city's conditions. `same_parent`: one and the same parent meets all that is asked of one parent."""

    format: Literal["eligibility-rules-1"]
    id: Name
    name_zh: Text
    name_en: Text
    jurisdiction: Annotated[str, StringConstraints(pattern=r"^\d{2,12}$")]
    entry_years_from: Annotated[int, Field(ge=1986, le=2100)]
    source: Text
    confidence: Literal["H", "M", "L", "G", "design"]
    same_parent: bool
    age: Age
    conditions: Many[Condition]

    @model_validator(mode="after")
    def _ids_once(self) -> "EligibilityRules":
        ids = [each.id for each in self.conditions]
        if len(set(ids)) != len(ids) or not ids:
            raise ValueError("条件编号须各不相同 · every condition has an id of its own")
        return self
