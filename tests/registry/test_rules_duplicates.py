"""Which pairs of records are put before an officer (`cases/duplicates.toml`), and what no pair of weights may break."""

from dataclasses import replace
from datetime import date

import pytest

from services.chassis.parameters import Document, ParameterError
from services.registry.rules.duplicates import (
    BirthLikeness,
    CandidateLevel,
    Likeness,
    NameLikeness,
    TextLikeness,
    assess_likeness,
    every_likeness,
    read_duplicates,
    scores_by_code,
)
from tests.registry.case_files import PARAMETERS, Case, cases, law
from tests.registry.duplicate_model import Told, likeness_of

TODAY = date(2026, 6, 1)
SHIPPED = (PARAMETERS / "duplicates.toml").read_text("utf-8")


def test_pairs_are_compared_on_every_day_the_law_clock_can_show() -> None:
    assert law().duplicates.possible_from.on(date(1900, 1, 1)) > 0


@pytest.mark.parametrize("case", cases("duplicates", "pair"))
def test_which_pairs_are_shown_and_why(case: Case) -> None:
    one, other = Told.of(case["one"]), Told.of(case["other"])
    likelihood = assess_likeness(likeness_of(one, other), law().duplicates, TODAY)
    expected = None if case["expected"] == "not_shown" else CandidateLevel(case["expected"])
    assert [sign.key for sign in likelihood.signs] == case["because"]
    assert likelihood.level is expected, likelihood.score
    assert likelihood.score == sum(sign.points for sign in likelihood.signs)


@pytest.mark.parametrize("case", cases("duplicates", "pair"))
def test_a_pair_is_the_same_from_either_side(case: Case) -> None:
    one, other = Told.of(case["one"]), Told.of(case["other"])
    assert likeness_of(one, other) == likeness_of(other, one)


def test_every_way_of_agreeing_has_a_number_of_its_own() -> None:
    ways = list(every_likeness())
    assert sorted(way.code for way in ways) == list(range(len(ways)))
    assert all(Likeness.of_code(way.code) == way for way in ways)


def test_scores_stand_at_the_place_of_their_code() -> None:
    scores = scores_by_code(law().duplicates, TODAY)
    for likeness in every_likeness():
        likelihood = assess_likeness(likeness, law().duplicates, TODAY)
        assert scores[likeness.code] == (None if likelihood.level is None else likelihood.score)


def test_closer_agreement_never_counts_less() -> None:
    """A name, a birth date, a home, a phone that agree more; one citizen number fewer."""

    def score(likeness: Likeness) -> int:
        return assess_likeness(likeness, law().duplicates, TODAY).score

    for likeness in every_likeness():
        closer = [replace(likeness, is_same_sex=True), replace(likeness, has_two_numbers=False)]
        closer += [replace(likeness, name=name) for name in NameLikeness if name > likeness.name]
        closer += [replace(likeness, birth_date=birth) for birth in BirthLikeness if birth > likeness.birth_date]
        if likeness.home is TextLikeness.DIFFERENT:
            closer.append(replace(likeness, home=TextLikeness.SAME))
        if likeness.phone is TextLikeness.DIFFERENT:
            closer.append(replace(likeness, phone=TextLikeness.SAME))
        assert all(score(way) >= score(likeness) for way in closer), likeness


def test_whoever_is_shown_shares_a_key() -> None:
    """Only persons who share one of three keys are compared (decision 0028): no pair that would be shown is missed by that."""
    for likeness in every_likeness():
        shares_phone = likeness.phone is TextLikeness.SAME
        shares_birth = likeness.name >= NameLikeness.SAME_INITIALS and likeness.birth_date is BirthLikeness.SAME
        shares_name = likeness.name is NameLikeness.SAME and likeness.home is TextLikeness.SAME
        if not (shares_phone or shares_birth or shares_name):
            assert assess_likeness(likeness, law().duplicates, TODAY).level is None, likeness


def test_no_single_agreement_shows_anybody() -> None:
    """Neither a phone, nor a name, nor a birthday makes a pair by itself, whatever else is unknown."""
    apart = Likeness(
        NameLikeness.DIFFERENT,
        BirthLikeness.DIFFERENT,
        is_same_sex=True,
        home=TextLikeness.UNKNOWN,
        phone=TextLikeness.UNKNOWN,
        has_two_numbers=False,
    )
    for way in (
        replace(apart, name=NameLikeness.SAME, home=TextLikeness.SAME),
        replace(apart, birth_date=BirthLikeness.SAME, home=TextLikeness.SAME),
        replace(apart, phone=TextLikeness.SAME, home=TextLikeness.SAME),
    ):
        assert assess_likeness(way, law().duplicates, TODAY).level is None


@pytest.mark.parametrize(
    "content",
    [
        SHIPPED.replace('key = "name.same"\n', 'key = "name.samee"\n'),
        SHIPPED.replace("value = 110", "value = 0"),
        SHIPPED.replace("points = 40", "points = 4000", 1),
        SHIPPED + "\n[religion]\nvalue = 1\n",
    ],
)
def test_weights_that_cannot_be_used_stop_the_start(content: str) -> None:
    with pytest.raises(ParameterError):
        read_duplicates(Document.parse("duplicates.toml", content))
