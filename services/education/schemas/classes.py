"""Classes of a school at the edge: numbers of pupils, the band of each class (EDU-16), where a pupil can transfer (EDU-18)."""

from collections import defaultdict
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, View
from services.education.rules.class_sizes import SizeBand
from services.education.schemas.schools import Grade


class ClassEntry(Command):
    """One class."""

    grade: Grade
    number: Annotated[int, Field(ge=1, le=99)]
    pupils: Annotated[int, Field(ge=0, le=200)]


class ClassReportEntry(Command):
    """Every class of a school on a day; it takes the place of what was reported before."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "as_of": "2026-03-01",
                    "classes": [{"grade": 1, "number": 1, "pupils": 44}, {"grade": 2, "number": 1, "pupils": 47}],
                }
            ]
        }
    )

    as_of: date = Field(description="Today or earlier.")
    classes: Annotated[list[ClassEntry], Field(max_length=500)]


class ClassState(View):
    """One class as the store keeps it."""

    grade: int
    number: int
    pupils: int


class ClassReportRecord(VersionedRecord):
    """The full state of a school's report."""

    school_id: UUID
    division_code: str
    as_of: date
    classes: tuple[ClassState, ...]
    reported_by: str

    @property
    def sizes(self) -> dict[int, tuple[int, ...]]:
        """Pupils of each class by grade."""
        found: defaultdict[int, list[int]] = defaultdict(list)
        for each in self.classes:
            found[each.grade].append(each.pupils)
        return {grade: tuple(sizes) for grade, sizes in found.items()}


class ClassView(ClassState):
    """One class and its band."""

    band: SizeBand = Field(description="36–45 normal, 46–55 somewhat large, 56–65 large, 66 and over very large (EDU-16).")


class RuleReasonView(View):
    """One reason, in both languages."""

    code: str
    rule: str
    message_zh: str
    message_en: str


class GradeVacancyView(View):
    """One grade: what it can take until its classes have what is planned, or why nobody can transfer into it."""

    grade: int
    vacancies: int
    against_transfer: list[RuleReasonView]


class ClassReportView(View):
    """Classes of a school as last reported, with what follows from their sizes."""

    school_id: UUID
    version: int
    as_of: date
    classes: list[ClassView]
    grades: list[GradeVacancyView]
    reported_by: str
    updated_at: datetime
