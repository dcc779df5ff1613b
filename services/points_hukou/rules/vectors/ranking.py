"""Ranking very many at once: `rules/ranking.py` on columns, for one list without towns. Equal to it, contender by contender."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.points_hukou.rules.document.rule_set import Ranking
from services.points_hukou.rules.vectors.counting import Measured
from services.points_hukou.rules.vectors.exact import Bools, Ints, Numbers


@dataclass(frozen=True, slots=True)
class RankedAll:
    """Who stands, best first, as places in the population; their ranks; and how many from the top are admitted.

    `undecided` of those admitted share the last rank where not all of them fit and the rule set does not say who goes first
    (P-22): zero when the cut is decided.
    """

    order: Ints
    ranks: Ints
    admitted: int
    undecided: int

    def are_admitted(self, size: int) -> Bools:
        """A mask over the population; of an undecided cut, those above it alone."""
        mask: Bools = np.zeros(size, np.bool_)
        mask[self.order[: self.admitted - self.undecided]] = True
        return mask


def rank_all(
    total: Numbers, tie_breaks: Mapping[str, Measured], rule: Ranking, quota: int, standing: Bools | None = None
) -> RankedAll:
    """Everybody's rank among those who stand, and who is admitted to so many places."""
    who = np.arange(len(total)) if standing is None else np.flatnonzero(standing)
    first = _most_first(total.ints) if rule.first_by is None else _in_order(tie_breaks, rule.first_by.id, rule)
    batches, ties = ([_in_order(tie_breaks, each.id, rule) for each in part] for part in (rule.batches, rule.tie_breaks))
    keys = [column[who] for column in (*batches, first, *ties)]
    order = _sorted(keys)
    is_new = np.ones(len(who), np.bool_)
    is_new[1:] = np.logical_or.reduce([np.diff(key[order]) != 0 for key in keys]) if len(who) > 1 else is_new[1:]
    starts = np.flatnonzero(is_new)
    ranks = starts[np.cumsum(is_new) - 1] + 1
    admitted = int(np.searchsorted(ranks, quota, side="right")) if quota > 0 else 0
    tied = admitted - int(ranks[admitted - 1]) + 1 if admitted else 0
    undecided = tied if rule.cut == "refuse" and admitted > quota else 0
    return RankedAll(who[order], ranks, admitted, undecided)


def _in_order(tie_breaks: Mapping[str, Measured], name: str, rule: Ranking) -> Ints:
    """Whole numbers of which the smaller comes first; the unknown last."""
    wanted = next(each for each in rule.decided_by if each.id == name)
    measured = tie_breaks[name]
    are_days = wanted.earliest is not None or wanted.applied is not None
    ints = measured.pieces.ints if are_days else _most_first(measured.pieces.ints)
    known = ints[measured.known]
    return np.where(measured.known, ints, (known.max() if len(known) else 0) + 1)


def _most_first(ints: Ints) -> Ints:
    """More points first. Beyond 64 bits the numbers' places among each other serve as well."""
    if ints.dtype == object:
        ints = np.unique(ints, return_inverse=True)[1]
    return -ints


def _sorted(keys: list[Ints]) -> Ints:
    """The order by the first key, then the next. A single one is sorted quicker alone."""
    if len(keys) == 1:
        return np.argsort(keys[0], kind="stable")
    return np.lexsort(keys[::-1])
