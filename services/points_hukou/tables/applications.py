"""Applications for points, and the assessments that answer them. `sealed` lies under the key of the row's person."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, ForeignKey, Index, Text, UniqueConstraint, Uuid, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, UNDER_SERVICE_KEY, is_kept, one_of
from services.chassis.retention import Retention
from services.chassis.sealed_columns import SealedColumn
from services.points_hukou.rules.application_states import ApplicationStatus
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.tables.ground import Table

_WAITING = "status IN ('received', 'in_recheck')"


class ApplicationRow(Table, table=True):
    """An application for one use, by the rules in force on its day. `sealed`: what was said in words.

    `due_on` is the term that runs: for scoring, then for a recheck.
    """

    __tablename__ = "application"
    __table_args__ = (
        one_of("status", tuple(ApplicationStatus)),
        one_of("purpose", tuple(Purpose)),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("rechecks_asked >= 0", name="rechecks_asked"),
        CheckConstraint("(confirmed_on IS NULL) = (confirmed_by IS NULL)", name="confirmed"),
        Index("ix_application_created_at", "created_at", "application_id"),
        Index("ix_application_person_id", "person_id"),
        Index("ix_application_for_person_id", "for_person_id", postgresql_where=text("for_person_id IS NOT NULL")),
        Index("ix_application_family_person_ids", "family_person_ids", postgresql_using="gin"),
        Index("ix_application_due_on", "due_on", postgresql_where=text(_WAITING)),
        Index("ix_application_under_service_key", "application_id", postgresql_where=text(UNDER_SERVICE_KEY)),
        is_kept(Retention.PERSON, "what was said in words goes with the person"),
    )

    application_id: UUID = Field(primary_key=True)
    person_id: UUID
    family_person_ids: list[UUID] = Field(sa_type=ARRAY(Uuid), description="Others of the family whose score may count (P-08).")
    for_person_id: UUID | None = Field(description="The child a school place is for.")
    purpose: str = Field(sa_type=Text)
    service: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    rule_set_id: UUID = Field(sa_column=Column(ForeignKey("rule_set.rule_set_id"), nullable=False))
    status: str = Field(sa_type=Text)
    applied_on: date
    due_on: date
    is_due_provisional: bool
    overdue_told_for: date | None = Field(description="Which `due_on` followers were told of as missed.")
    scoring_tried_on: date | None = Field(description="The last day on which the machine could not use the facts.")
    scored_on: date | None
    counted_assessment_id: UUID | None
    recheck_asked_on: date | None
    rechecks_asked: int = Field(sa_column_kwargs={"server_default": text("0")})
    confirmed_on: date | None
    confirmed_by: str | None = Field(sa_type=Text)
    sealed: bytes | None
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class AssessmentRow(Table, table=True):
    """One person's score, frozen: facts, figures and explanation as they were, never written again (P-37).

    The rules are the text of the rule set, which never changes either.
    """

    __tablename__ = "assessment"
    __table_args__ = (
        one_of("kind", ("first", "recheck")),
        Index("ix_assessment_application_id", "application_id"),
        Index("ix_assessment_person_id", "person_id"),
        Index("ix_assessment_under_service_key", "assessment_id", postgresql_where=text(UNDER_SERVICE_KEY)),
        is_kept(Retention.PERSON, "what it says goes with the person"),
    )

    assessment_id: UUID = Field(primary_key=True)
    application_id: UUID = Field(sa_column=Column(ForeignKey("application.application_id"), nullable=False))
    person_id: UUID
    kind: str = Field(sa_type=Text)
    is_counted: bool = Field(description="Of a family's, the one that counts.")
    rule_set_id: UUID = Field(sa_column=Column(ForeignKey("rule_set.rule_set_id"), nullable=False))
    scored_on: date
    scored_by: str | None = Field(sa_type=Text, description="The officer of a recheck; nobody where the machine scored.")
    document_sha256: str = Field(sa_type=Text, description="Of the document in its one spelling.")
    sealed: bytes | None
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class ApplicationConflict(Table, table=True):
    """Two applications of which one human may have one, both open or both holding a place, found when persons were merged.
    Whether it is open is looked up (`is_application_conflict_open`).
    """

    __tablename__ = "application_conflict"
    __table_args__ = (
        UniqueConstraint("application_id", "other_application_id", name="uq_application_conflict_pair"),
        CheckConstraint("application_id < other_application_id", name="order"),
        Index("ix_application_conflict_created_at", "created_at", "conflict_id"),
        Index("ix_application_conflict_other_application_id", "other_application_id"),
        Index("ix_application_conflict_person_id", "person_id"),
        is_kept(Retention.PERSON, "ids only"),
    )

    conflict_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(description="Who has two, or the child they are for, under the id in use then.")
    purpose: str = Field(sa_type=Text)
    application_id: UUID = Field(foreign_key="application.application_id")
    other_application_id: UUID = Field(foreign_key="application.application_id")
    division_codes: list[str] = Field(sa_type=ARRAY(Text), description="Of the offices that have the two cases.")
    opened_on: date
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


SEALED = (SealedColumn.of("application", "application_id"), SealedColumn.of("assessment", "assessment_id"))
"""Under persons' keys; a rotation of the service's keys goes through what is not yet."""
