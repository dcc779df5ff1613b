"""Papers of the regime of 2009."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import Retention
from services.chassis.sealed_columns import SealedColumn
from services.registry.tables.ground import Table


class HistoricalPermit(Table, table=True):
    """A temporary or nine-year permit issued before 2016 (RR-47). `sealed`: card number, evidence, note of an annulment.

    `valid_until` is the last day printed; the status of a day follows from the dates.
    """

    __tablename__ = "historical_permit"
    __table_args__ = (
        one_of("kind", ("temporary_residence_permit", "residence_permit")),
        CheckConstraint("issued_on <= valid_until AND issued_on <= ended_on", name="dates"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_historical_permit_person_id", "person_id", "created_at"),
        is_kept(Retention.PERSON),
    )

    historical_permit_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.person_id", ondelete="CASCADE")
    kind: str = Field(sa_type=Text)
    regime: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    issued_on: date
    valid_until: date
    ended_on: date | None
    applied_on: date | None
    due_on: date | None
    doubts: list[Any] = Field(sa_type=Jsonb, description="Conditions of its issue not borne out by what is on file.")
    annulled_on: date | None = Field(description="Law date of the finding that it was recorded in error.")
    sealed: bytes
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


SEALED = (SealedColumn.of("historical_permit", "historical_permit_id"),)
"""What the store seals; a rotation of keys goes through it."""
