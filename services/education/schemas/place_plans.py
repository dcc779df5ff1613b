"""Places of a school in a year at the edge, and the full state of a plan as the store keeps it."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View, pattern_field
from services.education.rules.class_sizes import SizeBand
from services.education.rules.place_plans import PlannedGrade, PlannedPlaces, PlannedSource, PlanStatus
from services.education.rules.placement.problem import EVERYBODY, Reserve, Source
from services.education.schemas.schools import Grade, ReasonText

AreaCode = Annotated[PlainText, pattern_field(r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$")]
Group = Annotated[PlainText, pattern_field(r"^[a-z][a-z0-9_]{0,59}$")]
Places = Annotated[int, Field(ge=0, le=5000)]
_PLACES: dict[str, Any] = {
    "areas": ["330282107201", "330282107202"],
    "grades": [
        {
            "grade": 1,
            "classes": 4,
            "sources": [
                {
                    "source": "public",
                    "places": 180,
                    "reserves": [{"group": "soldier", "places": 4, "returns_to": ["everybody"]}],
                }
            ],
        }
    ],
}


class ReserveEntry(Command):
    """Places held back for a group; what it does not use goes where it is said, in that order."""

    group: Group = Field(description="`soldier`, `favoured`, `returning`, … (parameters/reserved_groups.toml).")
    places: Places
    legal_ground: Annotated[PlainText, Field(max_length=300)] | None = Field(
        None, description="The document it rests on; without it the ground the group is listed with."
    )
    returns_to: Annotated[list[Group], Field(max_length=10)] = Field(
        default_factory=lambda: ["everybody"],
        description="Groups, in the order in which they are offered what is left; `everybody` may stand last. Empty: unused.",
    )


class SourceEntry(Command):
    """Places from one source."""

    source: Source
    places: Places
    fen_per_place: Annotated[int, Field(ge=0, le=100_000_000)] | None = Field(
        None, description="What the government pays for a place a year, in fen: of bought and subsidised places."
    )
    reserves: Annotated[list[ReserveEntry], Field(max_length=20)] = Field(default_factory=list)


class GradeEntry(Command):
    """One grade of the plan."""

    grade: Grade
    classes: Annotated[int, Field(ge=0, le=60, description="New classes; none but in an entry grade, 1 or 7.")]
    sources: Annotated[list[SourceEntry], Field(min_length=1, max_length=3)]


class PlannedEntry(Command):
    """Catchment and places."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PLACES]})

    areas: Annotated[list[AreaCode], Field(max_length=500)] = Field(
        default_factory=list, description="The catchment (学区) of a public school: divisions of its county."
    )
    grades: Annotated[list[GradeEntry], Field(min_length=1, max_length=9)]


class PlanEntry(PlannedEntry):
    """What a school offers in a year."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"school_id": "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69", "entry_year": 2040, **_PLACES}]}
    )

    school_id: UUID
    entry_year: Annotated[int, Field(ge=2016, le=2100)]


class PlanCorrection(PlannedEntry):
    """What it should have been, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "新增一个班,学位相应增加", **_PLACES}]})

    reason: ReasonText


class ReserveState(View):
    """A reserve as the store keeps it."""

    group: str
    places: int
    legal_ground: str
    returns_to: tuple[str, ...]

    def reserve(self) -> Reserve:
        """As the engine has it."""
        returns_to = tuple(EVERYBODY if each == "everybody" else each for each in self.returns_to)
        return Reserve(self.group, self.places, self.legal_ground, returns_to)


class SourceState(View):
    """Places from one source as the store keeps them."""

    source: Source
    places: int
    fen_per_place: int | None
    reserves: tuple[ReserveState, ...]


class GradeState(View):
    """One grade as the store keeps it."""

    grade: int
    classes: int
    sources: tuple[SourceState, ...]

    def planned(self) -> PlannedGrade:
        """As the rules have it."""
        sources = tuple(
            PlannedSource(each.source, each.places, each.fen_per_place, tuple(one.reserve() for one in each.reserves))
            for each in self.sources
        )
        return PlannedGrade(self.grade, self.classes, sources)


class PlanRecord(VersionedRecord):
    """The full state of a plan."""

    plan_id: UUID
    school_id: UUID
    division_code: str
    entry_year: int
    status: PlanStatus
    areas: tuple[str, ...]
    grades: tuple[GradeState, ...]
    published_on: date | None
    published_by: str | None
    drafted_by: str

    def planned(self) -> PlannedPlaces:
        """As the rules have it."""
        return PlannedPlaces(self.areas, tuple(each.planned() for each in self.grades))


class GradePlanView(GradeState):
    """One grade, with what its classes come to."""

    places: int = Field(description="Of all sources.")
    band: SizeBand | None = Field(description="Of its largest new class when every place is taken (EDU-16).")


class PlanView(View):
    """What a school offers in a year."""

    plan_id: UUID
    version: int
    school_id: UUID
    division_code: str
    entry_year: int
    status: PlanStatus
    areas: list[str]
    grades: list[GradePlanView]
    published_on: date | None
    published_by: str | None
    drafted_by: str
    created_at: datetime
    updated_at: datetime


class PlannedState(View):
    """Catchment and places at one time."""

    areas: tuple[str, ...]
    grades: tuple[GradeState, ...]

    @classmethod
    def of(cls, record: PlanRecord) -> Self:
        """Of a plan as it stands."""
        return cls(areas=record.areas, grades=record.grades)


class CorrectionView(View):
    """What was published, what it is since, and why."""

    correction_id: UUID
    plan_id: UUID
    division_code: str = Field(description="Of the school.")
    plan_version: int = Field(description="The version of the plan that it made.")
    corrected_on: date
    corrected_by: str
    reason: str
    before: PlannedState
    after: PlannedState
    created_at: datetime
