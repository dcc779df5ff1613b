"""What came of every child, and why: each school asked, and on what link of the chain a refusal turned (education.md §5.3, 4).

Which link decided is found for all wishes at once, beside the last who got a place open to everybody – that is the published
cut-off, and whoever stands behind it can see where.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from services.education.rules.placement.columns import NOT_ADMISSIBLE, Columns, Ints
from services.education.rules.placement.mechanisms import NONE, Placed, decided
from services.education.rules.placement.problem import EVERYBODY, Problem
from services.education.rules.placement.stages import OPEN, Stage, places_of
from services.education.rules.placement.units import Unit


class Outcome(StrEnum):
    """What a wish came to."""

    PLACED = "placed"
    REFUSED = "refused"
    NOT_ADMISSIBLE = "not_admissible"
    NOT_NEEDED = "not_needed"


class Deciding(StrEnum):
    """On what a refusal turned, beside the ids of tie-breaks. `EARLIER_BAND`: the places were given for good before this wish
    was read (comparison mechanisms only). `RESERVED`: no place there was open to everybody.
    """

    CLASS = "class"
    POINTS = "points"
    LOTTERY = "lottery"
    EARLIER_BAND = "earlier_band"
    RESERVED = "reserved"
    NO_PLACES = "no_places"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One wish and what it came to; `decided_by` (a `Deciding` or the id of a tie-break) for a refusal alone."""

    offer: str
    outcome: Outcome
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One child: what it was ranked by, every wish, and the place, if any. `place`: from which places (`written_stage`)."""

    child: str
    points: int
    ties: tuple[int | None, ...]
    lottery: str
    offer: str | None
    place: str | None
    attempts: tuple[Attempt, ...]
    together: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is ranked by at an offer; with a lottery alone, neither points nor ties."""

    priority_class: str
    points: int | None
    ties: tuple[int | None, ...]
    lottery: str


@dataclass(frozen=True, slots=True)
class CutOff:
    """One offer afterwards. `last`: who got the last place open to everybody. `beyond`: places beyond the plan, given so that
    children who asked for it stay together.
    """

    offer: str
    places: int
    taken: int
    beyond: int
    last: Standing | None

    @property
    def left(self) -> int:
        """Places nobody has."""
        return max(0, self.places - self.taken)


@dataclass(frozen=True)
class Placement:
    """A placement with all that explains it. Records are made when asked for; what they rest on is there for everybody."""

    problem: Problem
    columns: Columns
    placed: Placed

    @cached_property
    def _explained(self) -> Ints:
        return _explained(self.columns, self.placed)

    def explain(self) -> "Placement":
        """Find now, for every wish of everybody, what it came to and on what that turned."""
        _ = self._explained
        return self

    def records(self) -> Iterator[Record]:
        """Every child, in the order of the pseudonyms."""
        for child in sorted(self._unit_of):
            yield self.record_of(child)

    def record_of(self, child: str) -> Record:
        """One child. Raises KeyError."""
        return next(each for each in self._records_of(self._unit_of[child]) if each.child == child)

    def offer_of(self, child: str) -> str | None:
        """Where a child is placed. Raises KeyError."""
        row = int(self.placed.row[self._unit_of[child]])
        return None if row == NONE else self.problem.offers[int(self.columns.offer[row])].id

    def wish_of(self, child: str) -> int | None:
        """How far down its list a child is placed, from 0. Raises KeyError."""
        row = int(self.placed.row[self._unit_of[child]])
        return None if row == NONE else int(self.columns.number[row])

    def cut_offs(self) -> tuple[CutOff, ...]:
        """Every offer, in the order of the problem."""
        last, _ = decided(self.columns, self.placed)
        by_kind = self._taken_by_kind()
        taken, beyond = by_kind.sum(axis=1), np.maximum(by_kind - self.columns.stages.places, 0).sum(axis=1)
        return tuple(
            CutOff(offer.id, offer.places, int(taken[place]), int(beyond[place]), self._standing(int(last[place])))
            for place, offer in enumerate(self.problem.offers)
        )

    @cached_property
    def _unit_of(self) -> dict[str, int]:
        units = self.columns.units
        found = {child.id: place for place, child in enumerate(units.stands)}
        found.update((member, place) for place, members in units.together.items() for member in members)
        return found

    def places_left(self, without: frozenset[str] = frozenset()) -> dict[str, dict[str, int]]:
        """Places nobody has, by offer and kind (`stages.places_of`), as if children in `without` had given theirs up."""
        taken = self._taken_by_kind()
        for child in without:
            unit = self._unit_of[child]
            row, stage = int(self.placed.row[unit]), int(self.placed.stage[unit])
            if row != NONE:
                offer = int(self.columns.offer[row])
                taken[offer, self.columns.stages.kind[stage, offer]] -= 1
        left = np.maximum(self.columns.stages.places - taken, 0)
        return {
            offer.id: {kind: int(left[at, number]) for number, kind in enumerate(places_of(offer))}
            for at, offer in enumerate(self.problem.offers)
        }

    def _taken_by_kind(self) -> Ints:
        stages, columns = self.columns.stages, self.columns
        won = np.flatnonzero(self.placed.row != NONE)
        offer = columns.offer[self.placed.row[won]]
        by_kind = np.zeros_like(stages.places)
        np.add.at(by_kind, (offer, stages.kind[self.placed.stage[won], offer]), columns.size[won])
        return by_kind

    def _standing(self, rank: int) -> Standing | None:
        if rank == NONE:
            return None
        row = int(self.columns.row_at[rank])
        return self.standing_at(row)

    def standing_at(self, row: int) -> Standing | None:
        """What the unit of a row is ranked by there; `None` where it is not admissible."""
        columns = self.columns
        if columns.klass[row] == NOT_ADMISSIBLE:
            return None
        unit = columns.units[int(columns.unit[row])]
        offer = self.problem.offers[int(columns.offer[row])]
        named = self.problem.rules.priorities[offer.priority][int(columns.klass[row])]
        if columns.is_drawn[row]:
            return Standing(named.id, None, (), unit.number.hex())
        return Standing(named.id, unit.points, unit.ties, unit.number.hex())

    def rows_of(self, child: str) -> range:
        """The rows of a child's wishes, in the order of its list. Raises KeyError."""
        place = self._unit_of[child]
        return range(int(self.columns.first[place]), int(self.columns.first[place + 1]))

    def _records_of(self, place: int) -> Iterator[Record]:
        columns, unit = self.columns, self.columns.units[place]
        row, stage = int(self.placed.row[place]), int(self.placed.stage[place])
        at = None if row == NONE else int(columns.offer[row])
        offer = None if at is None else self.problem.offers[at].id
        where = None if at is None else written_stage(columns.stages.of_offer[at][stage])
        attempts = self._attempts(unit, int(columns.first[place]), int(columns.first[place + 1]))
        together = unit.members if unit.size > 1 else ()
        for member in unit.members:
            yield Record(member, unit.points, unit.ties, unit.number.hex(), offer, where, attempts, together)

    def _attempts(self, unit: Unit, start: int, end: int) -> tuple[Attempt, ...]:
        known, codes = self._known, self._explained[start:end].tolist()
        found = []
        for wish, code in zip(unit.wishes, codes, strict=True):
            key = (wish.offer, code)
            attempt = known.get(key)
            if attempt is None:
                outcome, link = divmod(code, _LINKS)
                attempt = known[key] = Attempt(
                    wish.offer, _OUTCOMES[outcome], self._words[link] if outcome == _REFUSED else None
                )
            found.append(attempt)
        return tuple(found)

    @cached_property
    def _known(self) -> dict[tuple[str, int], Attempt]:
        """Attempts made so far; there are few different ones, so the records of a city share them."""
        return {}

    @cached_property
    def _words(self) -> list[str]:
        ties = [each.id for each in self.problem.rules.tie_breaks]
        return [Deciding.CLASS, Deciding.POINTS, *ties, Deciding.LOTTERY, *_OTHERS]


_OUTCOMES = (Outcome.PLACED, Outcome.REFUSED, Outcome.NOT_ADMISSIBLE, Outcome.NOT_NEEDED)
_PLACED, _REFUSED, _NOT_ADMISSIBLE, _NOT_NEEDED = range(4)
_LINKS = 1000
"""More than a chain has."""
_OTHERS = (Deciding.NO_PLACES, Deciding.RESERVED, Deciding.EARLIER_BAND)
"""Counted from the end, after the links of the chain."""


def _explained(columns: Columns, placed: Placed) -> Ints:
    """What each row came to, times `_LINKS`, plus the link on which a refusal turned."""
    last, is_asked = decided(columns, placed)
    outcome = np.where(is_asked, _REFUSED, _NOT_NEEDED)
    outcome[placed.row[placed.row != NONE]] = _PLACED
    outcome[columns.klass == NOT_ADMISSIBLE] = _NOT_ADMISSIBLE
    refused = np.flatnonzero(outcome == _REFUSED)
    found: Ints = outcome * _LINKS
    found[refused] += _links(columns, refused, last)
    return found


def _links(columns: Columns, rows: Ints, last: Ints) -> Ints:
    """The first link in which each row differs from the last who got an open place there."""
    offer = columns.offer[rows]
    rank = last[offer]
    other = columns.row_at[np.maximum(rank, 0)]
    unit, beside = columns.unit[rows], columns.unit[other]
    is_drawn = columns.is_drawn[rows]
    found = np.full(len(rows), 1 + len(columns.merit))
    for place, each in reversed(list(enumerate(columns.merit, start=1))):
        found = np.where((each[unit] != each[beside]) & ~is_drawn, place, found)
    found = np.where(columns.klass[rows] != columns.klass[other], 0, found)
    beyond = len(columns.merit) + 2
    found[columns.rank[rows] < rank] = beyond + _OTHERS.index(Deciding.EARLIER_BAND)
    places: Ints = columns.stages.places.sum(axis=1)
    found[rank == NONE] = beyond + _OTHERS.index(Deciding.RESERVED)
    found[places[offer] == 0] = beyond + _OTHERS.index(Deciding.NO_PLACES)
    return found


def written_stage(stage: Stage) -> str:
    """`open`, the group places were reserved for, or `soldier>open` for what that group left to everybody."""
    return f"{stage.kind}>{stage.group or OPEN}" if stage.is_returned else stage.kind if stage.group != EVERYBODY else OPEN
