"""Rental homes and their rooms: the smallest unit let is the room as built, and some may not be let at all (RR-65, RR-66).

Areas are whole square decimetres (dm²; 100 dm² = 1 m²): fine enough for a surveyor's tape, exact, and never a float.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.parameters import Document, History, list_of, one_of, whole_number
from services.chassis.working_days import Deadline, WorkingDays
from services.registry.rules.findings import Finding


class PremisesKind(StrEnum):
    """What is let. Hotels and public rental housing are registered elsewhere (RR-64)."""

    RENTAL_HOME = "rental_home"
    """出租房屋"""
    CONCENTRATED_POINT = "concentrated_point"
    """集中居住点 (COM-69)"""
    EMPLOYER_DORMITORY = "employer_dormitory"
    """单位宿舍"""


class RoomKind(StrEnum):
    """A room as it was built, whatever it is used for now (RR-65)."""

    BEDROOM = "bedroom"
    LIVING_ROOM = "living_room"
    KITCHEN = "kitchen"
    BATHROOM = "bathroom"
    BALCONY = "balcony"
    UNDERGROUND_STOREROOM = "underground_storeroom"
    OTHER = "other"


class PremisesStatus(StrEnum):
    """Whether the home is let now."""

    REGISTERED = "registered"
    ENDED = "ended"


class PremisesEndReason(StrEnum):
    """Why a home leaves the register."""

    LETTING_ENDED = "letting_ended"
    DEMOLISHED = "demolished"
    CHANGE_OF_USE = "change_of_use"
    RECORDED_IN_ERROR = "recorded_in_error"


@dataclass(frozen=True, slots=True)
class PremisesParameters:
    """The dated values in `homes.toml` that are about a home as a whole."""

    kinds_not_let: History[tuple[RoomKind, ...]]
    report_working_days_max: History[int]
    group_letting_rooms_min: History[int | None]
    group_letting_beds_min: History[int | None]


def read_premises_parameters(document: Document) -> PremisesParameters:
    """Those values of `homes.toml`; the rest is `capacity.py`'s to read. Raises ParameterError."""
    return PremisesParameters(
        kinds_not_let=document.history("kinds_not_let", list_of(one_of(RoomKind))),
        report_working_days_max=document.history("report_working_days_max", whole_number(1, 60)),
        group_letting_rooms_min=document.optional_history("group_letting_rooms_min", whole_number(1, 1000)),
        group_letting_beds_min=document.optional_history("group_letting_beds_min", whole_number(1, 1000)),
    )


def room_problem(kind: RoomKind, *, is_let: bool, on: date, parameters: PremisesParameters) -> Finding | None:
    """Why a room may not be let for living in (MOHURD decree 6 Art 8; RR-66), `None` when it may or is not let."""
    history = parameters.kinds_not_let
    if not is_let or not any(entry.is_in_force(on) and kind in entry.value for entry in history.entries):
        return None
    return _NOT_LET


def is_group_letting(rooms: int, beds: int, on: date, parameters: PremisesParameters) -> bool | None:
    """Whether so many let rooms or beds are group letting (集中出租, RR-69; COM-63); `None` while no threshold is set."""
    limits = [
        (count, limit)
        for count, history in ((rooms, parameters.group_letting_rooms_min), (beds, parameters.group_letting_beds_min))
        if any(entry.is_in_force(on) for entry in history.entries) and (limit := history.on(on)) is not None
    ]
    return any(count >= limit for count, limit in limits) if limits else None


def report_deadline(event_on: date, calendar: WorkingDays, parameters: PremisesParameters) -> Deadline | None:
    """Until when the start or end of a letting, or of a stay, is reported (RR-15, RR-72); the day itself is not counted.

    `None` before the duty was in force.
    """
    for entry in parameters.report_working_days_max.entries:
        if entry.is_in_force(event_on):
            return calendar.deadline(event_on, entry.value)
    return None


def report_settled_until(calendar: WorkingDays, parameters: PremisesParameters) -> date:
    """The last day whose starts and ends have a deadline counted by notices alone, whichever term was in force."""
    return calendar.settled_until(max(entry.value for entry in parameters.report_working_days_max.entries))


_NOT_LET = Finding(
    "room_not_lettable",
    "RR-66",
    "厨房、卫生间、阳台和地下储藏室不得出租供人员居住。",
    "Kitchen, bathroom, balcony and underground storeroom may not be let for living in.",
)
