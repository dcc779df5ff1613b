"""The rates of a month."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from services.chassis.schemas import View

MonthParameter = Annotated[
    str | None,
    Query(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="`YYYY-MM`; left out: the law's current month."),
]


class RateView(View):
    """A rate of one month and division, under the definition named."""

    rate_value_id: UUID
    rate: str = Field(examples=["information_registration"])
    definition_version: str
    rule: str
    confidence: str = Field(description="How sure we are of the definition.")
    name_zh: str
    name_en: str
    division_code: str
    month: date = Field(description="Its first day.")
    numerator: int | None
    denominator: int | None
    hundredths_of_percent: int | None = Field(description="9660 is 96.60 %, rounded down; null: not available (RR-80).")
    is_suppressed: bool = Field(description="A count under 5 below city level is not shown (indicators.md §5).")
    computed_on: date
