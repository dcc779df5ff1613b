"""Pairs of persons who may be one human. A pair, never a list of one person's likenesses."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, SmallInteger, Text, UniqueConstraint
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.retention import Retention
from services.registry.tables.ground import Table


class DuplicateCandidate(Table, table=True):
    """Two persons on the register, the lower id first, and the way their records agree (`Likeness.code`). `score` orders the
    queue and is nothing once they agree no more; `decision` is what an officer said of them last. Goes with either person.
    """

    __tablename__ = "duplicate_candidate"
    __table_args__ = (
        UniqueConstraint("person_id", "related_person_id", name="uq_duplicate_candidate_pair"),
        CheckConstraint("person_id < related_person_id", name="pair"),
        one_of("decision", ("same_person", "different_persons", "later")),
        CheckConstraint("(decision IS NULL) = (decided_on IS NULL)", name="decided"),
        CheckConstraint("(shown_again_on IS NOT NULL) = (decision IS NOT DISTINCT FROM 'later')", name="later"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_duplicate_candidate_score", "score", "candidate_id"),
        Index("ix_duplicate_candidate_related_person_id", "related_person_id"),
        is_kept(Retention.PERSON),
    )

    candidate_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(sa_column=Column(ForeignKey("person.person_id", ondelete="CASCADE"), nullable=False))
    related_person_id: UUID = Field(sa_column=Column(ForeignKey("person.person_id", ondelete="CASCADE"), nullable=False))
    likeness: int = Field(sa_type=SmallInteger)
    score: int | None
    found_on: date
    decision: str | None = Field(sa_type=Text)
    decided_on: date | None
    shown_again_on: date | None
    proposal_id: UUID | None = Field(description="The merge that was proposed when it was decided.")
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
