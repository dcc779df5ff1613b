"""Who stands in a round, by the bare figures of a frozen score, and what a public notice shows of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

from services.chassis.parameters import Document, History, list_of, one_of
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.document.rule_set import Ranking
from services.points_hukou.rules.exact import exact, written
from services.points_hukou.rules.purposes import Purpose
from services.points_hukou.rules.ranking import Contender

_NO_RULE = Ranking(cut="refuse", rule="P-22")


@dataclass(frozen=True, slots=True)
class Claim:
    """Who would take a place with an application: the child it is for, else the family, under the ids in use.

    `is_spent`: one of them holds a place of another round already, won before that application was handed in or with it.
    """

    humans: frozenset[UUID]
    is_spent: bool


@dataclass(frozen=True, slots=True)
class RoundLaw:
    """The dated values in `rounds.toml`."""

    nameless: History[tuple[Purpose, ...]]

    def shows_names(self, purpose: Purpose, on: date) -> bool:
        """Whether a notice shows masked names; of what concerns children it does not."""
        return purpose not in self.nameless.on(on)


def read_rounds(document: Document) -> RoundLaw:
    """The law in `rounds.toml`. Raises ParameterError."""
    law = RoundLaw(document.history("nameless_purposes", list_of(one_of(Purpose))))
    document.finish()
    return law


def ranking_of(rule_set: RuleSet) -> Ranking:
    """How a rule set orders people; one that says nothing leaves a tie at the cut to nobody (P-22)."""
    return rule_set.ranking or _NO_RULE


def once_each(claims: Iterable[Claim]) -> list[int]:
    """Which claims stand, by their number: of several for the same humans the first (the caller puts the best
    first), and none that is spent (P-08)."""
    taken: set[UUID] = set()
    standing = []
    for place, claim in enumerate(claims):
        if not claim.is_spent and taken.isdisjoint(claim.humans):
            taken |= claim.humans
            standing.append(place)
    return standing


def figures_to_rank(score: Mapping[str, Any], others: Iterable[Mapping[str, Any]], rule: Ranking) -> dict[str, Any]:
    """The figures of a frozen score that a ranking rests on, with what the family adds to them. `others`: the scores of who
    else of it was counted, of which the highest total may break ties (P-18).
    """
    totals = [exact(other["total"]) for other in others]
    of_others = written(max(totals)) if totals else None
    ties = {each.id: of_others for each in rule.decided_by if each.other_of_family is not None}
    return {**score, "tie_breaks": {**score["tie_breaks"], **ties}}


def contender_of_figures(score: Mapping[str, Any], *, of: UUID, town: str = "") -> Contender | None:
    """The contender a frozen score makes; `None` for who is not eligible, is vetoed or frozen, or misses the pass mark."""
    may_use = score["eligible"] and not score["vetoed"] and not score["frozen"] and score["passes"] is not False
    if not may_use:
        return None
    return Contender(of, exact(score["total"]), {name: tie_break_of(each) for name, each in score["tie_breaks"].items()}, town)


def tie_break_of(figure: str | None) -> Fraction | date | None:
    """What decides between equals, as it was written; `None` where nobody knows it. Raises ValueError."""
    if figure is None:
        return None
    return date.fromisoformat(figure) if figure.count("-") == 2 else Fraction(figure)
