"""Whose score counts for a family (P-08): that of its one highest holder; scores are never added."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.points_hukou.rules.assessment import Assessment

_SPOUSE = "spouse"
_RAISING = frozenset({"parent", "guardian"})


@dataclass(frozen=True, slots=True)
class Tie:
    """A relationship: `related` is the `kind` of `person`, until before `ended_on`. Ids are those in use."""

    person: UUID
    related: UUID
    kind: str
    valid_from: date
    ended_on: date | None

    def holds_on(self, day: date) -> bool:
        """Whether it does."""
        return self.valid_from <= day and (self.ended_on is None or day < self.ended_on)


def is_raising(adult: UUID, child: UUID, ties: Iterable[Tie], on: date) -> bool:
    """Whether somebody is parent or guardian of a child on a day."""
    return any((tie.person, tie.related) == (child, adult) and tie.kind in _RAISING and tie.holds_on(on) for tie in ties)


def are_of_one_family(one: UUID, other: UUID, child: UUID | None, ties: Sequence[Tie], on: date) -> bool:
    """Whether two apply as one family: spouses, or both of them parents or guardians of the child it is for."""
    married = any({tie.person, tie.related} == {one, other} and tie.kind == _SPOUSE and tie.holds_on(on) for tie in ties)
    return married or (child is not None and is_raising(one, child, ties, on) and is_raising(other, child, ties, on))


def counted_of(assessments: Sequence[Assessment]) -> int:
    """The place of the one that counts: a score that may be used before one that may not, then the highest, then the first."""
    return max(range(len(assessments)), key=lambda place: (assessments[place].stands, assessments[place].total, -place))
