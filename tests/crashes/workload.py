"""What clients do meanwhile: residents come, register, move, get permits; every unknown outcome is asked again, same key."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chassis.attachments.files import pdf
from tests.crashes.journal import Entry, Journal, Told
from tests.crashes.uploads import PATH as FILES
from tests.journeys.suite import citizen_number

_IN_PROGRESS = "urn:xinshimin:problem:request-in-progress"
_GIVE_UP_S = 60.0
_PAUSE_S = 0.2
_TOWNS = ("330282107", "330282114", "330282100")


class NeverAnsweredError(Exception):
    """A command got no definite answer within a minute."""


class RefusedError(Exception):
    """A command that must be possible was refused."""


@dataclass(slots=True)
class Desk:
    """A client of the suite, calling through the gateway, or through whatever stands before it."""

    http: httpx.AsyncClient
    credentials: tuple[str, str]
    journal: Journal
    run: str
    choose: random.Random
    abandon_ratio: float = 0.1
    _token: str = ""
    _token_until: float = 0.0
    _number: int = 0
    abandoned: list[Entry] = field(default_factory=list)

    async def act(self, method: str, path: str, content: Any, *, if_match: int | None = None, must: bool = True) -> Any:
        """One command until its answer is definite; raises `RefusedError`, or returns `None` when it was given up on purpose.

        `must` says that later commands build on it, so it is never given up.
        """
        await asyncio.sleep(self.choose.uniform(0, _PAUSE_S))
        self._number += 1
        entry = Entry(f"{self.run}-{self._number}", self.choose.randbytes(16).hex(), method, path, content, if_match)
        self.journal.asking(entry)
        deadline = time.monotonic() + _GIVE_UP_S
        while (told := await self.attempt(entry)) is None:
            if not must and entry.unknown and self.choose.random() < self.abandon_ratio:
                self.abandoned.append(entry)
                return None
            if time.monotonic() > deadline:
                raise NeverAnsweredError(f"{entry.key} {method} {path}: {entry.unknown[-3:]}")
            await asyncio.sleep(self.choose.uniform(0.05, 0.4))
        if not told.is_success:
            raise RefusedError(f"{entry.key} {method} {path}: {told.status} {told.body.decode()[:300]}")
        return httpx.Response(told.status, content=told.body).json()

    async def attempt(self, entry: Entry) -> Told | None:
        """One attempt; `None` when its outcome is unknown or it has to be made again."""
        headers = {
            "idempotency-key": entry.key,
            "x-request-id": entry.key,
            "traceparent": f"00-{entry.trace}-{self.choose.randbytes(8).hex()}-01",
        }
        if entry.if_match is not None:
            headers["if-match"] = f'"{entry.if_match}"'
        try:
            answer = await self._call(entry.method, entry.path, entry.content, headers)
        except httpx.HTTPError as error:
            self.journal.unknown(entry, type(error).__name__)
            return None
        if answer.status_code >= 500 or answer.status_code in {401, 429} or _IN_PROGRESS in answer.text:
            self.journal.unknown(entry, str(answer.status_code))
            return None
        told = Told(answer.status_code, answer.content, answer.headers.get("etag"), answer.headers.get("location"))
        self.journal.told(entry, told)
        return told

    async def read(self, path: str) -> None:
        """A read, as often as it takes."""
        for _ in range(200):
            try:
                if (await self._call("GET", path, None, {})).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.2)
        raise NeverAnsweredError(path)

    async def set_clock(self, now: str) -> None:
        """Move the law clock, which runs the jobs; not a command with a key, simply done again."""
        deadline = time.monotonic() + _GIVE_UP_S
        while time.monotonic() < deadline:
            try:
                if (await self._call("PUT", "/v1/sandbox/clock", {"now": now}, {})).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.5)
        raise NeverAnsweredError("the clock, which waits until everything published is applied")

    async def _call(self, method: str, path: str, content: Any, headers: dict[str, str]) -> httpx.Response:
        sent = {
            "x-purpose": "residence_registration",
            "x-actor": "officer-0017",
            "authorization": f"Bearer {await self._bearer()}",
        }
        if isinstance(content, str):  # a file
            headers = headers | {"content-type": "application/pdf"}
            return await self.http.request(method, path, headers=sent | headers, content=content)
        return await self.http.request(method, path, headers=sent | headers, json=content)

    async def _bearer(self) -> str:
        if time.monotonic() > self._token_until:
            answer = await self.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=self.credentials)
            if answer.status_code != 200:
                raise httpx.ConnectError(f"no token: {answer.status_code}")
            self._token, self._token_until = answer.json()["access_token"], time.monotonic() + 300
        return self._token


def made_up_person(choose: random.Random, **fields: Any) -> dict[str, Any]:
    """A resident nobody is."""
    birth = f"{choose.randint(1950, 2004)}{choose.randint(1, 12):02d}{choose.randint(1, 28):02d}"
    number = citizen_number(choose.choice(("522401", "360426", "341204", "410103")), birth, choose.randint(1, 999))
    return {
        "name": "欧阳·𠮷娃",
        "hukou_division_code": "522401",
        "phone": "13805740001",
        "identity_documents": [{"type": "citizen_id", "number": number}],
        **fields,
    }


def residence(person_id: str, choose: random.Random, started_on: str) -> dict[str, Any]:
    """Where somebody lives."""
    return {
        "person_id": person_id,
        "division_code": choose.choice(_TOWNS),
        "address": f"陈家村东路{choose.randint(1, 200)}号",
        "residence_kind": "rented",
        "started_on": started_on,
        "reported_by": "self",
    }


async def newcomer(desk: Desk, today: str) -> None:
    """Comes, is registered, corrects a phone number, moves within the county, leaves."""
    choose = desk.choose
    person = await desk.act("POST", "/v1/persons", made_up_person(choose))
    path = f"/v1/persons/{person['person_id']}"
    registered = await desk.act("POST", "/v1/residence-registrations", residence(person["person_id"], choose, today))
    corrected = await desk.act("PATCH", path, {"phone": f"138{choose.randint(10**7, 10**8 - 1)}"}, if_match=person["version"])
    home = f"/v1/residence-registrations/{registered['registration_id']}"
    await desk.read(path)
    moved = {"changed_on": today, "division_code": choose.choice(_TOWNS), "address": f"西路{choose.randint(1, 99)}号"}
    await desk.act("POST", f"{home}/address-change", moved, must=False)
    await desk.act("PATCH", path, {"phone": "13805740002"}, if_match=corrected["version"], must=False)
    if choose.random() < 0.5:
        await desk.act("POST", f"{home}/end", {"reason": "left"}, must=False)


async def newborn(desk: Desk, today: str) -> None:
    """Has no document yet, so nothing but the key tells two of them apart."""
    fields: dict[str, Any] = {"identity_documents": [], "no_document_reason": "newborn", "birth_date": today, "sex_code": "2"}
    for _ in range(3):
        await desk.act("POST", "/v1/persons", made_up_person(desk.choose) | fields, must=False)


async def papers(desk: Desk) -> None:
    """Somebody hands in a few files."""
    for _ in range(3):
        contract = pdf(desk.choose.randbytes(32).hex().encode()).decode()
        await desk.act("POST", f"{FILES}?purpose=evidence", contract)


async def permit_holder(desk: Desk, person_id: str) -> None:
    """Has lived here for half a year: applies, gets the card, loses it, gets another, gives it back."""
    content = {"person_id": person_id, "ground": "employment", "evidence": [{"type": "labour_contract"}]}
    permit = await desk.act("POST", "/v1/residence-permits", content)
    path = f"/v1/residence-permits/{permit['permit_id']}"
    await desk.act("POST", f"{path}/issue", {"card_number": f"330282C{desk.choose.randint(10**8, 10**9 - 1)}"})
    await desk.act("POST", f"{path}/report-loss", {})
    card = {"cause": "lost", "card_number": f"330282C{desk.choose.randint(10**8, 10**9 - 1)}"}
    await desk.act("POST", f"{path}/replace", card)
    await desk.act("POST", f"{path}/end", {"reason": "household_transfer"})
