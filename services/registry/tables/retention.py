"""Which records are due for deletion, and what was decided about them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.retention import Retention
from services.registry.tables.ground import Table

_DUE = text("status = 'due'")


class RetentionReview(Table, table=True):
    """A record whose retention is over: due for review, kept for a reason until another day, or deleted (V-19, V-68)."""

    __tablename__ = "retention_review"
    __table_args__ = (
        one_of("retention_class", ("person", "unregistered_person", "landlord", "premises", "employer")),
        CheckConstraint("(person_id IS NOT NULL) = (retention_class IN ('person', 'unregistered_person'))", name="subject"),
        one_of("status", ("due", "kept", "deleted", "returned")),
        CheckConstraint("(status = 'due') = (decided_on IS NULL)", name="decided"),
        CheckConstraint("(status = 'kept') = (keep_until IS NOT NULL AND reason_code IS NOT NULL)", name="kept"),
        CheckConstraint("version > 0", name="version"),
        Index("uq_retention_review_due", "retention_class", "subject_id", unique=True, postgresql_where=_DUE),
        Index("ix_retention_review_person_id", "person_id"),
        Index("ix_retention_review_subject_id", "subject_id"),
        Index(
            "ix_retention_review_division",
            "division_code",
            "due_on",
            "review_id",
            postgresql_ops={"division_code": "text_pattern_ops"},
        ),
        is_kept(Retention.YEARS_3, "V-33; ids only"),
    )

    review_id: UUID = Field(primary_key=True)
    retention_class: str = Field(sa_type=Text)
    subject_id: UUID = Field(description="The person or thing; without a foreign key: that it was reviewed stays known.")
    person_id: UUID | None
    division_code: str = Field(sa_type=Text, description="Of the division that held the person last, or where the thing is.")
    ended_on: date = Field(description="When the last division let go of the person, or the thing was no more.")
    due_on: date
    status: str = Field(sa_type=Text)
    reason_code: str | None = Field(sa_type=Text)
    keep_until: date | None = Field(description="When it is due again.")
    decided_on: date | None
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
