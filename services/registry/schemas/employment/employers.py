"""Employers (用人单位): one per unified social credit code."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View, pattern_field
from services.registry.rules.employment import EmployerEndReason, EmployerStatus
from services.registry.schemas.credit_code import CreditCode
from services.registry.schemas.registrations import DivisionCode

EmployerName = Annotated[PlainText, Field(max_length=100, examples=["慈溪市某某电器有限公司"])]
IndustryCode = Annotated[
    PlainText,
    pattern_field(
        "^[A-T]([0-9]{2,4})?$",
        description="GB/T 4754-2017: the section's letter, optionally 2 to 4 digits of a division of that section.",
        examples=["C3856"],
    ),
]


class EmployerRegistration(Command):
    """An employer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "credit_code": "91330282MA2A00001K",
                    "name": "慈溪市某某电器有限公司",
                    "division_code": "330282107",
                    "industry_code": "C3856",
                }
            ]
        }
    )

    credit_code: CreditCode
    name: EmployerName
    division_code: DivisionCode = Field(description="Where it works: county, township or village.")
    industry_code: IndustryCode


class EmployerChange(Command):
    """What changed; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"industry_code": "C3857"}]})

    name: EmployerName | None = None
    division_code: DivisionCode | None = None
    industry_code: IndustryCode | None = None

    def changes(self) -> dict[str, str]:
        """What is given, without nulls."""
        return {name: getattr(self, name) for name in self.model_fields_set if getattr(self, name) is not None}


class EmployerEnd(Command):
    """An employer is no more. People still on its books stay there until somebody reports that they left."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "deregistered", "ended_on": "2026-09-01"}]})

    reason: EmployerEndReason
    ended_on: date | None = Field(None, description="Today when left out; not in the future.")


class EmployerSearch(Command):
    """By the complete code; a part finds nothing."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"credit_code": "91330282MA2A00001K"}]})

    credit_code: CreditCode


class EmployerRecord(VersionedRecord):
    """The full state of an employer. Never leaves the service."""

    employer_id: UUID
    credit_code: str
    status: EmployerStatus
    division_code: str
    industry_code: str
    name: str
    registered_on: date
    ended_on: date | None
    end_reason: EmployerEndReason | None


class EmployerView(View):
    """An employer."""

    employer_id: UUID
    version: int
    credit_code: str
    name: str
    status: EmployerStatus
    division_code: str
    industry_code: str
    registered_on: date
    ended_on: date | None
    end_reason: EmployerEndReason | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: EmployerRecord) -> Self:
        """The employer as everybody sees it who may see it."""
        return cls(**record.__dict__)


class EmployersFoundView(View):
    """The employer with the code, or none in the client's division."""

    items: list[EmployerView]


class PastEmployerView(View):
    """An employer as of one version."""

    status: EmployerStatus
    name: str
    division_code: str
    industry_code: str
    ended_on: date | None
    end_reason: EmployerEndReason | None
