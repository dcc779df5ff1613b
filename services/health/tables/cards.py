"""Vaccination cards, doses, and what comes next for each card.

Which vaccine was given on which day lies in the clear, behind forced row security: coverage, recalls and lists of who needs
what are set operations over it. Who gave it, of what product, to whom the clinic talks and what stands against a vaccine is
sealed.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, is_kept, one_of
from services.chassis.db import Jsonb
from services.chassis.retention import Retention
from services.chassis.sealed_columns import SealedColumn
from services.health.rules.cards import CardBasis, CardStatus, DoseStatus, Evidence, Funding
from services.health.tables.ground import Table


class VaccinationCard(Table, table=True):
    """A child's card (接种卡); one per child, wherever in the city it is kept. `sealed`: `schemas.cards.CardSecrets`."""

    __tablename__ = "vaccination_card"
    __table_args__ = (
        one_of("status", tuple(CardStatus)),
        one_of("basis", tuple(CardBasis)),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("status <> 'moved_out' OR moved_out_on IS NOT NULL", name="moved_out"),
        CheckConstraint("(status = 'away') = (away_since IS NOT NULL)", name="away"),
        UniqueConstraint("person_id", name="uq_vaccination_card_person_id"),
        Index("ix_vaccination_card_created_at", "created_at", "card_id"),
        Index("ix_vaccination_card_clinic_code", "clinic_code", "status"),
        is_kept(Retention.PERSON, "V-65; IMM-58 asks for fifteen years after the sixth birthday"),
    )

    card_id: UUID = Field(primary_key=True)
    person_id: UUID
    division_code: str = Field(sa_type=Text, description="Where the child lives: town or village.")
    clinic_code: str = Field(sa_type=Text, description="The vaccination unit that keeps the card.")
    status: str = Field(sa_type=Text)
    basis: str = Field(sa_type=Text)
    opened_on: date
    due_on: date | None = Field(description="Last day for the certificate (IMM-51, X-31), where one is due.")
    certificate_issued_on: date | None
    checked_on: date = Field(description="When the unit last looked whether the child is still there (IMM-55).")
    away_since: date | None
    moved_out_on: date | None
    has_facts: bool = Field(description="Whether `sealed` holds something the engine asks for.")
    sealed: bytes
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class DoseRow(Table, table=True):
    """A dose a child had, here or elsewhere. `sealed`: `schemas.doses.DoseSecrets`."""

    __tablename__ = "dose"
    __table_args__ = (
        one_of("status", tuple(DoseStatus)),
        one_of("evidence", tuple(Evidence)),
        one_of("funding", tuple(Funding)),
        CheckConstraint("version > 0 AND reports > 0", name="version"),
        Index(
            "uq_dose_same_day",
            "person_id",
            "vaccine_code",
            "given_on",
            unique=True,
            postgresql_where=text("status = 'recorded'"),
        ),
        Index("ix_dose_card_id", "card_id"),
        Index("ix_dose_person_id", "person_id"),
        is_kept(Retention.PERSON, "V-65; at least five years after the vaccine's expiry"),
    )

    dose_id: UUID = Field(primary_key=True)
    card_id: UUID = Field(sa_column=Column(ForeignKey("vaccination_card.card_id"), nullable=False))
    person_id: UUID
    vaccine_code: str = Field(sa_type=Text)
    given_on: date
    status: str = Field(sa_type=Text)
    evidence: str = Field(sa_type=Text, description="How the clinic knows: given here, or what it saw.")
    funding: str = Field(sa_type=Text)
    is_campaign: bool
    clinic_code: str | None = Field(sa_type=Text, description="The unit that gave it, where it is one of this city.")
    division_code: str = Field(sa_type=Text, description="Of the office that recorded it.")
    reports: int = Field(description="How often the same dose was reported (X-35).")
    sealed: bytes
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class CardForecast(Table, table=True):
    """What comes next for a card, as the engine said on `as_of`; a job asks it again every day."""

    __tablename__ = "card_forecast"
    __table_args__ = (
        Index("ix_card_forecast_as_of", "as_of"),
        Index("ix_card_forecast_overdue_from", "overdue_from", postgresql_where=text("overdue_from IS NOT NULL")),
        is_kept(Retention.PERSON, "computed from the doses"),
    )

    card_id: UUID = Field(sa_column=Column(ForeignKey("vaccination_card.card_id"), primary_key=True))
    person_id: UUID
    as_of: date
    edition: str = Field(sa_type=Text)
    lines: list[Any] = Field(sa_type=Jsonb, description="`rules.standing.Line`, one per line of protection.")
    next_on: date | None = Field(description="The earliest recommended day of any line.")
    overdue_from: date | None = Field(description="The earliest day on which a line is late.")
    version: int = Field(description="Rises when something about it changes, not with the day.")
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class CardConflict(Table, table=True):
    """Two cards of one human, found when persons were merged. Whether it is open is looked up (`is_card_conflict_open`)."""

    __tablename__ = "card_conflict"
    __table_args__ = (
        UniqueConstraint("card_id", "other_card_id", name="uq_card_conflict_pair"),
        CheckConstraint("card_id < other_card_id", name="order"),
        Index("ix_card_conflict_created_at", "created_at", "conflict_id"),
        Index("ix_card_conflict_other_card_id", "other_card_id"),
        Index("ix_card_conflict_person_id", "person_id"),
        is_kept(Retention.PERSON, "ids only"),
    )

    conflict_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(description="Who has two, under the id in use then.")
    card_id: UUID = Field(sa_column=Column(ForeignKey("vaccination_card.card_id"), nullable=False))
    other_card_id: UUID = Field(sa_column=Column(ForeignKey("vaccination_card.card_id"), nullable=False))
    opened_on: date
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


SEALED = (SealedColumn.of("vaccination_card", "card_id"), SealedColumn.of("dose", "dose_id"))
"""What the store seals; a rotation of keys goes through it."""
