"""Homes that are let, their landlords and letters, and who stays in them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlmodel import Field

from services.chassis.columns import INSTANT, NOW, digest, is_kept, one_of
from services.chassis.retention import Retention
from services.chassis.sealed_columns import SealedColumn
from services.registry.tables.ground import UNSETTLED, Table

_PREFIX_SEARCH = {"division_code": "text_pattern_ops"}


class Landlord(Table, table=True):
    """Who lets homes: somebody on the register (`person_id`), another person or an organisation. `sealed`: name, number, phone.
    A landlord whose person was deleted keeps the id alone, for the homes that name it.
    """

    __tablename__ = "landlord"
    __table_args__ = (
        one_of("kind", ("person", "organisation")),
        CheckConstraint("kind = 'person' OR person_id IS NULL", name="person_id"),
        CheckConstraint("version > 0", name="version"),
        digest("number_index"),
        Index(
            "uq_landlord_number",
            "division_code",
            "number_index",
            unique=True,
        ),
        Index("uq_landlord_person", "division_code", "person_id", unique=True),
        Index("ix_landlord_division", "division_code", "created_at", "landlord_id", postgresql_ops=_PREFIX_SEARCH),
        is_kept(Retention.AGGREGATE, "a party to lettings; nothing of it is in any history"),
    )

    landlord_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    person_id: UUID | None = Field(foreign_key="person.person_id", ondelete="SET NULL")
    number_index: bytes | None
    sealed: bytes
    erased_on: date | None = Field(description="Emptied by two officers (V-19).")
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class ResponsibilityLetter(Table, table=True):
    """A letter of responsibility for public order signed by a landlord (RR-74). `sealed`: evidence."""

    __tablename__ = "responsibility_letter"
    __table_args__ = (
        CheckConstraint("valid_until > signed_on", name="valid_until"),
        CheckConstraint("ended_on >= signed_on", name="ended_on"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_responsibility_letter_landlord", "landlord_id", "signed_on"),
        is_kept(Retention.AGGREGATE),
    )

    letter_id: UUID = Field(primary_key=True)
    landlord_id: UUID = Field(foreign_key="landlord.landlord_id")
    division_code: str = Field(sa_type=Text)
    signed_on: date
    valid_until: date = Field(description="First day on which it holds no more.")
    ended_on: date | None
    sealed: bytes
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class Premises(Table, table=True):
    """A home that is let. `sealed`: address, and name and phone of who looks after it."""

    __tablename__ = "premises"
    __table_args__ = (
        one_of("kind", ("rental_home", "concentrated_point", "employer_dormitory")),
        one_of("status", ("registered", "ended")),
        CheckConstraint("(status = 'ended') = (ended_on IS NOT NULL AND end_reason IS NOT NULL)", name="ended"),
        CheckConstraint("ended_on >= let_from", name="ended_on"),
        CheckConstraint("version > 0", name="version"),
        digest("address_index"),
        Index("uq_premises_address", "address_index", unique=True, postgresql_where=text("status = 'registered'")),
        Index("ix_premises_landlord", "landlord_id"),
        Index("ix_premises_division", "division_code", "created_at", "premises_id", postgresql_ops=_PREFIX_SEARCH),
        Index("ix_premises_report_unsettled", "let_from", postgresql_where=text("report_unsettled_on IS NOT NULL")),
        Index("ix_premises_ended", "ended_on", postgresql_where=text("ended_on IS NOT NULL AND erased_on IS NULL")),
        Index("ix_premises_end_unsettled", "ended_on", postgresql_where=text("end_unsettled_on IS NOT NULL")),
        is_kept(Retention.AGGREGATE),
    )

    premises_id: UUID = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    division_code: str = Field(sa_type=Text)
    landlord_id: UUID = Field(foreign_key="landlord.landlord_id")
    address_index: bytes = Field(description="Digest of town and normalised address.")
    sealed: bytes
    storeys: int | None
    let_from: date
    report_due_on: date | None
    reported_late: bool | None
    report_unsettled_on: date | None = Field(description=UNSETTLED)
    ended_on: date | None
    end_reason: str | None = Field(sa_type=Text)
    end_reported_late: bool | None
    end_unsettled_on: date | None = Field(description=UNSETTLED)
    erased_on: date | None = Field(description="Emptied by two officers (V-19).")
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


class Room(Table, table=True):
    """A room of a home as it was built (RR-65); it is part of its home and has no version of its own."""

    __tablename__ = "room"
    __table_args__ = (
        one_of("kind", ("bedroom", "living_room", "kitchen", "bathroom", "balcony", "underground_storeroom", "other")),
        CheckConstraint("usable_area_dm2 > 0", name="usable_area_dm2"),
        CheckConstraint("beds >= 0", name="beds"),
        Index("uq_room_label", "premises_id", "label", unique=True),
        is_kept(Retention.AGGREGATE),
    )

    room_id: UUID = Field(primary_key=True)
    premises_id: UUID = Field(foreign_key="premises.premises_id")
    division_code: str = Field(sa_type=Text)
    label: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    usable_area_dm2: int | None
    beds: int
    is_let: bool


class Stay(Table, table=True):
    """A person in a room, and in a bed where there are any; a person has one open stay, a bed one guest. `sealed`: who keeps
    the book.
    """

    __tablename__ = "stay"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
        CheckConstraint("ended_at >= started_at", name="ended_at"),
        CheckConstraint("bed > 0", name="bed"),
        CheckConstraint("version > 0", name="version"),
        Index("uq_stay_open", "person_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("uq_stay_bed", "room_id", "bed", unique=True, postgresql_where=text("ended_at IS NULL AND bed IS NOT NULL")),
        Index("ix_stay_person", "person_id", "created_at"),
        Index("ix_stay_premises", "premises_id", "created_at", "stay_id"),
        Index("ix_stay_report_unsettled", "started_at", postgresql_where=text("report_unsettled_on IS NOT NULL")),
        Index("ix_stay_end_unsettled", "ended_at", postgresql_where=text("end_unsettled_on IS NOT NULL")),
        is_kept(Retention.PERSON),
    )

    stay_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(foreign_key="person.person_id", ondelete="CASCADE")
    premises_id: UUID = Field(foreign_key="premises.premises_id")
    landlord_id: UUID = Field(foreign_key="landlord.landlord_id", description="Whose guest it is or was; kept by triggers.")
    room_id: UUID = Field(foreign_key="room.room_id")
    division_code: str = Field(sa_type=Text)
    bed: int | None
    started_at: datetime = Field(sa_type=INSTANT)
    report_due_on: date | None
    reported_late: bool | None
    report_unsettled_on: date | None = Field(description=UNSETTLED)
    ended_at: datetime | None = Field(sa_type=INSTANT)
    end_reason: str | None = Field(sa_type=Text)
    end_reported_late: bool | None
    end_unsettled_on: date | None = Field(description=UNSETTLED)
    sealed: bytes
    version: int
    created_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)
    updated_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs=NOW)


SEALED = (
    SealedColumn.of("landlord", "landlord_id"),
    SealedColumn.of("responsibility_letter", "letter_id"),
    SealedColumn.of("premises", "premises_id"),
    SealedColumn.of("stay", "stay_id"),
)
