"""Offices at the evidence door, and people whose documents the registry told of."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from services.chassis.ids import new_id
from services.contracts import registry
from services.points_hukou.schemas.fields import FIELDS
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.story import TOWN, Story
from tests.running import Caller

SCOPES = frozenset(
    {
        "points.file.read",
        "points.evidence.read",
        "points.evidence.write",
        "points.evidence.contest",
        "points.evidence.answer",
        *FIELDS.scopes.names(),
    }
)
INSURANCE, SCHOOLS, POLICE, HALL = "慈溪市人力资源和社会保障局", "慈溪市教育局", "慈溪市公安局", "掌起镇便民服务中心"
MONTHS = [{"from": "2022-01", "to": "2024-06"}]
DOOR = "/v1/points/evidence"


def insurance(**given: Any) -> dict[str, Any]:
    """Months of insurance, as the insurance office gives them."""
    return {"rule_set": "ningbo-2022", "fact": "insurance_in_province", "value": MONTHS, "as_of": "2026-03-02"} | given


def schooling(**given: Any) -> dict[str, Any]:
    """A diploma an officer has seen."""
    body = {"rule_set": "ningbo-2022", "fact": "education", "value": ["junior_college"], "as_of": "2026-03-02"}
    return body | {"reliability": "certificate"} | given


@dataclass(frozen=True, slots=True)
class Desk:
    """Whoever stands at the door."""

    office: PointsOffice

    def of(self, organisation: str, division: str = CITY, **given: Any) -> Caller:
        """A client of an organisation, with every scope unless told otherwise."""
        scopes = given.pop("scopes", SCOPES)
        return self.office.service.caller(scopes, organisation=organisation, division=division, client=organisation, **given)

    async def resident(self, *numbers: str, division: str = TOWN, **changed: Any) -> Story:
        """Somebody the registry told of, with these citizen numbers, registered in a town."""
        story = Story()
        tokens = tuple(
            registry.DocumentToken(document_type="citizen_id", key_id=key_id, token=token)
            for number in numbers
            for key_id, token in self.office.service.runtime.keyring.document_tokens("citizen_id", number).items()
        )
        documents = {"document_tokens": tokens} if tokens else {}
        story.person(**documents | changed)
        story.registration(registry.ResidenceRegistrationRegistered, new_id(), 1, division_code=division)
        await self.office.tell(story.messages())
        await self.office.settled()
        return story

    async def give(self, caller: Caller, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
        """Give evidence."""
        return answered(await caller.post(DOOR, body), status)

    async def search(self, story: Story, caller: Caller | None = None, **given: Any) -> list[dict[str, Any]]:
        """What is kept of somebody."""
        body = {"person_id": str(story.person_id)} | given
        found = answered(await (caller or self.of(HALL)).post(f"{DOOR}/search", body), 200)
        items: list[dict[str, Any]] = found["items"]
        return items

    async def facts(self, story: Story, caller: Caller | None = None, rule_set: str = "ningbo-2022") -> dict[str, Any]:
        """What is known of somebody."""
        path = f"/v1/points/files/{story.person_id}/facts?rule_set={rule_set}"
        return answered(await (caller or self.of(HALL)).get(path), 200)

    async def left(self, resource_id: str) -> tuple[list[str], list[dict[str, Any]]]:
        """Types of the events that name a thing, and the lines of evidence about it."""
        looking = Looking(self.office.service.runtime.pool)
        events = await looking.fetch(
            "SELECT event_type FROM outbox WHERE data LIKE $1 ORDER BY recorded_at", f"%{resource_id}%"
        )
        lines = await looking.fetch("SELECT line FROM audit_line WHERE line LIKE $1", f"%{resource_id}%")
        return [row["event_type"] for row in events], [json.loads(row["line"]) for row in lines]


def answered(response: httpx.Response, status: int) -> dict[str, Any]:
    """The body of an answer that must be `status`."""
    assert response.status_code == status, response.text
    content: dict[str, Any] = response.json()
    return content


def pointers(problem: dict[str, Any]) -> list[tuple[str, str]]:
    """What a problem names, and how."""
    return [(each["pointer"], each["code"]) for each in problem["errors"]]


def kind(problem: dict[str, Any]) -> str:
    """The code of a problem."""
    return str(problem["type"]).rpartition(":")[2]


def ids(items: list[dict[str, Any]]) -> list[UUID]:
    """The evidence's ids."""
    return [UUID(each["evidence_id"]) for each in items]
