"""What comes next for a child, with the rules it rests on."""

from datetime import date
from uuid import UUID

from pydantic import Field

from services.chassis.schemas import View


class RuleText(View):
    """A rule in words."""

    rule: str
    text_zh: str
    text_en: str
    source: str | None
    confidence: str | None


class FindingView(View):
    """One thing against a dose."""

    verdict: str
    not_before: date | None = Field(description="The first day on which it would have been right.")
    because_of: str | None = Field(description="The dose it was measured from.")
    rules: list[str]


class JudgedDose(View):
    """A dose, judged for one line by the edition of its day (IMM-00)."""

    dose_id: str
    given_on: date
    vaccine_code: str
    line: str
    verdict: str
    dose_no: int | None
    edition: str
    text_zh: str
    text_en: str
    rules: list[str]
    findings: list[FindingView]


class NextDoseView(View):
    """The next dose of a line."""

    vaccine_code: str
    dose_no: int
    else_by: list[str] = Field(description="Vaccines that would do as well.")
    asks: str | None = Field(description="What must be seen before.")
    earliest: date
    recommended: date
    overdue_from: date
    latest: date
    listed_on: date


class LineView(View):
    """How a child stands in one line of protection."""

    line: str
    name_zh: str
    name_en: str
    standing: str
    series: str | None
    counted: int
    needed: int
    next: NextDoseView | None
    text_zh: str
    text_en: str
    rules: list[str]


class ForecastView(View):
    """Every dose judged and every line forecast, on a day."""

    card_id: UUID
    person_id: UUID
    as_of: date
    edition: str
    doses: list[JudgedDose]
    lines: list[LineView]
    rules: list[RuleText]
