"""What came of a wish, and on what a refusal turned."""

from dataclasses import replace

from services.education.rules.placement.fairness import Fault, violations
from services.education.rules.placement.placing import place
from services.education.rules.placement.problem import Mechanism, Wish
from tests.education.problems import child, draw, offer, placements, problem, reserve, rules


def test_refusals_tell_what_decided() -> None:
    ranked = [
        replace(child("by-class", 100, ["p"], "resident"), ties=(5, 5)),
        replace(child("same-class", 100, ["p"], "resident"), ties=(5, 5)),
        replace(child("not-class", 900, ["p"]), ties=(9, 1)),
        replace(child("points", 50, ["p"], "resident"), ties=(9, 1)),
        replace(child("permit", 100, ["p"], "resident"), ties=(4, 1)),
        replace(child("distance", 100, ["p"], "resident"), ties=(5, 6)),
        replace(child("unknown", 100, ["p"], "resident"), ties=(5, None)),
    ]
    one = replace(child("elsewhere", 0, ["closed", "none", "kept", "p"]), ties=(0, 0))
    offers = [
        offer("p", 1, "public"),
        offer("closed", 1, "closed"),
        offer("none", 0),
        offer("kept", 1, "points", reserve("soldier", 1)),
    ]
    placed = place(problem(offers, [*ranked, one]), draw())
    told = {each.child: [attempt.decided_by or attempt.outcome for attempt in each.attempts] for each in placed.records()}
    winner, loser = sorted(["by-class", "same-class"], key=lambda name: told[name] != ["placed"])
    assert told == {
        winner: ["placed"], loser: ["lottery"], "not-class": ["class"], "points": ["points"], "permit": ["permit"],
        "distance": ["distance"], "unknown": ["distance"], "elsewhere": ["not_admissible", "no_places", "reserved", "class"],
    }  # fmt: skip


def test_after_the_place_that_was_granted_nothing_was_needed() -> None:
    given = problem([offer("a", 1), offer("b", 1)], [child("x", 300, ["a", "b"])])
    record = place(given, draw()).record_of("x")
    assert [(each.offer, each.outcome) for each in record.attempts] == [("a", "placed"), ("b", "not_needed")]
    assert record.place == "open"


def test_a_place_given_earlier_is_told_as_that() -> None:
    """Immediate acceptance: the best of all named a school second that others had named first."""
    children = [child("best", 300, ["a", "b"]), child("better", 400, ["a"]), child("worse", 10, ["b"])]
    given = problem([offer("a", 1), offer("b", 1)], children, rules(Mechanism.IMMEDIATE_ACCEPTANCE))
    placed = place(given, draw())
    assert placements(placed) == {"best": None, "better": "a", "worse": "b"}
    assert [each.decided_by for each in placed.record_of("best").attempts] == ["points", "earlier_band"]
    assert {each.fault for each in violations(given, draw(), placements(placed))} == {Fault.JUSTIFIED_ENVY}


def test_of_a_lottery_class_neither_points_nor_ties_count() -> None:
    given = problem([offer("a", 1, "private")], [child(f"c{number}", number * 100, ["a"]) for number in range(8)])
    winners = {next(name for name, where in placements(place(given, draw(seed))).items() if where) for seed in range(40)}
    assert len(winners) > 4
    record = next(each for each in place(given, draw()).records() if each.offer is None)
    assert [each.decided_by for each in record.attempts] == ["lottery"]


def test_in_a_co_ordination_round_who_accepts_any_school_comes_to_one_not_named() -> None:
    given = problem(
        [offer("a", 1), offer("b", 1)],
        [child("x", 300, ["a"]), child("y", 200, ["a"], accepts_any=True), child("z", 100, ["a"])],
        rules(may_place_unlisted=True),
    )
    assert placements(place(given, draw())) == {"x": "a", "y": "b", "z": None}
    first_round = replace(given, rules=rules())
    assert placements(place(first_round, draw())) == {"x": "a", "y": None, "z": None}


def test_wishes_carry_claims_of_that_school_alone() -> None:
    one = replace(child("one", 0, []), wishes=(Wish("a", ("sibling",)), Wish("b")))
    given = problem([offer("a", 1, "public"), offer("b", 1, "public")], [one, child("two", 900, ["a", "b"])])
    assert placements(place(given, draw())) == {"one": "a", "two": "b"}
