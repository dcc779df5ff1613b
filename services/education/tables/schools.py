"""Schools, and how large their classes are."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Text, UniqueConstraint
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import Retention
from services.education.rules.schools import SchoolKind
from services.education.tables.ground import Table


class School(Table, table=True):
    """A school of compulsory education, from its first grade to its last (1 to 9)."""

    __tablename__ = "school"
    __table_args__ = (
        one_of("kind", tuple(SchoolKind)),
        UniqueConstraint("school_code", name="uq_school_school_code"),
        CheckConstraint("first_grade >= 1 AND first_grade <= last_grade AND last_grade <= 9", name="grades"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_school_created_at", "created_at", "school_id"),
        is_kept(Retention.AGGREGATE, "placements name it"),
    )

    school_id: UUID = Field(primary_key=True)
    school_code: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    first_grade: int
    last_grade: int
    closed_on: date | None
    close_reason: str | None = Field(sa_type=Text)
    registered_by: str = Field(sa_type=Text)
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class ClassReport(Table, table=True):
    """The classes of a school as it last reported them, replaced as a whole; numbers of pupils alone."""

    __tablename__ = "class_report"
    __table_args__ = (CheckConstraint("version > 0", name="version"), is_kept(Retention.AGGREGATE))

    school_id: UUID = Field(sa_column=Column(ForeignKey("school.school_id"), primary_key=True))
    division_code: str = Field(sa_type=Text, description="Of the school.")
    as_of: date
    classes: list[Any] = Field(sa_type=Jsonb)
    reported_by: str = Field(sa_type=Text)
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
