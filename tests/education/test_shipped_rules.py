"""Rules of placement as they ship: sound, and they order children as their city says."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.education.actions.shipped import placement_rules
from services.education.rules.placement.placing import place
from services.education.rules.placement.problem import Mechanism
from services.education.rules.placement.shipped_rules import read_shipped_rules
from services.education.rules.placement.soundness import UnsoundProblemError, problems_of
from tests.education.problems import child, draw, offer, problem

FOLDER = Path(__file__).parents[2] / "services" / "education" / "placement_rules"


@pytest.mark.parametrize("name", sorted(placement_rules()))
def test_they_are_sound_and_strategy_proof(name: str) -> None:
    shipped = placement_rules()[name]
    offers = [offer(each, 1, each) for each in shipped.rules.priorities]
    assert list(problems_of(problem(offers, [], shipped.rules))) == []
    assert shipped.rules.mechanism is Mechanism.DEFERRED_ACCEPTANCE
    assert all(each.rule for classes in shipped.rules.priorities.values() for each in classes)


def test_ningbo_takes_resident_families_first_and_a_sibling_by_points_alone() -> None:
    by = placement_rules()["ningbo-2025"].rules
    children = [
        replace(child("points", 300, ["a"]), ties=(1, 1, 1, 1)),
        replace(child("resident", 0, ["a"], "resident"), ties=(0, 0, 0, 0)),
        replace(child("sibling", 299, ["a"], "sibling"), ties=(9, 9, 9, 9)),
    ]
    placed = place(problem([offer("a", 2, "public")], children, by), draw())
    assert {each.child: each.offer for each in placed.records()} == {"points": "a", "resident": "a", "sibling": None}


def test_dongguan_breaks_ties_in_its_order() -> None:
    """EDU-53."""
    by = placement_rules()["dongguan-2021"].rules
    ties = [(2, 0, 0, 0), (1, 9, 9, 9), (1, 9, 9, 8), (1, 9, 8, 9), (1, 8, 9, 9), (0, 9, 9, 9)]
    children = [replace(child(f"c{number}", 100, ["a"]), ties=each) for number, each in enumerate(ties)]
    for places in range(len(ties)):
        placed = place(problem([offer("a", places)], children[::-1], by), draw())
        assert [each.child for each in placed.records() if each.offer] == [f"c{number}" for number in range(places)]


def test_rules_that_do_not_fit_are_refused() -> None:
    document = tomllib.loads((FOLDER / "ningbo-2025.toml").read_text("utf-8"))
    document["rules"]["priorities"]["public"][0]["needs"] = ["rich"]
    with pytest.raises(UnsoundProblemError, match="rich"):
        read_shipped_rules(document)
    with pytest.raises(ValidationError, match="confidence"):
        read_shipped_rules({**document, "confidence": "sure"})
