"""Bringing the demo's rosters in, as a client does: upload, ask for the import, follow it, fetch what was refused; and putting
the city's rules for points in force, as two officers do.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import aiohttp

from services.chassis.clock import LawClock
from services.suite.demo_rosters import EMPLOYER, HOME, HOME_DIVISION, ROOMS, DemoRoster, citizen_number
from services.suite.exits import ExitCode, SuiteError
from services.suite.first_calls import DemoClient

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=120)
_LOOK_EVERY_S = 0.5
_OFFICER = "demo-officer"
_SECOND_OFFICER = "demo-officer-2"
_CITY = "330282"
_RULES = "ningbo-2022"
_USES = ("school", "housing", "health_check", "rest_leave", "other")
_WORKED_ON = frozenset({"accepted", "running"})

Follow = Callable[[int, int | None], None]
"""Hears how many rows are done, of how many."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one roster brought as one kind; `refused` is the file of refused rows, if there is one."""

    kind: str
    operation: dict[str, Any]
    refused: bytes | None


@asynccontextmanager
async def office(client: DemoClient) -> AsyncIterator["Office"]:
    """The demo client, with a token."""
    async with aiohttp.ClientSession(client.base_url, timeout=_TIMEOUT) as http:
        made = Office(http)
        credentials = aiohttp.BasicAuth(client.client_id, client.client_secret)
        async with http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=credentials) as answer:
            token = (await _told(answer))["access_token"]
        made.headers = {
            "Authorization": f"Bearer {token}",
            "X-Purpose": "residence_registration",
            "X-Actor": _OFFICER,
        }
        yield made


class Office:
    """Calls through the gateway."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self.headers: dict[str, str] = {}

    async def prepare(self) -> None:
        """Register what the rosters are about: the employer, the landlord's home, where the coordinator walks."""
        lies = {"division_code": "330282107", "industry_code": "C38"}
        await self._once("/v1/employers", {"credit_code": EMPLOYER, "name": "慈溪市示例电器有限公司", **lies})
        walk = {"coordinator": _OFFICER, "division_code": HOME_DIVISION, "valid_from": f"{LawClock().today().year}-01-01"}
        await self._once("/v1/coordinator-assignments", walk)
        number = citizen_number("330282", date(1960, 4, 4), 404)
        person = {"kind": "person", "name": "陈阿大", "document_type": "citizen_id", "number": number}
        landlord = {**person, "division_code": HOME_DIVISION}
        if (made := await self._once("/v1/landlords", landlord)) is not None:
            rooms = [{"label": label, "kind": "bedroom", "beds": 2, "is_let": True} for label in ROOMS]
            place = {"division_code": HOME_DIVISION, "address": HOME, "let_from": f"{LawClock().today().year}-01-01"}
            home = {"kind": "rental_home", "landlord_id": made["landlord_id"], "rooms": rooms, **place}
            await self._once("/v1/premises", home)

    async def put_rules_in_force(self) -> str:
        """The rules of the release that apply to this city, through the door as everybody else: checked, approved by two
        officers, in force from today. Returns the name of what is in force.
        """
        found = await self._call("GET", f"/v1/points/rule-sets/in-force?division_code={_CITY}")
        if not found["items"]:
            draft = await self._call("POST", "/v1/points/rule-sets", json={"released": _RULES})
            one = f"/v1/points/rule-sets/{draft['rule_set_id']}"
            await self._call("POST", f"{one}/check", json={})
            proposal = await self._call("POST", f"{one}/approve", json={})
            approve = f"/v1/points/proposals/{proposal['proposal_id']}/approve"
            await self._call("POST", approve, json={}, headers={"X-Actor": _SECOND_OFFICER})
            use = {"purposes": list(_USES), "division_code": _CITY, "valid_from": found["on"]}
            found = await self._call("POST", f"{one}/put-in-force", json=use)
        return str(found["items"][0]["name"])

    async def _once(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Register it, unless it is there already."""
        async with self._http.post(path, json=body, headers=self._with_key(self.headers)) as answer:
            return None if answer.status == 409 else await _told(answer)

    async def load(self, roster: DemoRoster, follow: Follow, *, size: int | None) -> list[Loaded]:
        """Bring one roster in, as each kind it is. Raises `SuiteError` when it cannot be done."""
        content = roster.content(LawClock().today(), size)
        query = "/v1/registry/attachments?purpose=import&retention_class=working_file"
        file = await self._call("POST", query, data=content, headers={"Content-Type": roster.media_type})
        return [await self._brought(roster, kind, file["attachment_id"], follow) for kind in roster.kinds]

    async def _brought(self, roster: DemoRoster, kind: str, attachment_id: str, follow: Follow) -> Loaded:
        asked = {"attachment_id": attachment_id, "kind": kind}
        operation = await self._call("POST", "/v1/imports", json=asked)
        while operation["state"] in _WORKED_ON:
            await asyncio.sleep(_LOOK_EVERY_S)
            operation = await self._call("GET", f"/v1/registry/operations/{operation['operation_id']}")
            follow(operation["done"], operation["total"])
        if operation["state"] != "succeeded":
            raise SuiteError(ExitCode.CHECK_FAILED, f"{roster.name}: {operation['state']} ({operation['problem']})")
        return Loaded(kind, operation, await self._refused(operation))

    async def _refused(self, operation: dict[str, Any]) -> bytes | None:
        if (attachment_id := operation["errors_attachment_id"]) is None:
            return None
        address = f"/v1/registry/attachments/{attachment_id}/content"
        async with self._http.get(address, headers=self.headers) as answer:
            if answer.status >= 400:
                await _told(answer)
            return await answer.read()

    async def _call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> dict[str, Any]:
        sent = {**self.headers, **(headers or {})}
        if method != "GET":
            sent = self._with_key(sent)
        async with self._http.request(method, path, headers=sent, **options) as answer:
            return await _told(answer)

    @staticmethod
    def _with_key(headers: dict[str, str]) -> dict[str, str]:
        return {**headers, "Idempotency-Key": str(uuid.uuid4())}


async def _told(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    content: dict[str, Any] = await answer.json(content_type=None)
    if answer.status >= 400:
        raise SuiteError(ExitCode.CHECK_FAILED, f"{answer.method} {answer.url.path}: {answer.status} {content.get('title_en')}")
    return content
