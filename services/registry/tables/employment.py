"""Employers and who works for them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.retention import Retention
from services.chassis.sealed_columns import SealedColumn
from services.registry.tables.ground import UNSETTLED, Table

_PREFIX_SEARCH = {"division_code": "text_pattern_ops"}


class Employer(Table, table=True):
    """An employer, once in the city by its social credit code. `sealed`: its name, which may be its owner's."""

    __tablename__ = "employer"
    __table_args__ = (
        one_of("status", ("registered", "ended")),
        CheckConstraint("(status = 'ended') = (ended_on IS NOT NULL AND end_reason IS NOT NULL)", name="ended"),
        CheckConstraint("length(credit_code) = 18", name="credit_code"),
        CheckConstraint("version > 0", name="version"),
        Index("uq_employer_credit_code", "credit_code", unique=True),
        Index("ix_employer_division", "division_code", "created_at", "employer_id", postgresql_ops=_PREFIX_SEARCH),
        Index("ix_employer_ended", "ended_on", postgresql_where=text("ended_on IS NOT NULL AND erased_on IS NULL")),
        is_kept(Retention.AGGREGATE),
    )

    employer_id: UUID = Field(primary_key=True)
    credit_code: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    industry_code: str = Field(sa_type=Text)
    sealed: bytes
    registered_on: date
    ended_on: date | None
    end_reason: str | None = Field(sa_type=Text)
    erased_on: date | None = Field(description="Emptied by two officers (V-19).")
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class Employment(Table, table=True):
    """Somebody works for an employer; at one time once for each. `sealed`: position."""

    __tablename__ = "employment"
    __table_args__ = (
        CheckConstraint("(ended_on IS NULL) = (end_reason IS NULL)", name="ended"),
        CheckConstraint("(ended_on IS NULL) = (end_reported_on IS NULL)", name="end_reported_on"),
        CheckConstraint("ended_on >= started_on", name="ended_on"),
        CheckConstraint("version > 0", name="version"),
        Index("uq_employment_open", "person_id", "employer_id", unique=True, postgresql_where=text("ended_on IS NULL")),
        Index("ix_employment_current", "employer_id", "person_id", postgresql_where=text("ended_on IS NULL")),
        Index("ix_employment_person", "person_id", "created_at"),
        Index("ix_employment_employer", "employer_id", "created_at", "employment_id"),
        Index("ix_employment_division", "division_code", "created_at", "employment_id", postgresql_ops=_PREFIX_SEARCH),
        Index("ix_employment_start_unsettled", "started_on", postgresql_where=text("start_unsettled_on IS NOT NULL")),
        Index("ix_employment_end_unsettled", "ended_on", postgresql_where=text("end_unsettled_on IS NOT NULL")),
        is_kept(Retention.PERSON),
    )

    employment_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.person_id", ondelete="CASCADE")
    employer_id: UUID = Field(foreign_key="employer.employer_id")
    division_code: str = Field(sa_type=Text)
    industry_code: str = Field(sa_type=Text)
    occupation_code: str = Field(sa_type=Text)
    sealed: bytes
    started_on: date
    start_reported_on: date
    start_due_on: date | None
    start_reported_late: bool | None
    start_unsettled_on: date | None = Field(description=UNSETTLED)
    ended_on: date | None
    end_reason: str | None = Field(sa_type=Text)
    end_reported_on: date | None
    end_due_on: date | None
    end_reported_late: bool | None
    end_unsettled_on: date | None = Field(description=UNSETTLED)
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


SEALED = (SealedColumn.of("employer", "employer_id"), SealedColumn.of("employment", "employment_id"))
