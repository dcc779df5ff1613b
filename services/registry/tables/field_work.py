"""Field work: who walks which village, what was found, where it disagrees, and the rates of a month."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, digest, is_kept, one_of
from services.chassis.retention import Retention
from services.chassis.sealed_columns import SealedColumn
from services.registry.tables.ground import Table

_OUTCOMES = ("found", "not_found", "moved", "different_address", "found_not_registered")


class CoordinatorAssignment(Table, table=True):
    """A coordinator (综管员) walks a division from a day on; `coordinator` is an officer's id."""

    __tablename__ = "coordinator_assignment"
    __table_args__ = (
        CheckConstraint("valid_until > valid_from", name="valid_until"),
        CheckConstraint("version > 0", name="version"),
        Index(
            "uq_coordinator_assignment_open",
            "coordinator",
            "division_code",
            unique=True,
            postgresql_where=text("valid_until IS NULL"),
        ),
        Index("ix_coordinator_assignment_created_at", "created_at", "assignment_id"),
        is_kept(Retention.YEARS_3, "who was to visit whom"),
    )

    assignment_id: UUID = Field(primary_key=True)
    coordinator: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    valid_from: date
    valid_until: date | None = Field(description="First day on which it holds no more.")
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class FieldVisit(Table, table=True):
    """A visit as it was reported, under the id its client made. `sealed`: address found. Only `set_aside` ever changes."""

    __tablename__ = "field_visit"
    __table_args__ = (
        one_of("subject", ("person", "home")),
        one_of("outcome", _OUTCOMES),
        CheckConstraint(
            "(subject = 'person' OR person_id IS NULL) AND (subject = 'home' OR premises_id IS NULL)", name="subject_id"
        ),
        digest("content_index"),
        Index("ix_field_visit_month", "visited_on", "subject"),
        Index("ix_field_visit_person", "person_id", "visited_on"),
        Index("ix_field_visit_premises", "premises_id", "visited_on"),
        Index("ix_field_visit_nobody", "visited_on", postgresql_where=text("person_id IS NULL")),
        is_kept(Retention.PERSON),
    )

    visit_id: UUID = Field(primary_key=True)
    division_code: str = Field(sa_type=Text)
    coordinator: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    outcome: str = Field(sa_type=Text)
    person_id: UUID | None = Field(foreign_key="person.person_id", ondelete="CASCADE")
    premises_id: UUID | None = Field(foreign_key="premises.premises_id")
    visited_at: datetime = Field(sa_type=INSTANT)
    visited_on: date
    seen_version: int | None
    was_registered: bool = Field(description="What the register said for that day when the visit came in.")
    data_matches: bool | None
    sealed: bytes
    content_index: bytes = Field(description="Digest of what was reported: the same again is a repetition.")
    set_aside: bool = Field(description="An officer decided that it does not count.")
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class FieldVisitConflict(Table, table=True):
    """Where a visit disagrees with the register or with another visit; open until an officer decides which counts."""

    __tablename__ = "field_visit_conflict"
    __table_args__ = (
        one_of("kind", ("register_changed", "registered_after_all", "visits_differ")),
        one_of("status", ("open", "decided")),
        one_of("decision", ("visit_counts", "other_counts", "neither_counts")),
        CheckConstraint("(status = 'decided') = (decision IS NOT NULL)", name="decided"),
        CheckConstraint("(kind = 'visits_differ') = (other_visit_id IS NOT NULL)", name="other"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_field_visit_conflict_visit", "visit_id"),
        Index("ix_field_visit_conflict_other", "other_visit_id"),
        Index("ix_field_visit_conflict_created_at", "created_at", "visit_conflict_id"),
        is_kept(Retention.PERSON, "with the visits"),
    )

    visit_conflict_id: UUID = Field(primary_key=True)
    division_code: str = Field(sa_type=Text)
    visit_id: UUID = Field(foreign_key="field_visit.visit_id", ondelete="CASCADE")
    other_visit_id: UUID | None = Field(foreign_key="field_visit.visit_id", ondelete="CASCADE")
    kind: str = Field(sa_type=Text)
    seen_version: int | None
    current_version: int | None
    status: str = Field(sa_type=Text)
    decision: str | None = Field(sa_type=Text)
    decided_on: date | None
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class RateValue(Table, table=True):
    """Counts of one rate in one month and division, as last computed, under the definition they were counted by (RR-80)."""

    __tablename__ = "rate_value"
    __table_args__ = (
        Index("uq_rate_value", "rate", "definition_version", "division_code", "month", unique=True),
        CheckConstraint("numerator BETWEEN 0 AND denominator", name="numerator"),
        Index("ix_rate_value_month", "month", "created_at", "rate_value_id"),
        is_kept(Retention.AGGREGATE),
    )

    rate_value_id: UUID = Field(primary_key=True)
    rate: str = Field(sa_type=Text)
    definition_version: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    month: date = Field(description="Its first day.")
    numerator: int
    denominator: int
    computed_on: date
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


SEALED = (SealedColumn.of("field_visit", "visit_id"),)
