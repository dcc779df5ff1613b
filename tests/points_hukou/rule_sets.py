"""Rule sets in the hands of officers: what a test needs to have one in force."""

from datetime import date
from typing import Any

import httpx

from tests.points_hukou.conftest import CITY, PointsOffice
from tests.running import Caller

ALL = "/v1/points/rule-sets"
SCOPES = frozenset(
    {
        "points.rule_set.draft",
        "points.rule_set.read",
        "points.rule_set.approve",
        "points.rule_set.put_in_force",
        "points.proposal.read",
        "points.proposal.decide",
    }
)


def officer(office: PointsOffice, actor: str | None = "officer-1", division: str = CITY, **who: Any) -> Caller:
    """Somebody who makes rules."""
    return office.service.caller(SCOPES, actor=actor, division=division, client=f"client-{division}", **who)


def expect(answer: httpx.Response, status: int) -> Any:
    """The body of an answer of that status."""
    assert answer.status_code == status, answer.text
    return answer.json()


def code_of(answer: httpx.Response) -> str:
    """The code of a problem document."""
    return str(answer.json()["type"]).rpartition(":")[2]


async def drafted(office: PointsOffice, body: dict[str, Any] | None = None, **who: Any) -> dict[str, Any]:
    """A rule set just handed in: that of the city unless another is given."""
    made: dict[str, Any] = expect(await officer(office, **who).post(ALL, body or {"released": "ningbo-2022"}), 201)
    return made


async def approved(office: PointsOffice, body: dict[str, Any] | None = None, division: str = CITY) -> dict[str, Any]:
    """A rule set that two officers approved."""
    made = await drafted(office, body, division=division)
    one = f"{ALL}/{made['rule_set_id']}"
    first, second = officer(office, division=division), officer(office, "officer-2", division)
    checked = expect(await first.post(f"{one}/check"), 200)
    assert checked["problems"] == [], checked["problems"]
    proposal = expect(await first.post(f"{one}/approve"), 201)
    expect(await second.post(f"/v1/points/proposals/{proposal['proposal_id']}/approve"), 200)
    found: dict[str, Any] = expect(await first.get(one), 200)
    assert found["status"] == "approved"
    return found


async def in_force(
    office: PointsOffice, valid_from: date, *purposes: str, body: dict[str, Any] | None = None, division: str = CITY
) -> dict[str, Any]:
    """A rule set in force in the city from a day on."""
    made = await approved(office, body, division)
    asked = {"purposes": purposes or ["school"], "division_code": division, "valid_from": valid_from.isoformat()}
    expect(await officer(office, division=division).post(f"{ALL}/{made['rule_set_id']}/put-in-force", asked), 200)
    return made
