"""Homes that are let and their rooms, at the edge and as the store keeps them. Areas in dm² (100 dm² = 1 m²)."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Command, PlainText, View
from services.registry.rules.homes.premises import PremisesEndReason, PremisesKind, PremisesStatus, RoomKind
from services.registry.rules.homes.star_rating import LastGrade
from services.registry.schemas.persons import Name
from services.registry.schemas.phone import Phone
from services.registry.schemas.registrations import Address, DivisionCode

ROOMS_MAX = 500

RoomLabel = Annotated[PlainText, Field(max_length=20, description="As on the door; once per home.", examples=["201"])]
_ROOM: dict[str, JsonValue] = {"label": "201", "kind": "bedroom", "usable_area_dm2": 1250, "beds": 2, "is_let": True}


class RoomEntry(Command):
    """A room as it was built; kitchen, bathroom, balcony and underground storeroom may not be let (RR-66)."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ROOM]})

    label: RoomLabel
    kind: RoomKind
    usable_area_dm2: int | None = Field(None, ge=1, le=100_000, description="Usable area in dm²; left out: not measured.")
    beds: int = Field(0, ge=0, le=200, description="Numbered 1 … beds; 0 where nobody counts them.")
    is_let: bool = Field(description="Whether it is let for living in.")


class PremisesRegistration(Command):
    """A home that is let, to be registered within 3 working days (RR-15)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "rental_home",
                    "division_code": "330282107",
                    "address": "陈家村东路12号",
                    "landlord_id": "019ab0c2-1111-7000-8000-000000000011",
                    "let_from": "2026-03-01",
                    "rooms": [_ROOM],
                }
            ]
        }
    )

    kind: PremisesKind
    division_code: DivisionCode
    address: Address
    landlord_id: UUID
    let_from: date = Field(description="First day of the letting; not in the future.")
    storeys: int | None = Field(None, ge=1, le=100)
    manager_name: Name | None = Field(None, description="Who looks after it and keeps the book of guests (RR-69, RR-72).")
    manager_phone: Phone | None = None
    rooms: list[RoomEntry] = Field(default_factory=list, max_length=ROOMS_MAX)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _omittable(description: str) -> Any:
    return Field(default=None, description=description, json_schema_extra=_without_default)


class PremisesChange(Command):
    """A change (JSON merge patch): what is given replaces what is stored, null clears, what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"manager_phone": "13805740002"}]})

    kind: PremisesKind = _omittable("What it is.")
    address: Address = _omittable("The corrected address of the same home; another home is registered anew.")
    landlord_id: UUID = _omittable("The new landlord.")
    storeys: int | None = Field(None, ge=1, le=100)
    manager_name: Name | None = None
    manager_phone: Phone | None = None

    def changes(self) -> dict[str, Any]:
        """What is given."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class PremisesEnd(Command):
    """The end of a letting, to be told within 3 working days (RR-15)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ended_on": "2026-06-30", "reason": "letting_ended"}]})

    ended_on: date | None = Field(None, description="First day on which it is not let any more; today when left out.")
    reason: PremisesEndReason


class RoomRecord(View):
    """A room as the store keeps it."""

    room_id: UUID
    label: str
    kind: RoomKind
    usable_area_dm2: int | None
    beds: int
    is_let: bool


class PremisesRecord(VersionedRecord):
    """The full state of a home. Never leaves the service."""

    premises_id: UUID
    kind: PremisesKind
    status: PremisesStatus
    division_code: str
    address: str = Field(repr=False)
    landlord_id: UUID
    storeys: int | None
    manager_name: str | None = Field(repr=False)
    manager_phone: str | None = Field(repr=False)
    let_from: date
    report_due_on: date | None
    reported_late: bool | None
    report_unsettled_on: date | None = None
    ended_on: date | None
    end_reason: PremisesEndReason | None
    end_reported_late: bool | None
    end_unsettled_on: date | None = None
    rooms: tuple[RoomRecord, ...]

    @property
    def let_rooms(self) -> tuple[RoomRecord, ...]:
        """Those let for living in."""
        return tuple(room for room in self.rooms if room.is_let)

    @property
    def beds(self) -> int:
        """Beds in the rooms that are let."""
        return sum(room.beds for room in self.let_rooms)

    def room(self, room_id: UUID) -> RoomRecord | None:
        """The room of that id, when it is one of this home's."""
        return next((room for room in self.rooms if room.room_id == room_id), None)

    def remembered(self) -> Self:
        """As the history remembers it: without who looks after it."""
        return self.model_copy(update={"manager_name": None, "manager_phone": None})


class RoomView(View):
    """A room."""

    room_id: UUID
    label: str
    kind: RoomKind
    usable_area_dm2: int | None
    beds: int
    is_let: bool


class PremisesView(PersonalView):
    """A home that is let."""

    premises_id: UUID
    version: int
    kind: PremisesKind
    status: PremisesStatus
    division_code: str
    address: str
    landlord_id: UUID
    storeys: int | None
    manager_name: str | None
    manager_phone: str | None
    let_from: date
    report_due_on: date | None = Field(description="Last day for reporting the letting (RR-15).")
    reported_late: bool | None = Field(description="Null: cannot be told before the calendar of that year is held.")
    ended_on: date | None
    end_reason: PremisesEndReason | None
    end_reported_late: bool | None
    rooms: list[RoomView]
    let_rooms: int
    beds: int = Field(description="Beds in the rooms that are let.")
    guests: int = Field(description="People checked in now.")
    stars: int | None = Field(description="1 to 5 by the last graded inspection, while the grade holds (RR-73).")
    stars_valid_until: date | None = Field(description="First day on which the grade holds no more.")
    is_group_letting: bool | None = Field(description="10 rooms or beds and more (RR-69); null while no threshold is set.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(
        cls, record: PremisesRecord, sight: Sight, *, guests: int, grade: LastGrade | None, is_group_letting: bool | None
    ) -> Self:
        """The home as `sight` shows it."""
        whole = cls(
            **{name: value for name, value in record.__dict__.items() if name != "rooms"},
            rooms=[RoomView(**room.__dict__) for room in record.rooms],
            let_rooms=len(record.let_rooms),
            beds=record.beds,
            guests=guests,
            stars=None if grade is None else grade.stars,
            stars_valid_until=None if grade is None else grade.valid_until,
            is_group_letting=is_group_letting,
        )
        return sight.show(whole)


class PastPremisesView(View):
    """A home as of one version; without who looks after it."""

    kind: PremisesKind
    status: PremisesStatus
    division_code: str
    address: str
    landlord_id: UUID
    storeys: int | None
    let_from: date
    ended_on: date | None
    end_reason: PremisesEndReason | None
    rooms: list[RoomView]

    @classmethod
    def of(cls, record: PremisesRecord) -> Self:
        """A remembered state."""
        kept = {name: getattr(record, name) for name in cls.model_fields if name != "rooms"}
        return cls(**kept, rooms=[RoomView(**room.__dict__) for room in record.rooms])


class AddedRoomView(View):
    """A room that was added, and the home's version since."""

    room_id: UUID
    premises_id: UUID
    version: int
    label: str
    kind: RoomKind
    usable_area_dm2: int | None
    beds: int
    is_let: bool


class StandardView(View):
    """The capacity standard in use, with its source and how sure we are of it."""

    key: str
    usable_area_dm2_per_person_min: int | None
    persons_per_room_max: int | None
    source: str
    confidence: str = Field(description="S text seen, S2 secondary, D derived, G-high, G-low general knowledge, design.")
    rule: str
    note: str


class RoomUseView(View):
    """How many people a room houses and may house; null: not available."""

    room_id: UUID
    label: str
    usable_area_dm2: int | None
    beds: int
    guests: int
    persons_max: int | None
    is_over: bool | None


class CapacityView(View):
    """How full a home is, by the standard in use; without a standard nothing is said about any room (RR-71)."""

    premises_id: UUID
    on: date
    standard: StandardView | None
    rooms: list[RoomUseView]
    guests: int
    beds: int
    is_over: bool | None = Field(description="Whether some room is over; null when that cannot be told.")
