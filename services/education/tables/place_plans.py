"""Places of a school in a year, and what was corrected after they were published."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, ForeignKey, Index, Text, UniqueConstraint
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import Retention
from services.education.rules.place_plans import PlanStatus
from services.education.tables.ground import Table


class PlacePlan(Table, table=True):
    """What a school offers in a year: by grade and source. A trigger keeps what was published, unless it is corrected."""

    __tablename__ = "place_plan"
    __table_args__ = (
        one_of("status", tuple(PlanStatus)),
        UniqueConstraint("school_id", "entry_year", name="uq_place_plan_school_id"),
        CheckConstraint("(status = 'published') = (published_on IS NOT NULL)", name="published_on"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_place_plan_created_at", "created_at", "plan_id"),
        Index("ix_place_plan_entry_year", "entry_year"),
        is_kept(Retention.AGGREGATE, "placements rest on it"),
    )

    plan_id: UUID = Field(primary_key=True)
    school_id: UUID = Field(sa_column=Column(ForeignKey("school.school_id"), nullable=False))
    division_code: str = Field(sa_type=Text, description="Of the school.")
    entry_year: int
    status: str = Field(sa_type=Text)
    areas: list[str] = Field(sa_type=ARRAY(Text))
    grades: list[Any] = Field(sa_type=Jsonb)
    published_on: date | None
    published_by: str | None = Field(sa_type=Text)
    drafted_by: str = Field(sa_type=Text)
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class PlacePlanCorrection(Table, table=True):
    """What was published, what it is since, and why. Written once."""

    __tablename__ = "place_plan_correction"
    __table_args__ = (
        UniqueConstraint("plan_id", "plan_version", name="uq_place_plan_correction_plan_id"),
        is_kept(Retention.AGGREGATE, "why places changed that families had counted on"),
    )

    correction_id: UUID = Field(primary_key=True)
    plan_id: UUID = Field(sa_column=Column(ForeignKey("place_plan.plan_id"), nullable=False))
    division_code: str = Field(sa_type=Text, description="Of the school.")
    plan_version: int = Field(description="The version of the plan that it made.")
    corrected_on: date
    corrected_by: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    before: dict[str, Any] = Field(sa_type=Jsonb)
    after: dict[str, Any] = Field(sa_type=Jsonb)
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
