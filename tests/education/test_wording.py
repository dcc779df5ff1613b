"""A refusal is told with the figures it turned on, in both languages, with its rule."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from services.education.rules.placement.lottery import Draw
from services.education.rules.placement.outcomes import Outcome
from services.education.rules.placement.placing import place
from services.education.rules.placement.problem import Child, Mechanism, Problem
from services.education.rules.placement.wording import Explainer
from tests.education.problems import child, draw, draws, offer, problem, problems, reserve, rules

BEST = replace(child("best", 9713, ["a"], "sibling"), ties=(12, 300))
TOLD = {
    "points": (replace(BEST, id="z", points=9712), "EDU-07", ("97.13", "97.12"), ("97.13", "97.12")),
    "permit": (replace(BEST, id="z", ties=(11, 1)), "EDU-53", ("居住证年限", "12", "11"), ("years of permit", "12", "11")),
    "distance": (replace(BEST, id="z", ties=(12, None)), "EDU-53", ("距离", "300", "未知"), ("distance", "300", "not known")),
    "class": (replace(BEST, id="z", claims=()), "education.md §5.3", ("sibling", "others"), ("sibling", "others")),
}


@pytest.mark.parametrize("link", TOLD)
def test_a_refusal_names_its_figures(link: str) -> None:
    loser, rule, zh, en = TOLD[link]
    placed = place(problem([offer("a", 1, "public")], [BEST, loser]), draw())
    ((where, reason),) = Explainer(placed).reasons_of("z")
    assert (where, reason.code, reason.rule) == ("a", link, rule)
    assert all(each in reason.message_zh for each in zh)
    assert all(each in reason.message_en for each in en)


def test_what_was_no_matter_of_rank_is_told_without_figures() -> None:
    kept = offer("kept", 1, "points", reserve("soldier", 1))
    given = problem([offer("none", 0), kept, offer("closed", 1, "closed"), offer("a", 1), offer("b", 1)], [
        replace(child("z", 1, ["none", "kept", "closed", "a", "b"])),
    ])  # fmt: skip
    codes = [reason.code for _, reason in Explainer(place(given, draw())).reasons_of("z")]
    assert codes == ["no_places", "reserved", "not_admissible", "placed", "not_needed"]
    articles = {reason.rule: reason.article for _, reason in Explainer(place(given, draw())).reasons_of("z")}
    assert articles["EDU-05"] == "浙江省义务教育条例第十一条"


@settings(max_examples=150)
@given(given=problems(), drawn=draws)
def test_everything_can_be_told(given: Problem, drawn: Draw) -> None:
    placed = place(given, drawn)
    for each in given.children:
        told = list(Explainer(placed).reasons_of(each.id))
        assert [offer for offer, _ in told] == [attempt.offer for attempt in placed.record_of(each.id).attempts]
        assert all(reason.message_zh and reason.message_en and reason.rule for _, reason in told)


@given(given=problems(Mechanism.IMMEDIATE_ACCEPTANCE), drawn=draws)
def test_also_of_places_given_earlier(given: Problem, drawn: Draw) -> None:
    placed = place(given, drawn)
    for each in given.children:
        for (_, reason), attempt in zip(Explainer(placed).reasons_of(each.id), placed.record_of(each.id).attempts, strict=True):
            assert reason.code == (attempt.decided_by or attempt.outcome)


def test_a_child_nobody_knows_has_no_answer() -> None:
    one: Child = child("one", 1, ["a"])
    placed = place(problem([offer("a", 1)], [one], rules()), draw())
    with pytest.raises(KeyError):
        list(Explainer(placed).reasons_of("two"))
    assert placed.record_of("one").attempts[0].outcome is Outcome.PLACED
