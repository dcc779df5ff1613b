"""Facts that offices give of persons, and contests of them.

The value lies in `sealed`, under the person's own key: with the key everything that was given is gone. Of one office, fact and
reliability one row is `current`; what is given later, or corrected, closes it (`closed_at`) and never changes its value.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import Retention
from services.chassis.sealed_columns import SealedColumn
from services.points_hukou.tables.ground import Table

SEALED = (
    SealedColumn.of("evidence", "evidence_id"),
    SealedColumn.of("evidence_contest", "contest_id"),
    SealedColumn.of("registry_contest", "contest_id"),
)


class Evidence(Table, table=True):
    """What an office, a paper or the applicant says of one fact. `rule_set` is the one that declares the fact."""

    __tablename__ = "evidence"
    __table_args__ = (
        one_of("reliability", ("office", "certificate", "declared")),
        one_of("status", ("current", "superseded", "withdrawn")),
        CheckConstraint("(superseded_by IS NOT NULL) = (status = 'superseded')", name="superseded"),
        CheckConstraint("(withdrawn_on IS NOT NULL) = (status = 'withdrawn')", name="withdrawn"),
        CheckConstraint("(closed_at IS NOT NULL) = (status <> 'current')", name="closed"),
        CheckConstraint("valid_until > valid_from", name="validity"),
        CheckConstraint("version > 0", name="version"),
        Index(
            "uq_evidence_current",
            *("person_id", "rule_set", "fact", "organisation", "reliability"),
            unique=True,
            postgresql_where=text("status = 'current'"),
        ),
        Index("ix_evidence_person_id", "person_id", "created_at", "evidence_id"),
        is_kept(Retention.PERSON, "values under the person's key"),
    )

    evidence_id: UUID = Field(primary_key=True)
    person_id: UUID
    rule_set: str = Field(sa_type=Text)
    fact: str = Field(sa_type=Text)
    organisation: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    reliability: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    as_of: date
    valid_from: date | None
    valid_until: date | None
    attachment_id: UUID | None
    superseded_by: UUID | None
    withdrawn_on: date | None
    closed_at: datetime | None = Field(sa_type=INSTANT)
    sealed: bytes
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class EvidenceContest(Table, table=True):
    """A person says that a fact is wrong, and the office that gave it answers until `due_on`."""

    __tablename__ = "evidence_contest"
    __table_args__ = (
        one_of("status", ("open", "upheld", "corrected")),
        CheckConstraint("(decided_on IS NOT NULL) = (status <> 'open')", name="decided"),
        CheckConstraint("corrected_by IS NULL OR status = 'corrected'", name="corrected"),
        CheckConstraint("version > 0", name="version"),
        Index(
            "uq_evidence_contest_open",
            *("person_id", "rule_set", "fact", "organisation"),
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_evidence_contest_person_id", "person_id"),
        Index("ix_evidence_contest_due_on", "due_on", postgresql_where=text("status = 'open'")),
        is_kept(Retention.PERSON, "what was said and answered under the person's key"),
    )

    contest_id: UUID = Field(primary_key=True)
    evidence_id: UUID
    person_id: UUID
    rule_set: str = Field(sa_type=Text)
    fact: str = Field(sa_type=Text)
    organisation: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    opened_on: date
    due_on: date
    is_due_provisional: bool
    overdue_told_on: date | None
    decided_on: date | None
    corrected_by: UUID | None
    sealed: bytes
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class RegistryContest(Table, table=True):
    """The person says that what the registry feeds is wrong; the registry looks, and answers by an event."""

    __tablename__ = "registry_contest"
    __table_args__ = (
        one_of("status", ("open", "corrected", "upheld", "withdrawn", "rejected")),
        CheckConstraint("(decided_on IS NOT NULL) = (status <> 'open')", name="decided"),
        CheckConstraint("version > 0", name="version"),
        Index("uq_registry_contest_open", "person_id", "field", unique=True, postgresql_where=text("status = 'open'")),
        Index("ix_registry_contest_person_id", "person_id", "created_at"),
        Index("ix_registry_contest_due_on", "due_on", postgresql_where=text("status = 'open'")),
        is_kept(Retention.PERSON, "what was said under the person's key"),
    )

    contest_id: UUID = Field(primary_key=True)
    person_id: UUID
    rule_set: str = Field(sa_type=Text)
    fact: str = Field(sa_type=Text)
    field: str = Field(sa_type=Text, description="What of the register feeds the fact.")
    division_code: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    opened_on: date
    due_on: date
    overdue_told_on: date | None
    decided_on: date | None
    rights_request_id: UUID | None = Field(description="The registry's case.")
    reasons: list[Any] = Field(sa_type=Jsonb, description="Why it stands, or could not be looked into.")
    sealed: bytes
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
