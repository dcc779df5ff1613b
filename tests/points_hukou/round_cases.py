"""Rounds of the case files: `standing` rows stand for `number` persons of the same total, town and tie values each.

`quota` ranks them in one list, `quotas` inside each town first. `expected` names what matters: `ranks` and `admitted_of` by
row, `admitted`, `cut_off`, `tied_at_cut`, `next_in_line`; or `refused`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from services.points_hukou.rules.cases import exactly
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.document.rule_set import Ranking
from services.points_hukou.rules.ranking import Contender, Outcome, Ranked, UndecidedCutError, rank
from services.points_hukou.rules.ranking_by_town import rank_by_town

Rows = Sequence[Mapping[str, Any]]


def outcome_of_round(case: Mapping[str, Any], rule_set: RuleSet) -> dict[str, Any]:
    """What comes of a round, under the names it expects."""
    rule = rule_set.ranking
    assert rule is not None
    standing = list(_contenders(case["standing"], rule))
    try:
        if "quotas" in case:
            by_town = rank_by_town(standing, rule, case["quotas"], service=case["service"])
            rounds = [*by_town.towns.values(), *([] if by_town.second is None else [by_town.second])]
        else:
            rounds = [rank(standing, rule, case["quota"])]
    except UndecidedCutError as error:
        told = {"rank": error.rank, "tied": len(error.tied), "places": error.places}
        return {"refused": told | ({"town": error.town} if error.town else {})}
    found = _found(rounds, case["standing"])
    return {name: found[name] for name in case["expected"] if name in found}


def expected_of_round(case: Mapping[str, Any]) -> dict[str, Any]:
    """What a round expects, exactly."""
    return {name: exactly(each) for name, each in case["expected"].items()}


def _found(rounds: Sequence[Ranked], rows: Rows) -> dict[str, Any]:
    ranks: dict[int, int] = {}
    admitted = [0] * len(rows)
    for ranked in rounds:
        for place in ranked.places:
            row = _row_of(place.contender)
            ranks.setdefault(row, place.rank)
            admitted[row] += place.outcome is Outcome.ADMITTED
    last = rounds[-1]
    return {
        "ranks": [Fraction(ranks[row]) for row in range(len(rows))],
        "admitted_of": [Fraction(number) for number in admitted],
        "admitted": Fraction(sum(admitted)),
        "cut_off": None if last.cut_off is None else last.cut_off.total,
        "tied_at_cut": Fraction(last.tied_at_cut),
        "next_in_line": Fraction(len(last.next_in_line)),
    }


def _contenders(rows: Rows, rule: Ranking) -> Iterator[Contender]:
    """The id tells the row."""
    for row, written in enumerate(rows):
        values = {each.id: _value(written.get(each.id, 0)) for each in rule.decided_by}
        for number in range(written.get("number", 1)):
            yield Contender(UUID(int=row << 64 | number), Fraction(written["total"]), values, written.get("town", ""))


def _row_of(contender: Contender) -> int:
    return contender.id.int >> 64


def _value(written: int | Decimal | date | str) -> Fraction | date | None:
    if isinstance(written, str):
        return None
    return written if isinstance(written, date) else Fraction(written)
