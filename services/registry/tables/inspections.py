"""Inspections of homes, what they found, and villages paired with enterprises. Nothing here is about a person."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import APPEND_ONLY, Retention
from services.registry.tables.ground import Table


class Inspection(Table, table=True):
    """An inspection with the answers to the checklist, if it was gone through, and the grade they give (RR-73)."""

    __tablename__ = "inspection"
    __table_args__ = (
        CheckConstraint(
            "(stars IS NULL) = (score IS NULL) AND (stars IS NULL) = (stars_valid_until IS NULL)"
            " AND (stars IS NULL) = (checklist_version IS NULL)",
            name="graded",
        ),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score"),
        Index("ix_inspection_premises", "premises_id", "created_at", "inspection_id"),
        is_kept(Retention.AGGREGATE, APPEND_ONLY),
    )

    inspection_id: UUID = Field(primary_key=True)
    premises_id: UUID = Field(foreign_key="premises.premises_id")
    division_code: str = Field(sa_type=Text)
    inspector: str = Field(sa_type=Text)
    inspected_on: date
    checklist_version: str | None = Field(sa_type=Text)
    answers: dict[str, Any] = Field(sa_type=Jsonb, description="Item to answer.")
    score: int | None
    stars: int | None
    stars_valid_until: date | None
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class InspectionFinding(Table, table=True):
    """Something wrong with a home, to be put right by a day; closed by nothing but another inspection."""

    __tablename__ = "inspection_finding"
    __table_args__ = (
        one_of("status", ("open", "closed")),
        CheckConstraint("(status = 'closed') = (closed_by_inspection_id IS NOT NULL AND closed_on IS NOT NULL)", name="closed"),
        CheckConstraint("closed_by_inspection_id <> inspection_id", name="another_inspection"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_inspection_finding_premises", "premises_id"),
        Index("ix_inspection_finding_inspection", "inspection_id"),
        Index("ix_inspection_finding_due", "due_on", postgresql_where=text("status = 'open'")),
        Index("ix_inspection_finding_created_at", "created_at", "finding_id"),
        is_kept(Retention.AGGREGATE),
    )

    finding_id: UUID = Field(primary_key=True)
    premises_id: UUID = Field(foreign_key="premises.premises_id")
    division_code: str = Field(sa_type=Text)
    inspection_id: UUID = Field(foreign_key="inspection.inspection_id")
    room_id: UUID | None = Field(foreign_key="room.room_id")
    kind: str = Field(sa_type=Text)
    due_on: date
    status: str = Field(sa_type=Text)
    closed_on: date | None
    closed_by_inspection_id: UUID | None = Field(foreign_key="inspection.inspection_id")
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class VillagePairing(Table, table=True):
    """A village paired with an enterprise that houses its workers there (COM-68)."""

    __tablename__ = "village_pairing"
    __table_args__ = (
        CheckConstraint("valid_until > valid_from", name="valid_until"),
        CheckConstraint("version > 0", name="version"),
        Index(
            "uq_village_pairing_open",
            "division_code",
            "credit_code",
            unique=True,
            postgresql_where=text("valid_until IS NULL"),
        ),
        Index("ix_village_pairing_created_at", "created_at", "pairing_id"),
        is_kept(Retention.AGGREGATE),
    )

    pairing_id: UUID = Field(primary_key=True)
    division_code: str = Field(sa_type=Text)
    organisation_name: str = Field(sa_type=Text)
    credit_code: str = Field(sa_type=Text)
    valid_from: date
    valid_until: date | None
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
