"""What the engine asks to know of a child beside its doses: special infants, what stands against a vaccine, what was chosen."""

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field

from services.chassis.schemas import Command, PlainText
from services.health.rules.child import Hbsag

_LISTED_MAX = 30
_Day = Annotated[date, Field(ge=date(1980, 1, 1), le=date(2200, 12, 31))]
_Code = Annotated[PlainText, Field(max_length=40)]


class SkinTest(Command):
    """A tuberculin test (IMM-21)."""

    on: _Day
    negative: bool


class Barred(Command):
    """A time in which vaccines must not be given, or all where none is named."""

    since: _Day
    until: _Day | None = Field(None, description="The first day on which it may be given again; open when left out.")
    vaccines: list[_Code] = Field(default_factory=list, max_length=_LISTED_MAX)


class Condition(Command):
    """A condition of the catalogue."""

    condition: _Code
    since: _Day
    until: _Day | None = None


class ChildFacts(Command):
    """What is known of a child; what was not told has no effect. Kept encrypted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"birth_weight_g": 1850, "mother_hbsag": "positive"}]})

    birth_weight_g: Annotated[int, Field(ge=200, le=9000)] | None = None
    gestation_weeks: Annotated[int, Field(ge=20, le=45)] | None = None
    mother_hbsag: Hbsag | None = Field(None, description="Hepatitis B surface antigen of the mother (IMM-29).")
    immunoglobulins: list[_Day] = Field(default_factory=list, max_length=_LISTED_MAX)
    skin_tests: list[SkinTest] = Field(default_factory=list, max_length=_LISTED_MAX)
    contraindications: list[Barred] = Field(default_factory=list, max_length=_LISTED_MAX)
    conditions: list[Condition] = Field(default_factory=list, max_length=_LISTED_MAX)
    deferrals: list[Barred] = Field(default_factory=list, max_length=_LISTED_MAX)
    choices: list[_Code] = Field(default_factory=list, max_length=_LISTED_MAX, description="Series chosen, such as JE-I.")
