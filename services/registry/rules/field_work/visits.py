"""A visit to a person or a home: what may be reported, and where it disagrees with the register or with another coordinator.

A visit is an observation. It never changes a registration, and where it disagrees both stand until an officer decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.registry.rules.division import covers
from services.registry.rules.division_tree import Divisions
from services.registry.rules.findings import Finding


class VisitSubject(StrEnum):
    """What was looked for."""

    PERSON = "person"
    HOME = "home"


class VisitOutcome(StrEnum):
    """What was found."""

    FOUND = "found"
    """met at the registered address; a home: let, as registered"""
    NOT_FOUND = "not_found"
    """nobody met; a home: not there, or not let"""
    MOVED = "moved"
    """neighbours or landlord say the person has left; of persons only"""
    DIFFERENT_ADDRESS = "different_address"
    """met, and living at another address; a home: let, at another address than registered"""
    FOUND_NOT_REGISTERED = "found_not_registered"
    """met and not registered; a home: let and not registered"""


class VisitConflictKind(StrEnum):
    """In what two records disagree."""

    REGISTER_CHANGED = "register_changed"
    """the coordinator saw another version than the register has now"""
    REGISTERED_AFTER_ALL = "registered_after_all"
    """found as not registered, and the register says otherwise for that day"""
    VISITS_DIFFER = "visits_differ"
    """another coordinator found something else on the same day"""


class VisitConflictDecision(StrEnum):
    """Which of the visits an officer lets count."""

    VISIT_COUNTS = "visit_counts"
    OTHER_COUNTS = "other_counts"
    NEITHER_COUNTS = "neither_counts"


@dataclass(frozen=True, slots=True)
class Walk:
    """A division a coordinator walks; `valid_until` is the first day on which it does no more."""

    division_code: str
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """A visit as reported; which of the ids and answers are given."""

    subject: VisitSubject
    outcome: VisitOutcome
    visited_on: date
    has_person: bool
    has_premises: bool
    has_data_match: bool
    has_found_address: bool


def is_assigned(walks: Iterable[Walk], division_code: str, on: date, divisions: Divisions) -> bool:
    """Whether the division was walked on the day of the visit, whenever it is handed in. A division that changed its code takes
    its coordinators along (C-26).
    """
    visited = divisions.current_code(division_code, on)
    return any(
        covers(divisions.current_code(walk.division_code, on), visited)
        and walk.valid_from <= on
        and (walk.valid_until is None or on < walk.valid_until)
        for walk in walks
    )


def visit_problems(facts: VisitFacts, *, today: date, days_max: int) -> tuple[Finding, ...]:
    """Every reason why a visit is not taken; it is told back and the rest of the batch stands."""
    problems = []
    is_person = facts.subject is VisitSubject.PERSON
    needs_id = facts.outcome is not VisitOutcome.FOUND_NOT_REGISTERED
    own, other = (facts.has_person, facts.has_premises) if is_person else (facts.has_premises, facts.has_person)
    if other or (needs_id and not own):
        problems.append(_WHOM)
    if facts.outcome is VisitOutcome.MOVED and not is_person:
        problems.append(_HOMES_DO_NOT_MOVE)
    if facts.has_data_match != (is_person and facts.outcome is VisitOutcome.FOUND):
        problems.append(_DATA_MATCH)
    if facts.has_found_address and facts.outcome not in _ELSEWHERE:
        problems.append(_FOUND_ADDRESS)
    if (today - facts.visited_on).days > days_max:
        problems.append(_too_old(days_max))
    return tuple(problems)


def conflicts_with_register(
    outcome: VisitOutcome, *, seen_version: int | None, version: int | None, was_registered: bool
) -> tuple[VisitConflictKind, ...]:
    """Where a visit disagrees with the register: the version the coordinator had seen, and the state on the day."""
    found = []
    if seen_version is not None and seen_version != version:
        found.append(VisitConflictKind.REGISTER_CHANGED)
    if outcome is VisitOutcome.FOUND_NOT_REGISTERED and was_registered:
        found.append(VisitConflictKind.REGISTERED_AFTER_ALL)
    return tuple(found)


def _too_old(days_max: int) -> Finding:
    return Finding(
        "visit_too_old",
        "RR-75",
        f"走访应在{days_max}日内上报。",
        f"A visit is handed in within {days_max} days.",
    )


_ELSEWHERE = frozenset({VisitOutcome.DIFFERENT_ADDRESS, VisitOutcome.FOUND_NOT_REGISTERED})
_WHOM = Finding(
    "subject_unclear",
    "RR-75",
    "走访人员填写 person_id，走访房屋填写 premises_id；仅“未登记”可以不填。",
    "A visit to a person names person_id, to a home premises_id; only what is not registered has none.",
)
_HOMES_DO_NOT_MOVE = Finding(
    "outcome_of_persons",
    "RR-76",
    "“已搬离”只适用于人员。",
    "Only a person moves away.",
)
_DATA_MATCH = Finding(
    "data_matches_unclear",
    "RR-77",
    "在登记地址见到本人时应填写主要信息是否一致，其他情形不填。",
    "Whether key data match is told when the person is met at the registered address, and only then.",
)
_FOUND_ADDRESS = Finding(
    "found_address_unclear",
    "RR-77",
    "实际地址只在地址不同或未登记时填写。",
    "The address found is told when it differs from the registered one or nothing is registered.",
)
