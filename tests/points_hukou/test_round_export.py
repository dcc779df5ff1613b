"""A ranking is ranked again by anyone entitled to it: offline, under pseudonyms, to the same ranks and the same cut."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from services.points_hukou.actions.rule_sets import released
from services.points_hukou.rules.exact import written
from services.points_hukou.rules.placing import place_everybody
from services.points_hukou.rules.ranking import Contender, Outcome, UndecidedCutError
from services.points_hukou.rules.replaying import FrozenText
from services.points_hukou.rules.round_replaying import FORMAT, FrozenRanking, FrozenStanding, rank_again
from services.suite.cli import app as cli
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_cases import shipped
from tests.points_hukou.rule_sets import code_of, expect, in_force
from tests.points_hukou.story import NEXT_TOWN, TOWN
from tests.points_hukou.test_round_places import erased, finished
from tests.points_hukou.test_round_validity import act, held
from tests.points_hukou.test_rounds import (
    OVER,
    PUBLISHED,
    SCOPES,
    START,
    applied,
    candidates,
    desk,
    grown_up,
    known,
    opened,
)
from tests.points_hukou.window import ALL as APPLICATIONS
from tests.points_hukou.window import on

TIES = ("personal_quality", "insurance_score", "residence_score", "application_time")
FEW = st.sampled_from([Fraction(60), Fraction(121, 2)])
CONTENDERS = st.lists(
    st.builds(
        Contender,
        st.uuids(),
        FEW,
        st.fixed_dictionaries({name: st.none() | FEW for name in TIES[:3]} | {TIES[3]: st.none() | st.just(date(2016, 2, 1))}),
        st.sampled_from(["a", "b"]),
    ),
    max_size=9,
    unique_by=lambda each: each.id,
)


@pytest.fixture(scope="module")
async def law(office: PointsOffice) -> dict[str, Any]:
    async with on(office, START):
        return await in_force(office, START, "school", "housing", "rest_leave", "other", "health_check")


async def exported(office: PointsOffice, one: str, **asked: int) -> dict[str, Any]:
    """The document of a ranking."""
    auditor = office.service.caller({"points.round.recompute"}, division=CITY, purpose="points", client="auditor")
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    found: dict[str, Any] = expect(await auditor.get(f"{one}/ranking?{query}"), 200)
    return found


def ranked_again(folder: Path, document: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Exit code and words of the command."""
    file = folder / "ranking.json"
    file.write_text(json.dumps(document), "utf-8")
    done = CliRunner().invoke(cli, ["points", "rank", str(file), "--json"])
    return done.exit_code, json.loads(done.stdout) if done.stdout else {}


async def test_a_ranking_is_ranked_again_offline(office: PointsOffice, law: dict[str, Any], tmp_path: Path) -> None:
    here = await candidates(office, "school", [41, 44, 47])
    there = await candidates(office, "school", [45, 50], NEXT_TOWN)
    quotas = [{"division_code": TOWN, "places": 2}, {"division_code": NEXT_TOWN, "places": 1}]
    one = await opened(office, "school", 3, town_quotas=quotas)
    async with on(office, PUBLISHED):
        assert (
            code_of(await desk(office, scopes=SCOPES | {"points.round.recompute"}).get(f"{one}/ranking")) == "round-not-ranked"
        )
        await act(office, one, "rank")
    document = await exported(office, one)
    text = json.dumps(document)
    assert not any(each in text for each in (*here, *there, "王"))
    assert (document["rule_set"], document["digest"], document["erased"]) == ("ningbo-2022", law["digest"], 0)
    code, told = ranked_again(tmp_path, document)
    assert (code, told["same"], told["standing"], told["admitted"], told["differences"]) == (0, True, 5, 3, [])
    assert told["cut_off"] == document["cut_off"]
    document["standing"][0]["total"] = "1"
    code, told = ranked_again(tmp_path, document)
    assert code == 35
    assert {"rank", "admitted"} <= {each["figure"] for each in told["differences"]}
    assert code_of(await desk(office).get(f"{one}/ranking")) == "scope-missing"


async def test_what_happened_afterwards_is_not_of_the_ranking(
    office: PointsOffice, law: dict[str, Any], tmp_path: Path
) -> None:
    first, *_ = await candidates(office, "other", [41, 44, 47])
    one = await opened(office, "other", 1)
    async with on(office, PUBLISHED):
        await act(office, one, "rank")
        before = await exported(office, one)
        await act(office, one, "publish")
    async with on(office, OVER):
        await act(office, one, "finish")
        expect(await desk(office).post(f"{one}/give-up", {"application_id": first}), 200)
        assert await held(office, one) != [first]
        after = await exported(office, one)
    assert after == before
    assert ranked_again(tmp_path, after)[0] == 0


async def test_an_earlier_ranking_is_ranked_again_too(office: PointsOffice, law: dict[str, Any], tmp_path: Path) -> None:
    first, _ = await candidates(office, "health_check", [41, 44])
    one = await opened(office, "health_check", 1)
    async with on(office, PUBLISHED):
        await act(office, one, "rank")
        expect(await desk(office).post(f"{APPLICATIONS}/{first}/withdraw"), 200)
        await act(office, one, "rank")
    earlier, last = await exported(office, one, ranking=1), await exported(office, one)
    assert (len(earlier["standing"]), len(last["standing"])) == (2, 1)
    assert {each["pseudonym"] for each in last["standing"]} < {each["pseudonym"] for each in earlier["standing"]}
    assert [ranked_again(tmp_path, each)[0] for each in (earlier, last)] == [0, 0]


async def test_of_somebody_erased_the_order_of_the_others_is_left(
    office: PointsOffice, law: dict[str, Any], tmp_path: Path
) -> None:
    stories = [grown_up(age) for age in (41, 44, 47)]
    await known(office, *stories)
    for story in stories:
        await applied(office, story, "housing")
    one = await opened(office, "housing", 2)
    await finished(office, one)
    await erased(office, stories[1])
    document = await exported(office, one)
    assert (document["erased"], [each["rank"] for each in document["standing"]]) == (1, [1, 3])
    code, told = ranked_again(tmp_path, document)
    assert (code, told["same"], told["complete"]) == (0, True, False)
    document["standing"][0]["rank"] = 4
    assert ranked_again(tmp_path, document)[0] == 35


def frozen(contenders: Sequence[Contender], quotas: Mapping[str, int]) -> FrozenRanking:
    """A ranking by Zhongshan's rules, inside each town and then city-wide."""
    name = "zhongshan-2014"
    rule_set = shipped(name)
    assert rule_set.ranking is not None
    placing = place_everybody(contenders, rule_set.ranking, sum(quotas.values()), quotas, service="settle")
    return FrozenRanking(
        format=FORMAT,
        round_id=str(UUID(int=1)),
        ranking=1,
        rule_set=name,
        digest=rule_set.digest,
        service="settle",
        quota=sum(quotas.values()),
        town_quotas=dict(quotas),
        freeze_on="2016-04-30",
        cut_off=None if placing.cut_off is None else written(placing.cut_off),
        erased=0,
        standing=[
            FrozenStanding(
                pseudonym=place.contender.id.hex,
                town=place.contender.town,
                total=written(place.contender.total),
                tie_breaks={key: None if value is None else str(value) for key, value in place.contender.tie_breaks.items()},
                rank=place.rank,
                admitted=place.outcome is Outcome.ADMITTED,
            )
            for place in placing.places
        ],
        rule_sets={name: FrozenText(rule_set=released()[name].rule_set, choices=released()[name].choices)},
        own_choices="",
    )


@settings(max_examples=60, deadline=None)
@given(CONTENDERS, st.fixed_dictionaries({"a": st.integers(0, 12), "b": st.integers(0, 12)}), st.randoms(), st.booleans())
def test_whatever_the_order_of_the_lines_it_is_the_same_and_a_moved_figure_is_found(
    contenders: list[Contender], quotas: Mapping[str, int], shuffler: Any, is_rank: bool
) -> None:
    try:
        document = frozen(contenders, quotas)
    except UndecidedCutError:
        return
    shuffled = document.model_copy(update={"standing": shuffler.sample(document.standing, len(document.standing))})
    assert rank_again(shuffled).is_same
    if document.standing:
        first, *others = document.standing
        moved = {"rank": first.rank + 1} if is_rank else {"admitted": not first.admitted}
        altered = document.model_copy(update={"standing": [first.model_copy(update=moved), *others]})
        (found,) = rank_again(altered).differences
        assert (found.pseudonym, found.figure) == (first.pseudonym, *moved)
        assert not rank_again(document.model_copy(update={"digest": "0" * 64})).is_same
