"""Ranking: the published rounds and the cases of officials, a plain model over everything, and bugs it must find."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from services.points_hukou.rules import ranking
from services.points_hukou.rules.document.rule_set import Ranking
from services.points_hukou.rules.facts import read_facts
from services.points_hukou.rules.ranking import (
    Contender,
    Outcome,
    Ranked,
    UndecidedCutError,
    contender_of,
    moved_up,
    rank,
    rank_with_limits,
    ranks_no_lower,
)
from services.points_hukou.rules.ranking_by_town import rank_by_town, second_round_limits
from services.points_hukou.rules.rounds import contender_of_figures, figures_to_rank
from services.points_hukou.rules.scoring import score
from services.points_hukou.rules.vectors.counting import Measured
from services.points_hukou.rules.vectors.exact import Numbers, numbers
from services.points_hukou.rules.vectors.ranking import rank_all
from tests.points_hukou.round_cases import expected_of_round, outcome_of_round
from tests.points_hukou.rule_cases import book_of, rounds_of, shipped, texts

ROUNDS = [
    pytest.param(name, case, id=f"{name}-{case['name_en'].replace(' ', '-')}") for name in texts() for case in rounds_of(name)
]
TOWNS = ("a", "b", "c")
RULE = {
    "rule": "P-16",
    "tie_breaks": [
        {"id": "points", "name_zh": "分", "name_en": "points", "items": ["education"]},
        {"id": "day", "name_zh": "日", "name_en": "day", "earliest": "accepted_on"},
    ],
}
BATCH = {"id": "first_batch", "name_zh": "优先批", "name_en": "first batch", "when": {"flag": "has_permit"}}
FIRST_BY = {"id": "months", "name_zh": "月", "name_en": "months", "items": ["insurance"]}


@pytest.mark.parametrize(("name", "case"), ROUNDS)
def test_round(name: str, case: Mapping[str, Any]) -> None:
    assert outcome_of_round(case, book_of(name).chosen({})) == expected_of_round(case)


def test_every_rule_set_that_ranks_has_rounds_or_shares_the_rule_of_one_that_has() -> None:
    rules = {name: shipped(name).ranking for name in texts()}
    shown = {
        (rule.cut, bool(rule.batches), bool(rule.tie_breaks), rule.first_by is None)
        for name, rule in rules.items()
        if rule and rounds_of(name)
    }
    kinds = {(rule.cut, bool(rule.batches), bool(rule.tie_breaks), rule.first_by is None) for rule in rules.values() if rule}
    assert kinds == shown


def rule_of(**changed: Any) -> Ranking:
    return Ranking.model_validate({**RULE, "cut": "admit_all_tied", **changed})


VALUES = st.fixed_dictionaries(
    {
        "points": st.none() | st.sampled_from([Fraction(1), Fraction(2), Fraction(7, 3)]),
        "day": st.none() | st.sampled_from([date(2020, 1, 1), date(2020, 1, 2)]),
        "months": st.none() | st.sampled_from([Fraction(1), Fraction(2)]),
        "first_batch": st.sampled_from([Fraction(0), Fraction(1)]),
    }
)
CONTENDERS = st.lists(
    st.builds(
        Contender,
        st.uuids(),
        st.sampled_from([Fraction(60), Fraction(121, 2), Fraction(6049, 100), Fraction(182, 3), Fraction(-3)]),
        VALUES,
        st.sampled_from(TOWNS),
    ),
    max_size=12,
    unique_by=lambda each: each.id,
)
RULES = st.builds(
    lambda cut, batches, first_by: rule_of(cut=cut, batches=batches, first_by=first_by),
    st.sampled_from(["admit_all_tied", "refuse"]),
    st.sampled_from([[], [BATCH]]),
    st.sampled_from([None, FIRST_BY]),
)


def is_before(one: Contender, other: Contender, rule: Ranking) -> bool:
    """The model: one thing after the other, as an official compares two files."""
    names = [*([] if rule.first_by is None else [rule.first_by.id]), *(each.id for each in rule.tie_breaks)]
    pairs: list[tuple[Any, Any, bool]] = [(one.tie_breaks[each.id], other.tie_breaks[each.id], True) for each in rule.batches]
    pairs += [] if rule.first_by else [(one.total, other.total, True)]
    pairs += [(one.tie_breaks[name], other.tie_breaks[name], name != "day") for name in names]
    for mine, yours, more_is_better in pairs:
        if mine != yours:
            if mine is None or yours is None:
                return yours is None
            return bool(mine > yours if more_is_better else mine < yours)
    return False


def model(contenders: Sequence[Contender], rule: Ranking, quota: int) -> dict[UUID, tuple[int, bool]] | None:
    """Everybody's rank and whether they are admitted; `None` where nobody says who of equals goes first."""
    ranks = {each.id: 1 + sum(is_before(other, each, rule) for other in contenders) for each in contenders}
    admitted = {id_ for id_, at in ranks.items() if at <= quota}
    if rule.cut == "refuse" and len(admitted) > quota:
        return None
    return {id_: (at, id_ in admitted) for id_, at in ranks.items()}


def ranked_or_none(contenders: Sequence[Contender], rule: Ranking, quota: int) -> Ranked | None:
    try:
        return rank(contenders, rule, quota)
    except UndecidedCutError:
        return None


def check_against_the_model(contenders: Sequence[Contender], rule: Ranking, quota: int) -> None:
    ranked, wanted = ranked_or_none(contenders, rule, quota), model(contenders, rule, quota)
    assert (ranked is None) == (wanted is None)
    if ranked is not None and wanted is not None:
        assert {each.contender.id: (each.rank, each.outcome is Outcome.ADMITTED) for each in ranked.places} == wanted


@settings(max_examples=150, deadline=None)
@given(CONTENDERS, RULES, st.integers(0, 13), st.randoms())
def test_it_is_what_the_model_says_in_whatever_order_they_come(
    contenders: list[Contender], rule: Ranking, quota: int, shuffler: Any
) -> None:
    check_against_the_model(contenders, rule, quota)
    ranked = ranked_or_none(contenders, rule, quota)
    assert ranked == ranked_or_none(shuffler.sample(contenders, len(contenders)), rule, quota)
    assert ranked is None or ranked.places_left == max(0, quota - len(ranked.admitted))


@settings(max_examples=100, deadline=None)
@given(CONTENDERS, RULES, st.integers(0, 13), st.data())
def test_whoever_moves_up_would_have_been_admitted_without_those_who_left(
    contenders: list[Contender], rule: Ranking, quota: int, data: st.DataObject
) -> None:
    ranked = ranked_or_none(contenders, rule, quota)
    if ranked is None or not contenders:
        return
    gone = data.draw(st.sets(st.sampled_from([each.id for each in contenders])))
    left = [each for each in contenders if each.id not in gone]
    stay = {each.contender.id for each in ranked.admitted} - gone
    wanted = model(left, rule, quota)
    if wanted is None:
        with pytest.raises(UndecidedCutError):
            moved_up(left, rule, quota, stay)
        return
    new = {each.id for each in moved_up(left, rule, quota, stay)}
    assert stay | new == {id_ for id_, (_, is_admitted) in wanted.items() if is_admitted}
    assert not new or len(stay) < quota
    assert moved_up(contenders, rule, quota, {each.contender.id for each in ranked.admitted}) == ()


@settings(max_examples=100, deadline=None)
@given(CONTENDERS, RULES, st.integers(0, 13), st.data())
def test_who_stands_again_after_all_takes_no_place_that_is_held(
    contenders: list[Contender], rule: Ranking, quota: int, data: st.DataObject
) -> None:
    held = data.draw(st.sets(st.sampled_from([each.id for each in contenders]))) if contenders else set()
    try:
        new = {each.id for each in moved_up(contenders, rule, quota, held)}
    except UndecidedCutError:
        return
    assert not new & held
    assert not new or len(held) < quota
    assert not new or len(held) + len(new) <= quota or rule.cut == "admit_all_tied"
    better = [each for each in contenders if each.id not in held | new]
    assert not any(is_before(each, risen, rule) for each in better for risen in contenders if risen.id in new)


@settings(max_examples=100, deadline=None)
@given(CONTENDERS, RULES)
def test_whoever_ranks_no_lower_is_not_behind(contenders: list[Contender], rule: Ranking) -> None:
    for one, other in pairwise(contenders):
        assert ranks_no_lower(one, other, rule) is not is_before(other, one, rule)


@settings(max_examples=100, deadline=None)
@given(CONTENDERS, st.fixed_dictionaries({town: st.integers(0, 30) for town in TOWNS}), st.sampled_from(["1/10", "1/3", 1]))
def test_the_second_round_gives_what_towns_left_to_the_best_of_the_rest(
    contenders: list[Contender], quotas: Mapping[str, int], share: Any
) -> None:
    rule = rule_of(cut="refuse", second_round={"town_share": share, "only_for": ["settle"]})
    try:
        by_town = rank_by_town(contenders, rule, quotas, service="settle")
    except UndecidedCutError:
        return
    assert by_town.second is not None
    for town, ranked in by_town.towns.items():
        assert ranked == rank([each for each in contenders if each.town == town], rule, quotas[town])
    taken = [each.contender.town for each in by_town.second.admitted]
    limits = second_round_limits(quotas, Fraction(share))
    assert all(taken.count(town) <= limits[town] <= Fraction(share) * quotas[town] for town in TOWNS)
    free = sum(quotas.values()) - sum(len(ranked.admitted) for ranked in by_town.towns.values())
    assert len(taken) <= free
    best_missed = {each.outcome for each in by_town.second.places if each.outcome is not Outcome.ADMITTED}
    assert len(taken) == free or Outcome.BELOW_THE_CUT not in best_missed
    assert len({each.id for each in by_town.admitted}) == len(by_town.admitted) <= sum(quotas.values())
    assert rank_by_town(contenders, rule, quotas, service="school").second is None


def test_a_town_without_quota_is_not_guessed_at() -> None:
    lost = Contender(UUID(int=1), Fraction(1), {"points": None, "day": None}, "nowhere")
    with pytest.raises(LookupError):
        rank_by_town([lost], rule_of(), {"a": 1}, service="settle")


def test_equals_never_stretch_a_bound_even_where_they_stretch_a_quota() -> None:
    equals = [Contender(UUID(int=n), Fraction(1), {"points": None, "day": None}, "a") for n in range(2)]
    with pytest.raises(UndecidedCutError, match="2 share rank 1 and 1 places are left"):
        rank_with_limits(equals, rule_of(), 5, {"a": 1})


@pytest.mark.parametrize(
    ("facts", "stands"),
    [
        ({"is_dishonest": False, "has_valid_permit": True, "lives_and_works_in_city": True}, True),
        ({"is_dishonest": True, "has_valid_permit": True, "lives_and_works_in_city": True}, False),
        ({"has_valid_permit": True}, False),
    ],
)
def test_who_stands(facts: dict[str, Any], stands: bool) -> None:
    rule_set = shipped("ningbo-2022")
    document = {"applied_on": "2024-03-01", "facts": {"birth_date": "1990-01-01", **facts}}
    assessment = score(rule_set, read_facts(document, rule_set.facts, {}))
    contender = contender_of(assessment, of=UUID(int=7), town="330282100")
    assert (contender is not None) == stands
    assert contender is None or (contender.total, contender.town) == (assessment.total, "330282100")


BUGS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    "the worst first": ("_groups", lambda real: lambda contenders, rule: list(real(contenders, rule))[::-1]),
    "unknown first": (
        "_in_whole_numbers",
        lambda real: (
            lambda values: [-(10**9) if value is None else number for value, number in zip(values, real(values), strict=True)]
        ),
    ),
    "the later day first": (
        "_in_order",
        lambda real: lambda value, common: -real(value, common) if isinstance(value, date) else real(value, common),
    ),
    "fractions cut": (
        "_in_order",
        lambda real: lambda value, common: -int(value) if isinstance(value, Fraction) else real(value, common),
    ),
    "points come before the batch": (
        "_orders",
        lambda real: (
            lambda contenders, rule: real(
                contenders, rule.model_copy(update={"batches": (), "tie_breaks": (*rule.batches, *rule.tie_breaks)})
            )
        ),
    ),
    "the total counts where it is a threshold only": (
        "_orders",
        lambda real: lambda contenders, rule: real(contenders, rule.model_copy(update={"first_by": None})),
    ),
    "the cut is never refused": ("_require_decided", lambda _: lambda *_: None),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, planted = BUGS[bug]
    monkeypatch.setattr(ranking, name, planted(getattr(ranking, name)))

    @settings(max_examples=300, deadline=None, database=None, phases=[Phase.generate])
    @given(CONTENDERS, RULES, st.integers(0, 13))
    def checked(contenders: list[Contender], rule: Ranking, quota: int) -> None:
        check_against_the_model(contenders, rule, quota)

    with pytest.raises(AssertionError):
        checked()


def in_columns(contenders: Sequence[Contender], rule: Ranking) -> tuple[Numbers, dict[str, Measured]]:
    """The same contenders as columns."""
    names = [each.id for each in rule.decided_by]
    return column([each.total for each in contenders]), {
        name: Measured(
            np.array([each.tie_breaks[name] is not None for each in contenders], np.bool_),
            column([each.tie_breaks[name] or Fraction(0) for each in contenders]),
        )
        for name in names
    }


def column(values: Sequence[Fraction | date]) -> Numbers:
    exact = [each if isinstance(each, Fraction) else Fraction(each.toordinal()) for each in values]
    common = lcm(*(each.denominator for each in exact))
    return numbers(np.array([int(each * common) for each in exact], np.int64), common)


@settings(max_examples=200, deadline=None)
@given(CONTENDERS, RULES, st.integers(0, 13), st.data())
def test_very_many_are_ranked_as_a_few(contenders: list[Contender], rule: Ranking, quota: int, data: st.DataObject) -> None:
    standing = [data.draw(st.booleans()) for _ in contenders]
    who = [each for each, stands in zip(contenders, standing, strict=True) if stands]
    found = rank_all(*in_columns(contenders, rule), rule, quota, np.array(standing, np.bool_))
    ranks = dict(zip((contenders[place].id for place in found.order), found.ranks.tolist(), strict=True))
    wanted = rank(who, rule.model_copy(update={"cut": "admit_all_tied"}), quota)
    assert ranks == {each.contender.id: each.rank for each in wanted.places}
    assert found.admitted == len(wanted.admitted)
    decided = ranked_or_none(who, rule, quota)
    tied = {each.contender.id for each in wanted.admitted[-wanted.tied_at_cut :]} if decided is None else set()
    assert found.undecided == len(tied)
    mask = found.are_admitted(len(contenders))
    admitted = {each.contender.id for each in wanted.admitted} - tied
    assert {each.id for each, is_in in zip(contenders, mask, strict=True) if is_in} == admitted


def test_of_a_couple_the_other_score_breaks_the_tie() -> None:
    """P-18: the higher score counts, the other one is a reference between equals."""
    spouse = {"id": "spouse", "name_zh": "配偶", "name_en": "spouse", "other_of_family": "total"}
    rule = rule_of(cut="refuse", tie_breaks=[spouse])
    bare = {"eligible": True, "vetoed": False, "frozen": False, "passes": None, "total": "60", "tie_breaks": {"spouse": None}}
    families: tuple[list[dict[str, str]], ...] = ([{"total": "45.5"}], [], [{"total": "9"}, {"total": "45.52"}])
    contenders = [
        contender_of_figures(figures_to_rank(bare, others, rule), of=UUID(int=number)) for number, others in enumerate(families)
    ]
    ranked = rank([each for each in contenders if each is not None], rule, 1)
    assert [place.contender.id.int for place in ranked.places] == [2, 0, 1]
