"""A home for tests, through one caller."""

from dataclasses import dataclass
from typing import Any

from tests.registry.conftest import expect
from tests.registry.factories import a_home, a_landlord, a_person
from tests.running import Caller


@dataclass(slots=True)
class Home:
    """A registered home with its landlord."""

    caller: Caller
    landlord_id: str
    premises_id: str
    rooms: list[dict[str, Any]]

    @property
    def path(self) -> str:
        """Where it is read."""
        return f"/v1/premises/{self.premises_id}"

    async def read(self) -> dict[str, Any]:
        """GET /v1/premises/{id}."""
        return expect(await self.caller.get(self.path), 200)

    async def check_in(self, person_id: str, *, status: int = 201, **given: Any) -> dict[str, Any]:
        """POST /v1/stays."""
        body = {
            "person_id": person_id,
            "premises_id": self.premises_id,
            "room_id": self.rooms[0]["room_id"],
            "started_at": "2026-05-01T09:30:00+08:00",
        }
        return expect(await self.caller.post("/v1/stays", body | given), status)


async def register_home(caller: Caller, **given: Any) -> Home:
    """A landlord and a home."""
    division = {"division_code": given["division_code"]} if "division_code" in given else {}
    landlord = expect(await caller.post("/v1/landlords", a_landlord(**division)), 201)
    home = expect(await caller.post("/v1/premises", a_home(landlord["landlord_id"], **given)), 201)
    return Home(caller, landlord["landlord_id"], home["premises_id"], home["rooms"])


async def enter_person(caller: Caller, **given: Any) -> str:
    """Somebody new."""
    person_id: str = expect(await caller.post("/v1/persons", a_person(**given)), 201)["person_id"]
    return person_id
