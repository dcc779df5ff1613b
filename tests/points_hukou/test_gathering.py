"""From the registry's events and from evidence to the facts points are counted from."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.ids import new_id
from services.chassis.parameters import Document, ParameterError
from services.points_hukou.rules.facts import FactsError, read_facts
from services.points_hukou.rules.gathering.gathering import GatheredFacts, Said, asked_for, gather
from services.points_hukou.rules.gathering.registered import Job, Permit, Registered, Residence, reliability_of, values_of
from services.points_hukou.rules.gathering.sources import Reliability, fits, read_sources
from services.points_hukou.store.source_law import SOURCES
from tests.points_hukou.rule_cases import shipped, texts

_CASES = Path(__file__).parent / "cases" / "facts"
_FILE = Path(__file__).parents[2] / "services" / "points_hukou" / "parameters" / "facts.toml"
_ON = date(2026, 11, 30)
Case = Mapping[str, Any]
FEEDS = SOURCES.feeds_of(shipped("ningbo-2022"), _ON)


def _cases(name: str) -> Sequence[Case]:
    document = tomllib.loads((_CASES / f"{name}.toml").read_text("utf-8"))
    return [{**document.get("usual", {}), **case} for case in document["cases"]]


def _registered(case: Case) -> Registered:
    return Registered(
        birth_dates=tuple(case["birth_dates"]),
        residences=tuple(
            Residence(
                each["registered_on"], each["residence_since"], each.get("ended_on"), each.get("end_reason"), each["kind"]
            )
            for each in case.get("residences", ())
        ),
        permits=tuple(
            Permit(*(each.get(name) for name in ("issued_on", "residence_years_from", "suspended_on", "ended_on")))
            for each in case.get("permits", ())
        ),
        jobs=tuple(
            Job(each["employer"], each["started_on"], each.get("ended_on"), each.get("end_reason"))
            for each in case.get("jobs", ())
        ),
    )


@pytest.mark.parametrize("case", _cases("registry"), ids=lambda case: case["name"])
def test_what_the_registry_supplies(case: Case) -> None:
    rule_set, on = shipped(case["rule_set"]), case["on"]
    registered = _registered(case)
    said = [
        Said(fact, value, "登记", on, reliability_of(registered, feed, on), of_alias=number > 0, is_partial=feed.is_partial)
        for fact, feed in SOURCES.feeds_of(rule_set, on).items()
        for number, value in enumerate(values_of(registered, feed, on))
    ]
    gathered = gather(new_id(), on, rule_set, [*said, *map(_said, case.get("said", ()))], SOURCES)
    assert gathered.document["facts"] == case["facts"]
    assert [each.fact for each in gathered.conflicts] == case.get("conflicts", [])
    _is_readable(gathered, case["rule_set"])


def _is_readable(gathered: GatheredFacts, rule_set: str) -> None:
    loaded = shipped(rule_set)
    if "birth_date" in gathered.document["facts"]:  # type: ignore[operator]
        assert read_facts(gathered.document, loaded.facts, loaded.rules_of_facts).applied_on == gathered.on


def _said(each: Case) -> Said:
    return Said(
        each["fact"],
        each["raw"],
        each.get("source", "某单位"),
        each["as_of"],
        Reliability(each["by"]),
        evidence_id=new_id(),
        is_contested=each.get("contested", False),
        is_partial=each["by"] == "registry" and FEEDS[each["fact"]].is_partial,
    )


@pytest.mark.parametrize("case", _cases("sources"), ids=lambda case: case["name"])
def test_which_source_counts(case: Case) -> None:
    gathered = gather(new_id(), _ON, shipped("ningbo-2022"), map(_said, case["said"]), SOURCES)
    assert gathered.document["facts"] == case["facts"]
    assert [each.fact for each in gathered.conflicts] == case.get("conflicts", [])
    assert list(gathered.contested) == case.get("contested", [])
    assert len(gathered.unreadable) == case.get("unreadable", 0)
    if "missing" in case:
        assert list(gathered.missing) == case["missing"]
    if "untold" in case:
        assert list(gathered.untold) == case["untold"]
    assert not set(gathered.untold) & gathered.document["facts"].keys()  # type: ignore[attr-defined]
    assert set(case.get("asked", ())) <= set(gathered.missing)
    sources: Any = gathered.document["sources"]
    assert sources.keys() == gathered.document["facts"].keys()  # type: ignore[attr-defined]
    for fact, day in case.get("as_of", {}).items():
        assert sources[fact]["as_of"] == day.isoformat()


_DAYS = st.dates(date(2020, 1, 1), date(2026, 12, 31))
_SAID = st.builds(
    Said,
    fact=st.just("insurance_in_province"),
    raw=st.lists(
        st.fixed_dictionaries({"from": st.sampled_from(["2020-01", "2021-01"]), "to": st.sampled_from(["2021-06", "2022-06"])}),
        max_size=2,
    ),
    source=st.sampled_from(["甲", "乙"]),
    as_of=_DAYS,
    reliability=st.sampled_from(Reliability),
    evidence_id=st.uuids(),
    of_alias=st.booleans(),
    is_contested=st.booleans(),
) | st.builds(
    Said,
    fact=st.just("has_offended"),
    raw=st.sampled_from([True, False, "nonsense"]),
    source=st.sampled_from(["甲", "乙"]),
    as_of=_DAYS,
    reliability=st.sampled_from(Reliability),
    evidence_id=st.uuids(),
    of_alias=st.booleans(),
)


@given(said=st.lists(_SAID, max_size=6, unique_by=lambda each: each.evidence_id), data=st.data())
def test_the_order_of_evidence_is_irrelevant(said: list[Said], data: st.DataObject) -> None:
    rule_set, person_id = shipped("ningbo-2022"), new_id()
    gathered = gather(person_id, _ON, rule_set, said, SOURCES)
    assert gather(person_id, _ON, rule_set, data.draw(st.permutations(said)), SOURCES) == gathered


@given(said=st.lists(_SAID, max_size=6, unique_by=lambda each: each.evidence_id))
def test_nothing_that_was_said_is_lost(said: list[Said]) -> None:
    """Everything counts, or agrees with what counts, or is shown as a conflict, or cannot be read."""
    rule_set = shipped("ningbo-2022")
    gathered = gather(new_id(), _ON, rule_set, said, SOURCES)
    shown = {each.evidence_id for sources in gathered.counted.values() for each in sources}
    shown |= {each.evidence_id for conflict in gathered.conflicts for each in conflict.others} | set(gathered.unreadable)
    for each in said:
        if each.evidence_id not in shown:
            assert _comparable(each.raw) == _comparable(gathered.document["facts"][each.fact])  # type: ignore[index]


def _comparable(raw: Any) -> Any:
    return {(row["from"], row["to"]) for row in raw} if isinstance(raw, list) else raw


@pytest.mark.parametrize("name", sorted(texts()))
def test_what_ships_fits_the_rule_sets_that_ship(name: str) -> None:
    """A feed or an office's fact that names a rule set names facts it has, of the kind it feeds; nothing is fed in vain."""
    rule_set = shipped(name)
    for feed in SOURCES.feeds.on(_ON):
        if feed.rule_set == name:
            assert fits(feed, rule_set.facts[feed.fact]), feed
    for row in SOURCES.office_facts.on(_ON):
        if row.rule_set == name:
            assert rule_set.facts.keys() >= set(row.facts)
    assert asked_for(rule_set) <= rule_set.facts.keys()


def test_a_rung_that_is_missing_stops_the_start() -> None:
    text = _FILE.read_text("utf-8").replace('["registry", "office", "certificate", "declared"]', '["registry", "office"]')
    with pytest.raises(ParameterError, match="one rung"):
        read_sources(Document.parse("facts", text))


@pytest.mark.parametrize("declared", ['["ownd"]', '["rented", "relative"]'])
def test_only_codes_of_how_somebody_lives_are_declared(declared: str) -> None:
    text = _FILE.read_text("utf-8").replace('declared = ["owned"]', f"declared = {declared}", 1)
    with pytest.raises(ParameterError, match="declared are codes"):
        read_sources(Document.parse("facts", text))


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(2199, 12, 31)])
def test_the_parameters_hold_on_every_day_the_law_clock_can_show(day: date) -> None:
    assert gather(new_id(), day, shipped("ningbo-2022"), (), SOURCES).document["facts"] == {}


@pytest.mark.parametrize(("name", "said"), [("educaton2", "educaton2"), ("a330282199001011234", "…")])
def test_a_misspelt_name_is_said_back_unless_it_might_be_a_number_of_a_person(name: str, said: str) -> None:
    with pytest.raises(FactsError) as refused:
        read_facts({"applied_on": "2026-11-30", "facts": {name: True}}, {}, {})
    assert [each.field for each in refused.value.problems] == [f"/facts/{said}"]
