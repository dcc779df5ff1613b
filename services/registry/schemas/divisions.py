"""Divisions as the API shows them: reference data, about no person."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from services.chassis.parameters import Confidence
from services.chassis.schemas import View
from services.registry.rules.division import DivisionKind, DivisionLevel

DivisionCodeInPath = Annotated[
    str,
    Path(
        pattern="^[0-9]{2,12}$",
        description="Administrative division code of 2, 4, 6, 9 or 12 digits; trailing zeros stand for the whole (C-20).",
        examples=["330282"],
    ),
]
OnParameter = Annotated[
    date | None, Query(description="The day of the document or event; today when left out.", examples=["1988-06-01"])
]


class DivisionView(View):
    """What a code names on a day, and where the place is today."""

    code: str = Field(description="Without trailing zeros.", examples=["330282"])
    level: DivisionLevel
    name_zh: str = Field(examples=["慈溪市"])
    kind: DivisionKind | None = Field(description="Of a county-level division: district, county or county-level city.")
    parent_code: str | None = Field(description="One level up; null for a province.", examples=["3302"])
    is_in_force: bool = Field(description="Whether the code names this on the day asked.")
    current_code: str = Field(
        description="Code of the same place on the day asked: another when this one has ended and a successor is known (C-26)."
    )
    valid_from: date | None = Field(description="Earliest day it may have begun; null: since before the data held.")
    valid_until: date | None = Field(description="Day from which it has ended; null: still in force.")
    successor_code: str | None = Field(description="What took its place, if known.")
    held_until: date = Field(description="Last day the county lists speak of; what changed after it is not held.")
    source: str
    confidence: Confidence
