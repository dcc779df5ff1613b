"""Trying out before a season: other quotas, another mechanism or order of priority for the same children (issue 6, point 10).

Nothing but numbers of children leaves this module, and below city level no small ones (`chassis/suppression.py`).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from services.chassis.suppression import Cells, Row, shown_of
from services.education.rules.placement.fairness import Fault, violations
from services.education.rules.placement.lottery import Draw
from services.education.rules.placement.outcomes import Placement
from services.education.rules.placement.placing import place
from services.education.rules.placement.problem import Problem

UNKNOWN = "unknown"
Labels = Mapping[str, str]
"""Of each child by its pseudonym, such as the town it lives in; a child without one is `unknown`."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one variant comes to; `None` is hidden. `by_wish`: placed at their first wish, their second, …; `unlisted`: at a
    school they did not name. `passed_over`: children with justified envy, none under deferred acceptance.
    """

    children: int
    placed: int | None
    by_wish: Cells
    unlisted: int | None
    not_placed: int | None
    passed_over: int | None
    places: int
    places_left: int


@dataclass(frozen=True, slots=True)
class Group:
    """One group of children: how many come to an earlier wish under the second variant, a later one, the same; and who has a
    place at all. `None` is hidden.
    """

    label: str
    children: int | None
    better: int | None
    worse: int | None
    same: int | None
    placed_both: int | None
    newly_placed: int | None
    no_longer_placed: int | None
    placed_neither: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both variants, what changes for everybody, and by each trait."""

    before: Side
    after: Side
    all: Group
    by: Mapping[str, tuple[Group, ...]]


@dataclass(frozen=True, slots=True)
class _Came:
    """How far down its list each child came, `None` without a place, and how many children were passed over."""

    placement: Placement
    wish: Mapping[str, int | None]
    passed_over: int


def compare(
    before: Problem,
    after: Problem,
    traits: Mapping[str, Labels],
    smallest: int,
    *,
    seed: bytes,
    is_whole_city: bool = True,
    on_placed: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """Place the same children under both, with a lottery made up from `seed`: the real one is not known before the season.

    Where they are not the whole city, small numbers are hidden of all of them together, too. Raises UnsoundProblemError;
    ValueError where the children are not the same.
    """
    if {each.id for each in before.children} != {each.id for each in after.children}:
        raise ValueError("both variants are about the same children")
    if not before.children:
        raise ValueError("there are no children to try the rules on")
    came = []
    for number, problem in enumerate((before, after), start=1):
        came.append(_placed(problem, Draw(problem.round, seed)))
        on_placed(number)
    one, other = came
    hidden_below = 0 if is_whole_city else smallest
    (everybody,) = _groups({}, one, other, hidden_below, label="")
    by = {name: _groups(labels, one, other, smallest) for name, labels in traits.items()}
    return Comparison(_side(one, hidden_below), _side(other, hidden_below), everybody, by)


def _placed(problem: Problem, draw: Draw) -> _Came:
    placement = place(problem, draw)
    where = {each.id: placement.offer_of(each.id) for each in problem.children}
    found = violations(problem, draw, where)
    envious = {child for each in found if each.fault is Fault.JUSTIFIED_ENVY for child in each.children}
    return _Came(placement, {each.id: placement.wish_of(each.id) for each in problem.children}, len(envious))


def _side(came: _Came, smallest: int) -> Side:
    problem = came.placement.problem
    named = {each.id: len(each.wishes) for each in problem.children}
    longest = max(named.values(), default=0)
    counted = Counter(_cell(wish, named[child], longest) for child, wish in came.wish.items())
    cells = tuple(counted[place] for place in range(longest + 2))
    shown = shown_of([cells], smallest).cells[0]
    not_placed = shown[longest + 1]
    cut_offs = came.placement.cut_offs()
    is_small = 0 < came.passed_over < smallest
    return Side(
        children=len(came.wish),
        placed=None if not_placed is None else len(came.wish) - not_placed,
        by_wish=shown[:longest],
        unlisted=shown[longest],
        not_placed=not_placed,
        passed_over=None if is_small else came.passed_over,
        places=sum(each.places for each in cut_offs),
        places_left=sum(each.left for each in cut_offs),
    )


def _cell(wish: int | None, named: int, longest: int) -> int:
    """Where a child is counted: by its wish, at an unlisted school, without a place."""
    if wish is None:
        return longest + 1
    return wish if wish < named else longest


def _groups(labels: Labels, one: _Came, other: _Came, smallest: int, label: str = UNKNOWN) -> tuple[Group, ...]:
    """Every group there is anybody in, in the order of the labels."""
    members: dict[str, list[str]] = {}
    for child in one.wish:
        members.setdefault(labels.get(child, label), []).append(child)
    ordered = sorted(members)
    change = shown_of(
        [_change([(one.wish[child], other.wish[child]) for child in members[each]]) for each in ordered], smallest
    )
    within = shown_of(
        [_within([(one.wish[child], other.wish[child]) for child in members[each]]) for each in ordered], smallest
    )
    return tuple(
        Group(name, people, *moved, *placed)
        for name, people, moved, placed in zip(ordered, change.people, change.cells, within.cells, strict=True)
    )


_BEHIND_ALL = 1 << 30
_Pairs = Sequence[tuple[int | None, int | None]]


def _change(pairs: _Pairs) -> Row:
    """Better, worse, the same; without a place is behind the last wish."""
    ranks = [tuple(_BEHIND_ALL if each is None else each for each in pair) for pair in pairs]
    better = sum(after < before for before, after in ranks)
    worse = sum(after > before for before, after in ranks)
    return better, worse, len(pairs) - better - worse


def _within(pairs: _Pairs) -> Row:
    ways = Counter((before is not None, after is not None) for before, after in pairs)
    return ways[True, True], ways[False, True], ways[True, False], ways[False, False]
