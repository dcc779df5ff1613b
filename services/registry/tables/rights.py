"""Requests of persons about their data, and whose data are restricted."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, ForeignKey, Index, Text, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import Retention
from services.chassis.sealed_columns import SealedColumn
from services.registry.tables.ground import Table

_WAITING = "supplement_due_on IS NOT NULL AND status IN ('received', 'verified')"


class RightsRequest(Table, table=True):
    """A request (V-16 to V-26) and its answer. `sealed`: the wish, papers, notes; gone when the person is deleted, and the rest
    stays as the evidence that it was answered.

    `person_version` is the person's version when it was received: a correction is carried out when that has changed.
    """

    __tablename__ = "rights_request"
    __table_args__ = (
        one_of(
            "kind",
            (
                "access_copy",
                "correction",
                "completion",
                "restriction",
                "objection",
                "deletion",
                "explanation",
                "information",
            ),
        ),
        one_of("requester", ("self", "guardian", "relative_of_deceased")),
        one_of("status", ("received", "verified", "decided", "done", "withdrawn", "abandoned")),
        one_of("outcome", ("granted", "partly", "refused")),
        CheckConstraint("(outcome IS NULL) = (decided_on IS NULL)", name="decided"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("(contest_id IS NULL) = (contested_field IS NULL)", name="contested"),
        Index("uq_rights_request_contest_id", "contest_id", unique=True, postgresql_where=text("contest_id IS NOT NULL")),
        Index("ix_rights_request_created_at", "created_at", "rights_request_id"),
        Index("ix_rights_request_person_id", "person_id"),
        Index("ix_rights_request_due_on", "due_on", postgresql_where=text("status IN ('received', 'verified')")),
        Index("ix_rights_request_supplement_due_on", "supplement_due_on", postgresql_where=text(_WAITING)),
        is_kept(Retention.YEARS_3, "V-33; the wish goes with the person"),
    )

    rights_request_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(description="Without a foreign key: that it was answered stays known.")
    kind: str = Field(sa_type=Text)
    requester: str = Field(sa_type=Text)
    requester_person_id: UUID | None
    division_code: str = Field(sa_type=Text, description="Of the office that answers.")
    status: str = Field(sa_type=Text)
    received_on: date
    due_on: date
    is_due_provisional: bool
    clock: list[Any] = Field(
        sa_type=Jsonb,
        sa_column_kwargs={"server_default": text("'[]'")},
        description="What happened to the term of an information request (V-26).",
    )
    supplement_due_on: date | None = Field(description="While it waits for what is missing.")
    verified_on: date | None
    decided_on: date | None
    outcome: str | None = Field(sa_type=Text)
    reasons: list[Any] = Field(sa_type=Jsonb, description="Why it was refused, or a part of it.")
    done_on: date | None
    lifted_on: date | None = Field(description="Of a restriction: the first day without it.")
    copy_sha256: str | None = Field(sa_type=Text, description="Of a copy: what was handed over.")
    contest_id: UUID | None = Field(description="Of a correction that a neighbour brought in: the contest that waits for it.")
    contested_field: str | None = Field(sa_type=Text, description="What of the register it is about.")
    person_version: int
    sealed: bytes | None
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class PersonRestriction(Table, table=True):
    """Somebody's data are only stored and protected (V-20). `division_codes`: who is told so in place of the data."""

    __tablename__ = "person_restriction"
    __table_args__ = (
        Index("ix_person_restriction_person_id", "person_id"),
        is_kept(Retention.YEARS_3, "V-33; ids only"),
    )

    rights_request_id: UUID = Field(primary_key=True)
    person_id: UUID
    restricted_on: date
    lifted_on: date | None
    division_codes: list[str] = Field(sa_type=ARRAY(Text))


class RestrictedId(Table, table=True):
    """Every id of a human who is restricted now; kept by triggers on restrictions and merges, read by policies."""

    __tablename__ = "restricted_id"
    __table_args__ = (is_kept(Retention.PERSON),)

    person_id: UUID = Field(sa_column=Column(ForeignKey("person.person_id", ondelete="CASCADE"), primary_key=True))


SEALED = (SealedColumn.of("rights_request", "rights_request_id"),)
"""What the store seals; a rotation of keys goes through it."""
