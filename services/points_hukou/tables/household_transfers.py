"""Transfers of household registration, from the opened case to the registry's answer."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, ForeignKey, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import Retention
from services.chassis.sealed_columns import SealedColumn
from services.points_hukou.rules.household_transfers import TransferStatus
from services.points_hukou.tables.ground import Table


class HouseholdTransferRow(Table, table=True):
    """A transfer. `sealed`: what officers noted. `reasons`: why the registry refused, codes and their texts."""

    __tablename__ = "household_transfer"
    __table_args__ = (
        one_of("status", tuple(TransferStatus)),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("(approved_on IS NULL) = (approved_by IS NULL)", name="approved"),
        CheckConstraint(
            "(completed_on IS NULL) = (entered_on IS NULL OR completed_by IS NULL OR due_on IS NULL)", name="completed"
        ),
        CheckConstraint("(application_id IS NULL) = (round_id IS NULL)", name="place"),
        Index("ix_household_transfer_created_at", "created_at", "transfer_id"),
        Index("ix_household_transfer_person_id", "person_id"),
        Index("ix_household_transfer_due_on", "due_on", postgresql_where=text("status = 'completed'")),
        is_kept(Retention.PERSON, "what was noted goes with the person"),
    )

    transfer_id: UUID = Field(primary_key=True)
    person_id: UUID
    application_id: UUID | None = Field(sa_column=Column(ForeignKey("application.application_id"), nullable=True))
    round_id: UUID | None = Field(sa_column=Column(ForeignKey("round.round_id"), nullable=True))
    division_code: str = Field(sa_type=Text, description="Of the office that has the case.")
    hukou_division_code: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    opened_on: date
    opened_by: str = Field(sa_type=Text)
    approved_on: date | None
    approved_by: str | None = Field(sa_type=Text)
    entered_on: date | None = Field(description="Day of the entry in the household register.")
    completed_on: date | None = Field(description="When the entry was confirmed here and the registry asked, the last time.")
    completed_by: str | None = Field(sa_type=Text)
    asked_version: int | None = Field(description="The version with which the registry was asked; its answer names it.")
    due_on: date | None
    is_due_provisional: bool
    overdue_told_for: date | None = Field(description="Which `due_on` followers were told of as missed.")
    reasons: list[Any] = Field(sa_type=Jsonb)
    closed_on: date | None
    ended_registration_id: UUID | None
    ended_permit_id: UUID | None
    sealed: bytes | None
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class HouseholdTransferConflict(Table, table=True):
    """Two open transfers of one human, found when persons were merged. Whether it is open is looked up
    (`is_transfer_conflict_open`).
    """

    __tablename__ = "household_transfer_conflict"
    __table_args__ = (
        UniqueConstraint("transfer_id", "other_transfer_id", name="uq_household_transfer_conflict_pair"),
        CheckConstraint("transfer_id < other_transfer_id", name="order"),
        Index("ix_household_transfer_conflict_created_at", "created_at", "conflict_id"),
        Index("ix_household_transfer_conflict_other_transfer_id", "other_transfer_id"),
        Index("ix_household_transfer_conflict_person_id", "person_id"),
        is_kept(Retention.PERSON, "ids only"),
    )

    conflict_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(description="Who has two, under the id in use then.")
    transfer_id: UUID = Field(foreign_key="household_transfer.transfer_id")
    other_transfer_id: UUID = Field(foreign_key="household_transfer.transfer_id")
    division_codes: list[str] = Field(sa_type=ARRAY(Text), description="Of the offices that have the two cases.")
    opened_on: date
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


SEALED = (SealedColumn.of("household_transfer", "transfer_id"),)
"""What the store seals; a rotation of keys goes through it."""
