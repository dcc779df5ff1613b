"""Schools at the edge, and the full state of one as the store keeps it. No person is in them."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View, pattern_field, rule_error
from services.education.rules.schools import SchoolKind

SchoolCode = Annotated[PlainText, pattern_field(r"^[0-9]{10}$", description="学校标识码, ten digits.")]
SchoolDivisionCode = Annotated[
    PlainText, pattern_field(r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$", description="Where the school stands (GB/T 2260).")
]
SchoolName = Annotated[PlainText, Field(max_length=100)]
Grade = Annotated[int, Field(ge=1, le=9, description="1 to 6 primary, 7 to 9 junior.")]
ReasonText = Annotated[PlainText, Field(max_length=500)]


class _Grades(Command):
    first_grade: Grade
    last_grade: Grade

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first_grade > self.last_grade:
            raise rule_error("order", zh="起始年级不得高于最高年级", en="the first grade is not above the last")
        return self


class SchoolEntry(_Grades):
    """A school of compulsory education."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "school_code": "2133028201",
                    "name": "掌起镇中心小学",
                    "kind": "public",
                    "division_code": "330282107",
                    "first_grade": 1,
                    "last_grade": 6,
                }
            ]
        }
    )

    school_code: SchoolCode
    name: SchoolName
    kind: SchoolKind
    division_code: SchoolDivisionCode


class SchoolChange(_Grades):
    """Another name, other grades. Kind and place of a school do not change: that is another school."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "掌起镇中心学校", "first_grade": 1, "last_grade": 9}]})

    name: SchoolName


class SchoolClosing(Command):
    """It takes no children from a day on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"closed_on": "2040-08-31", "reason": "并入掌起镇实验小学"}]})

    closed_on: date = Field(description="First day on which it is no school any more.")
    reason: ReasonText


class SchoolRecord(VersionedRecord):
    """The full state of a school."""

    school_id: UUID
    school_code: str
    name: str
    kind: SchoolKind
    division_code: str
    first_grade: int
    last_grade: int
    closed_on: date | None
    close_reason: str | None
    registered_by: str


class SchoolView(View):
    """A school."""

    school_id: UUID
    version: int
    school_code: str
    name: str
    kind: SchoolKind
    division_code: str
    first_grade: int
    last_grade: int
    closed_on: date | None = Field(description="First day on which it is no school any more.")
    close_reason: str | None
    registered_by: str
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: SchoolRecord) -> Self:
        """The school for a reader."""
        return cls(**record.__dict__)
