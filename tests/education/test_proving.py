"""A published round is done again by anybody: whatever is tampered with is told by name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.education.rules.placement.lottery import Draw, commitment
from services.education.rules.placement.placing import place
from services.education.rules.placement.problem import Mechanism, Problem
from services.education.rules.placement.proving import Check, check_proof, make_bundle, proof_of, verify
from services.education.rules.placement.published import Bundle, read_bundle, read_proof, write_bundle, write_proof
from services.education.rules.placement.soundness import UnsoundProblemError
from tests.education.independent.textbook import lottery
from tests.education.problems import ROUND, as_json, child, draw, draws, offer, problem, problems, rules

Json = dict[str, Any]


def small() -> Bundle:
    children = [child(f"c{number}", 100 * number, ["a", "b"]) for number in range(6)]
    twins = [child(name, 250, ["b"], together="t") for name in ("twin-1", "twin-2")]
    given = problem([offer("a", 2), offer("b", 3)], [*children, *twins])
    return make_bundle(place(given, draw(7)), draw(7))


def checks(bundle: Bundle) -> set[Check]:
    return {each.check for each in verify(bundle)}


@settings(max_examples=150)
@given(given=problems(), drawn=draws, public=st.text(max_size=5))
def test_every_round_verifies_and_every_child_can_prove_its_place(given: Problem, drawn: Draw, public: str) -> None:
    drawn = replace(drawn, public_value=public)
    bundle = read_bundle(write_bundle(make_bundle(place(given, drawn), drawn)))
    assert list(verify(bundle)) == []
    for each in given.children:
        proof = read_proof(write_proof(proof_of(bundle, each.id)))
        assert list(check_proof(proof, bundle.digest)) == []


@given(mechanism=st.sampled_from([Mechanism.IMMEDIATE_ACCEPTANCE, Mechanism.PARALLEL]), data=st.data(), drawn=draws)
def test_mechanisms_for_comparison_verify_too(mechanism: Mechanism, data: st.DataObject, drawn: Draw) -> None:
    assert list(verify(make_bundle(place(data.draw(problems(mechanism)), drawn), drawn))) == []


@given(given=problems(), drawn=draws)
def test_the_digest_does_not_depend_on_the_order_of_rows(given: Problem, drawn: Draw) -> None:
    other = replace(given, children=given.children[::-1], offers=given.offers[::-1])
    assert make_bundle(place(other, drawn), drawn).digest == make_bundle(place(given, drawn), drawn).digest


def one_seat(told: Json) -> None:
    placed = next(each for each in told["placements"] if each["offer"] == "b" and not each["together"])
    placed["offer"] = None


def seats_swapped(told: Json) -> None:
    first, second = (
        next(each for each in told["placements"] if each["offer"] == name and not each["together"]) for name in "ab"
    )
    first["offer"], second["offer"] = second["offer"], first["offer"]


def one_score(told: Json) -> None:
    told["problem"]["children"][0]["points"] += 1


def one_score_in_the_result(told: Json) -> None:
    told["placements"][0]["points"] += 1


def one_seed_byte(told: Json) -> None:
    told["draw"]["seed"] = told["draw"]["seed"][:-2] + "08"


def seed_and_commitment(told: Json) -> None:
    one_seed_byte(told)
    told["draw"]["commitment"] = commitment(ROUND, bytes.fromhex(told["draw"]["seed"])).hex()


def a_seed_of_no_bytes(told: Json) -> None:
    told["draw"]["seed"] = "no seed"


def public_value(told: Json) -> None:
    told["draw"]["public_value"] = "1"


def a_place_more(told: Json) -> None:
    told["problem"]["offers"][0]["places"] += 1


def a_reason(told: Json) -> None:
    refused = next(each for each in told["placements"] for one in each["attempts"] if one["outcome"] == "refused")
    refused["attempts"][0]["decided_by"] = "lottery"


def a_cut_off(told: Json) -> None:
    told["cut_offs"][0]["taken"] -= 1


def a_child_left_out(told: Json) -> None:
    del told["placements"][0]


def a_child_twice(told: Json) -> None:
    told["placements"].append(told["placements"][0])


def the_root(told: Json) -> None:
    told["root"] = "00" * 32


def the_digest(told: Json) -> None:
    told["digest"] = "00" * 32


def wishes_beyond_the_limit(told: Json) -> None:
    told["problem"]["rules"]["wishes_max"] = 1


SAME, FAIR, TREE, DIGEST = Check.SAME_AGAIN, Check.FAIR, Check.TREE, Check.DIGEST
TAMPERED: Mapping[Callable[[Json], None], set[Check]] = {
    one_seat: {SAME, FAIR, TREE},
    seats_swapped: {SAME, FAIR, TREE},
    one_score: {SAME, DIGEST},
    one_score_in_the_result: {SAME, TREE},
    one_seed_byte: {Check.COMMITMENT},
    seed_and_commitment: {SAME, DIGEST},
    a_seed_of_no_bytes: {Check.COMMITMENT},
    public_value: {SAME, DIGEST},
    a_place_more: {SAME, FAIR, DIGEST},
    a_reason: {SAME, TREE},
    a_cut_off: {SAME, DIGEST},
    a_child_left_out: {SAME, FAIR, TREE, DIGEST},
    a_child_twice: {SAME, TREE, DIGEST},
    the_root: {TREE, DIGEST},
    the_digest: {DIGEST},
    wishes_beyond_the_limit: {Check.INPUTS},
}


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda each: each.__name__)
def test_whatever_is_tampered_with_is_told(tamper: Callable[[Json], None]) -> None:
    told = json.loads(write_bundle(small()))
    assert checks(read_bundle(json.dumps(told).encode())) == set()
    tamper(told)
    bundle = read_bundle(json.dumps(told).encode())
    assert checks(bundle) == TAMPERED[tamper]
    assert all(each.message_zh and each.message_en for each in verify(bundle))


def test_a_changed_seat_is_told_with_the_child_and_both_places() -> None:
    told = json.loads(write_bundle(small()))
    one_seat(told)
    findings = [each.message_en for each in verify(read_bundle(json.dumps(told).encode()))]
    assert "c3: published no place, comes out b" in findings
    assert "b has a free place that c3 would rather have" in findings


@settings(max_examples=200)
@given(at=st.integers(0), byte=st.integers(1, 255))
def test_no_byte_of_a_proof_can_be_changed(at: int, byte: int) -> None:
    bundle = small()
    content = bytearray(write_proof(proof_of(bundle, "c3")))
    content[at % len(content)] ^= byte
    try:
        proof = read_proof(bytes(content))
    except UnsoundProblemError:
        return
    assert list(check_proof(proof, bundle.digest))


def test_a_proof_of_another_round_is_refused() -> None:
    bundle, other = small(), make_bundle(place(problem([offer("a", 1)], [child("c3", 1, ["a"])]), draw(8)), draw(8))
    assert {each.check for each in check_proof(proof_of(other, "c3"), bundle.digest)} == {Check.DIGEST}
    with pytest.raises(KeyError):
        proof_of(bundle, "nobody")


def test_a_proof_is_small_and_tells_of_no_other_child() -> None:
    children = [child(f"c{number:04}", number, ["a"]) for number in range(3000)]
    bundle = make_bundle(place(problem([offer("a", 100)], children), draw()), draw())
    proof = proof_of(bundle, "c0042")
    assert len(proof.path) == 12
    assert len(write_proof(proof)) < 4000
    assert write_proof(proof).count(b'"c00') == 1


def test_the_commitment_is_for_one_round_and_hides_the_seed() -> None:
    assert commitment("one", bytes(32)) != commitment("other", bytes(32))
    assert Draw("one", bytes(32), "17").commitment == commitment("one", bytes(32))
    with pytest.raises(ValueError, match="32"):
        Draw("one", b"short")


@given(
    names=st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=3, unique=True),
    drawn=draws,
    public=st.text(max_size=4),
)
def test_anybody_recomputes_a_lottery_number(names: list[str], drawn: Draw, public: str) -> None:
    drawn = replace(drawn, public_value=public)
    given = as_json(problem([], []))
    mine = drawn.number(names[0]) if len(names) == 1 else drawn.number_together(names)
    assert mine == lottery(given, drawn.seed, public, names)


def test_a_lottery_number_as_it_was_written_down() -> None:
    """Frozen: whoever has an old bundle must still come to these."""
    drawn = Draw("2026-primary", bytes(range(32)), "17")
    assert drawn.commitment.hex() == "6b7e6bbf46b51bd2d649190561f6fef40b018530707229e97c9f1b445876a60b"
    assert drawn.number("c1").hex() == "acddb7420c35d9d533ab63516bc82633c851e60a5c7f67ee67c7a45f249545f6"
    assert drawn.number_together(["c2", "c1"]).hex() == "3930c3bb30ba390083dcb69cb2a90f4b55102015b902a6de84d431ef743f18b1"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda told: told["problem"]["children"][2].update(points="100"), "/problem/children/2/points"),
        (lambda told: told["problem"]["children"][2].update(name="Li"), "/problem/children/2/name"),
        (lambda told: told["problem"]["offers"][0].pop("grade"), "/problem/offers/0/grade"),
        (lambda told: told.update(format="xinshimin-placement-bundle-2"), "/format"),
    ],
)
def test_what_is_no_bundle_is_refused_with_its_field(change: Callable[[Json], object], pointer: str) -> None:
    told = json.loads(write_bundle(small()))
    change(told)
    with pytest.raises(UnsoundProblemError) as refused:
        read_bundle(json.dumps(told).encode())
    assert pointer in [each.pointer for each in refused.value.errors]


def test_a_bundle_of_other_rules_is_another_round() -> None:
    given = problem([offer("a", 1)], [child("c1", 1, ["a"])])
    other = replace(given, rules=rules(wishes_max=3))
    assert make_bundle(place(given, draw()), draw()).digest != make_bundle(place(other, draw()), draw()).digest
