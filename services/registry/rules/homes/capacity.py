"""How many people a room may house: usable area per person and people per room (RR-65, RR-68, RR-71; COM-61, COM-62).

This city's own values were not found (RR-71). So the standard in use is a dated choice among named standards, empty as shipped;
while it is empty nothing is over-crowded and nothing is not: the answer is "not available". Hangzhou's values are one of the
names.
"""

from dataclasses import dataclass
from datetime import date

from services.chassis.parameters import Confidence, Document, Fields, History, ParameterError, Register, text, whole_number
from services.registry.rules.findings import Finding


@dataclass(frozen=True, slots=True)
class CapacityStandard:
    """A named standard; a limit that it does not set is `None`. Areas in dm²."""

    key: str
    usable_area_dm2_per_person_min: int | None
    persons_per_room_max: int | None


@dataclass(frozen=True, slots=True)
class StandardInForce:
    """The standard chosen, with what is known of it: where it comes from and how sure we are."""

    standard: CapacityStandard
    source: str
    confidence: Confidence
    rule: str
    note: str


@dataclass(frozen=True, slots=True)
class RoomCapacity:
    """`persons_max` and `is_over` are `None` when they cannot be told: no standard, or no area measured."""

    persons_max: int | None
    is_over: bool | None


@dataclass(frozen=True, slots=True)
class CapacityParameters:
    """Which standard is used when, and the standards by name."""

    chosen: History[str | None]
    standards: Register[CapacityStandard]

    def on(self, day: date) -> StandardInForce | None:
        """The standard used on that day; `None` while the city has not set one (RR-71)."""
        if not any(entry.is_in_force(day) for entry in self.chosen.entries) or (key := self.chosen.on(day)) is None:
            return None
        for row in self.standards.rows:
            if row.value.key == key and row.is_in_force(day):
                return StandardInForce(row.value, row.source, row.confidence, row.rule, row.note)
        return None


def read_capacity_parameters(document: Document) -> CapacityParameters:
    """The standard chosen and the standards in `homes.toml`. Raises ParameterError, also when the one chosen is not held."""
    chosen = document.optional_history("capacity_standard", text)
    standards = document.register("capacity_standards", _read_standard)
    held = {row.value.key for row in standards.rows}
    for entry in chosen.entries:
        if entry.value is not None and entry.value not in held:
            raise ParameterError(f"{document.name}: capacity_standard {entry.value!r} is none of {', '.join(sorted(held))}")
    return CapacityParameters(chosen, standards)


def assess_room(usable_area_dm2: int | None, persons: int, standard: CapacityStandard | None) -> RoomCapacity:
    """How many people a room may house, and whether it houses more. The stricter of the limits counts; of a room that was
    not measured only the limit per room can be told, and that it is kept says nothing about the area.
    """
    if standard is None:
        return RoomCapacity(None, None)
    limits = []
    if standard.persons_per_room_max is not None:
        limits.append(standard.persons_per_room_max)
    if standard.usable_area_dm2_per_person_min is not None and usable_area_dm2 is not None:
        limits.append(usable_area_dm2 // standard.usable_area_dm2_per_person_min)
    if not limits:
        return RoomCapacity(None, None)
    is_over = persons > min(limits)
    was_measured = standard.usable_area_dm2_per_person_min is None or usable_area_dm2 is not None
    return RoomCapacity(min(limits), is_over if is_over or was_measured else None)


def overcrowding(persons: int, persons_max: int) -> Finding:
    """What is said at a check-in into a room that is then too full: to the manager and the office, about the room."""
    return Finding(
        "room_overcrowded",
        "RR-68",
        f"该房间现住{persons}人，按现行标准最多{persons_max}人。入住照常登记；请出租人调整房间。",
        f"The room now houses {persons}; the standard in use allows {persons_max}. The check-in stands; the landlord is to"
        " make room.",
    )


def _read_standard(fields: Fields) -> CapacityStandard:
    return CapacityStandard(
        key=fields.take("key", text),
        usable_area_dm2_per_person_min=fields.take_optional("usable_area_dm2_per_person_min", whole_number(100, 5000)),
        persons_per_room_max=fields.take_optional("persons_per_room_max", whole_number(1, 50)),
    )
