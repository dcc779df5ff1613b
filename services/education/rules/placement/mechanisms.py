"""Who gets what, for all at once: units propose down their lists, offers hold who stands first, nothing is final until a band
of wishes has come to rest. Without bands that is deferred acceptance, with bands of one wish immediate acceptance (EDU-81).
"""

from dataclasses import dataclass

import numpy as np

from services.education.rules.placement.columns import NOT_ADMISSIBLE, Bools, Columns, Ints
from services.education.rules.placement.problem import Mechanism, PlacementRules

NONE = -1


@dataclass(frozen=True, slots=True)
class Placed:
    """By unit: the `row` of the wish that was granted and the `stage` of the place, `NONE` where there is none."""

    row: Ints
    stage: Ints


def band_of(rules: PlacementRules) -> int | None:
    """How many wishes are considered before places become final; `None`: all."""
    if rules.mechanism is Mechanism.DEFERRED_ACCEPTANCE:
        return None
    return 1 if rules.mechanism is Mechanism.IMMEDIATE_ACCEPTANCE else rules.band


def run(columns: Columns, band: int | None) -> Placed:
    """The placement."""
    units = len(columns.units)
    placed = Placed(np.full(units, NONE), np.full(units, NONE))
    left = columns.stages.places.copy()
    longest = int(columns.number.max(initial=0)) + 1
    for start in range(0, longest, band or longest):
        _Band(columns, placed, left, start, start + (band or longest)).settle()
    return placed


class _Band:
    """Deferred acceptance over the wishes of a band, among those who have no place and for the places that are left."""

    def __init__(self, columns: Columns, placed: Placed, left: Ints, start: int, end: int) -> None:
        self._columns, self._placed, self._left = columns, placed, left
        is_asked = (columns.number >= start) & (columns.number < end) & (columns.klass != NOT_ADMISSIBLE)
        self._rows = np.flatnonzero(is_asked & (placed.row[columns.unit] == NONE))
        self._next = np.searchsorted(columns.unit[self._rows], np.arange(len(columns.units)))
        self._end = np.searchsorted(columns.unit[self._rows], np.arange(len(columns.units)), side="right")
        self._is_held = np.zeros(len(columns.rank), np.bool_)
        self._stage = np.full(len(columns.rank), NONE)
        self._offer_at = columns.offer[columns.row_at]
        self._hopeless_from = np.full(len(left), len(columns.rank))

    def settle(self) -> None:
        """Propose and refuse until nobody proposes; what is held then is final."""
        columns = self._columns
        proposing = np.flatnonzero(self._next < self._end)
        while len(proposing):
            rows = self._rows[self._next[proposing]]
            refused, hopeful = self._sorted_out(rows)
            if len(hopeful):
                refused = np.concatenate([refused, columns.row_at[self._held_by_the_best(hopeful)]])
            units = columns.unit[refused]
            self._next[units] += 1
            proposing = units[self._next[units] < self._end[units]]
        self._keep()

    def _sorted_out(self, rows: Ints) -> tuple[Ints, Ints]:
        """Proposals that cannot succeed, and those that may. Who has no claim to a reserve and stands behind somebody without
        any who was refused there is refused, too: others only join.
        """
        columns = self._columns
        is_hopeless = (columns.groups[rows] == 0) & (columns.rank[rows] > self._hopeless_from[columns.offer[rows]])
        return rows[is_hopeless], rows[~is_hopeless]

    def _held_by_the_best(self, rows: Ints) -> Ints:
        """Let offers choose anew with these proposals; the ranks that are refused."""
        columns = self._columns
        self._is_held[columns.rank[rows]] = True
        is_asked = np.zeros(len(self._left), np.bool_)
        is_asked[columns.offer[rows]] = True
        held = np.flatnonzero(self._is_held)
        asking = held[is_asked[self._offer_at[held]]]
        self._stage[asking] = stage = _choose(columns, asking, self._left)
        refused: Ints = asking[stage == NONE]
        self._is_held[refused] = False
        of_no_group = refused[columns.groups[columns.row_at[refused]] == 0]
        np.minimum.at(self._hopeless_from, self._offer_at[of_no_group], of_no_group)
        return refused

    def _keep(self) -> None:
        """Everybody held has a place for good."""
        columns = self._columns
        held = np.flatnonzero(self._is_held)
        rows, stage = columns.row_at[held], self._stage[held]
        units, offers = columns.unit[rows], columns.offer[rows]
        self._placed.row[units], self._placed.stage[units] = rows, stage
        np.subtract.at(self._left, (offers, columns.stages.kind[stage, offers]), columns.size[units])
        np.maximum(self._left, 0, out=self._left)


def _choose(columns: Columns, ranks: Ints, left: Ints) -> Ints:
    """For each of these ranks, in order, the stage in which its offer takes it, or `NONE`."""
    stages = columns.stages
    rows = columns.row_at[ranks]
    offer, size, groups = columns.offer[rows], columns.size[columns.unit[rows]], columns.groups[rows]
    found = np.full(len(ranks), NONE)
    room, waiting = left.copy(), np.arange(len(ranks))
    for step in range(len(stages.kind)):
        kind, group = stages.kind[step], stages.group[step]
        at = offer[waiting]
        may = (kind[at] != NONE) & ((group[at] == 0) | (groups[waiting] & group[at] != 0))
        asking, at = waiting[may], at[may]
        if not len(asking):
            continue
        taken = _before(at, size[asking], len(stages.of_offer)) < room[at, kind[at]]
        won, where = asking[taken], at[taken]
        found[won] = step
        np.subtract.at(room, (where, kind[where]), size[won])
        np.maximum(room, 0, out=room)
        if step + 1 < len(stages.kind):
            waiting = waiting[found[waiting] == NONE]
    return found


def _before(offer: Ints, size: Ints, offers: int) -> Ints:
    """How many places those take who stand before each at its offer; both in the order of ranks."""
    before: Ints = np.cumsum(size) - size
    starts = np.searchsorted(offer, np.arange(offers))
    base = np.append(before, 0)[starts]
    found: Ints = before - base[offer]
    return found


def decided(columns: Columns, placed: Placed) -> tuple[Ints, Bools]:
    """The last rank that got a place open to everybody, by offer (`NONE`: there was none), and by row whether it was asked:
    every wish down to the one that was granted.
    """
    won = np.flatnonzero(placed.row != NONE)
    rows, stage = placed.row[won], placed.stage[won]
    offer = columns.offer[rows]
    is_open = columns.stages.group[stage, offer] == 0
    last = np.full(len(columns.stages.of_offer), NONE)
    np.maximum.at(last, offer[is_open], columns.rank[rows[is_open]])
    granted = np.full(len(placed.row), np.iinfo(np.int64).max)
    granted[won] = columns.number[rows]
    return last, columns.number <= granted[columns.unit]
