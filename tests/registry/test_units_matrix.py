"""The matrix of outside units: every operation under an employer's and a landlord's own client, with every scope there is. A
new operation is closed to both until the table says to whom it is open, and why.
"""

import re
import tomllib
from typing import Any

import pytest

from services.chassis.operation import EXTENSION
from tests.registry.case_files import CASES
from tests.registry.conftest import Office, expect
from tests.registry.employers import registered, taken_on
from tests.registry.homes import register_home
from tests.registry.row_queries import NOBODY
from tests.registry.test_merging import entered
from tests.running import Caller
from tests.test_architecture import document

OPEN: list[dict[str, Any]] = tomllib.loads((CASES / "units.toml").read_text("utf-8"))["open"]
OPERATIONS = {
    f"{method.upper()} {path}": operation[EXTENSION]
    for path, item in document("registry")["paths"].items()
    for method, operation in item.items()
}
CLOSED = sorted(name for name, told in OPERATIONS.items() if not told["units"])
OWN = {"employer": "91330282MA2A00001K", "landlord": NOBODY}


def test_the_table_names_every_open_operation_once_and_says_why() -> None:
    listed = [name for row in OPEN for name in row["operations"]]
    assert len(listed) == len(set(listed))
    assert set(listed) == {name for name, told in OPERATIONS.items() if told["units"]}
    assert {row["to"] for row in OPEN} == {"both", "employer", "landlord"}
    assert all(row["why_zh"] and row["why_en"] for row in OPEN)


@pytest.mark.parametrize("unit", OWN.values(), ids=OWN)
async def test_everything_else_is_closed_whoever_asks_for_whatever(office: Office, unit: str) -> None:
    portal = office.caller("330282", client=f"portal-{unit}", organisation=f"unit:{unit}")
    for name in CLOSED:
        method, path = name.split(" ")
        answer = await portal.call(method, re.sub(r"\{\w+\}", NOBODY, path))
        assert answer.status_code == 403, (name, answer.text)
        assert answer.json()["type"].endswith(":offices-only"), (name, answer.text)
    assert len(CLOSED) > 100


async def test_what_is_open_to_one_shows_nothing_to_the_other(office: Office, cixi: Caller) -> None:
    """Real things behind the routes; each client asks for its own and for the other's."""
    home, employer = await register_home(cixi), await registered(cixi)
    person_id = await entered(cixi)
    stay = await home.check_in(person_id)
    job = await taken_on(cixi, person_id, employer, "2025-01-06")
    ids = {
        "landlord_id": home.landlord_id,
        "premises_id": home.premises_id,
        "stay_id": stay["stay_id"],
        "employer_id": employer["employer_id"],
        "employment_id": job["employment_id"],
    }
    units = {"landlord": home.landlord_id, "employer": employer["credit_code"]}
    portals = {kind: office.caller("330282", client=f"of-{kind}", organisation=f"unit:{unit}") for kind, unit in units.items()}
    asked = 0
    for row in OPEN:
        for name in row["operations"]:
            method, path = name.split(" ")
            if row["to"] == "both" or method != "GET" or "{" not in path:
                continue
            asked += 1
            for kind, portal in portals.items():
                answer = await portal.get(path.format(**ids))
                assert answer.status_code == (200 if row["to"] == kind else 404), (name, kind, answer.text)
    assert asked == 11
    lists = {"landlord": "/v1/premises", "employer": "/v1/employments"}
    for whose, path in lists.items():
        for kind, portal in portals.items():
            assert bool(expect(await portal.get(path), 200)["items"]) is (whose == kind)
