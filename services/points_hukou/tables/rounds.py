"""Rounds: so many places for one use, who stands where, and what is objected."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Text, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, UNDER_SERVICE_KEY, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import Retention
from services.chassis.sealed_columns import SealedColumn
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.rules.ranking import Outcome
from services.points_hukou.rules.round_states import RoundStatus
from services.points_hukou.tables.ground import Table


class RoundRow(Table, table=True):
    """A round. `town_quotas` by division, where each town has its own; together they are the quota."""

    __tablename__ = "round"
    __table_args__ = (
        one_of("status", tuple(RoundStatus)),
        one_of("purpose", tuple(Purpose)),
        CheckConstraint("quota > 0", name="quota"),
        CheckConstraint("rankings >= 0", name="rankings"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_round_created_at", "created_at", "round_id"),
        is_kept(Retention.AGGREGATE),
    )

    round_id: UUID = Field(primary_key=True)
    purpose: str = Field(sa_type=Text)
    service: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    rule_set_id: UUID = Field(sa_column=Column(ForeignKey("rule_set.rule_set_id"), nullable=False))
    quota: int
    town_quotas: dict[str, Any] = Field(sa_type=Jsonb)
    freeze_on: date
    notice_working_days: int
    objection_working_days: int
    status: str = Field(sa_type=Text)
    ranked_on: date | None
    standing: int | None = Field(description="How many stood in it.")
    cut_off: str | None = Field(sa_type=Text, description="The total of who was admitted last (P-14).")
    published_on: date | None
    notice_until: date | None
    objections_until: date | None
    finished_on: date | None
    opened_by: str = Field(sa_type=Text)
    rankings: int = Field(description="How often it was ranked; the last ranking stands.")
    ranked_by: str | None = Field(sa_type=Text, description="Who stands for the ranking (V-28).")
    published_by: str | None = Field(sa_type=Text)
    finished_by: str | None = Field(sa_type=Text)
    is_notice_provisional: bool
    is_objections_provisional: bool
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class RoundPlaceRow(Table, table=True):
    """Where an application stands in a ranking, the last of its round or one superseded. Ranks stay as published when others
    give up. `sealed`: its figures and masked name, under the person's key.
    """

    __tablename__ = "round_place"
    __table_args__ = (
        one_of("outcome", tuple(Outcome)),
        CheckConstraint("rank > 0", name="rank"),
        CheckConstraint("ranking > 0", name="ranking"),
        Index("uq_round_place_application", "round_id", "ranking", "application_id", unique=True),
        Index("ix_round_place_rank", "round_id", "ranking", "rank", "place_id"),
        Index("ix_round_place_person_id", "person_id"),
        Index(
            "ix_round_place_application_id",
            "application_id",
            postgresql_where=text("superseded_on IS NULL AND outcome = 'admitted' AND given_up_on IS NULL"),
        ),
        Index("ix_round_place_under_service_key", "place_id", postgresql_where=text(UNDER_SERVICE_KEY)),
        is_kept(Retention.PERSON, "total and name go with the person"),
    )

    place_id: UUID = Field(primary_key=True)
    round_id: UUID = Field(sa_column=Column(ForeignKey("round.round_id"), nullable=False))
    application_id: UUID = Field(sa_column=Column(ForeignKey("application.application_id"), nullable=False))
    person_id: UUID
    assessment_id: UUID
    town: str = Field(sa_type=Text, description="Whose quota it takes; empty where there is one for all.")
    rank: int
    outcome: str = Field(sa_type=Text)
    given_up_on: date | None
    moved_up_on: date | None
    ranking: int
    superseded_on: date | None
    sealed: bytes | None
    lowered_on: date | None = Field(description="Since when the score that counts ranks lower than what it was given for.")
    compared_assessment_id: UUID | None = Field(description="The score that was last compared with it.")


class RoundObjectionRow(Table, table=True):
    """Somebody objects to a place while the notice is up. `sealed`: what is said against it, and the answer, under the key of
    whose place it is.
    """

    __tablename__ = "round_objection"
    __table_args__ = (
        one_of("status", ("open", "upheld", "dismissed")),
        CheckConstraint("version > 0", name="version"),
        Index("ix_round_objection_round_id", "round_id"),
        Index("ix_round_objection_due_on", "due_on", postgresql_where=text("status = 'open'")),
        Index("ix_round_objection_under_service_key", "objection_id", postgresql_where=text(UNDER_SERVICE_KEY)),
        is_kept(Retention.PERSON, "what was said goes with the person"),
    )

    objection_id: UUID = Field(primary_key=True)
    round_id: UUID = Field(sa_column=Column(ForeignKey("round.round_id"), nullable=False))
    application_id: UUID = Field(sa_column=Column(ForeignKey("application.application_id"), nullable=False))
    person_id: UUID
    status: str = Field(sa_type=Text)
    raised_on: date
    due_on: date
    is_due_provisional: bool
    answered_on: date | None
    answered_by: str | None = Field(sa_type=Text)
    settled_on: date | None = Field(description="When the round was ranked anew because it was upheld.")
    overdue_told_for: date | None = Field(description="Which `due_on` followers were told of as missed.")
    sealed: bytes | None
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    taken_in: str | None = Field(sa_type=Text, description="The division of the window that took it, which follows it, too.")


SEALED = (SealedColumn.of("round_place", "place_id"), SealedColumn.of("round_objection", "objection_id"))
"""What the store seals; a rotation of keys goes through it."""
