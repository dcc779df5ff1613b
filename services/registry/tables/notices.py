"""What somebody was asked to be told."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import APPEND_ONLY, Retention
from services.registry.tables.ground import Table


class Notice(Table, table=True):
    """One request to tell somebody something, sent out as an event in the same transaction. Ids, days and codes only.

    `dedupe_key` says what it is about and for which occasion, so that it goes out once, whoever asks again.
    """

    __tablename__ = "notice"
    __table_args__ = (
        one_of("addressee_kind", ("person", "employer", "landlord")),
        CheckConstraint("addressee_kind <> 'person' OR person_id = addressee_id", name="person"),
        Index("uq_notice_dedupe_key", "dedupe_key", unique=True),
        Index("ix_notice_person_id", "person_id", "created_at"),
        Index("ix_notice_created_at", "created_at", "notice_id"),
        Index(
            "ix_notice_division",
            "division_code",
            "created_at",
            "notice_id",
            postgresql_ops={"division_code": "text_pattern_ops"},
        ),
        is_kept(Retention.PERSON, APPEND_ONLY),
    )

    notice_id: UUID = Field(primary_key=True)
    template: str = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
    addressee_kind: str = Field(sa_type=Text)
    addressee_id: UUID
    person_id: UUID | None = Field(foreign_key="person.person_id", ondelete="CASCADE")
    division_code: str = Field(sa_type=Text, description="Of the office whose business it is.")
    subject_kind: str = Field(sa_type=Text)
    subject_id: UUID
    parameters: dict[str, Any] = Field(sa_type=Jsonb)
    dedupe_key: str = Field(sa_type=Text)
    requested_on: date
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
