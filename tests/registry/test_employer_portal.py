"""An employer's own client: its employer and its own people, nothing else of anybody, and no operation of an office."""

import pytest

from tests.registry.conftest import Office, expect
from tests.registry.employers import an_employer, registered, taken_on
from tests.registry.factories import a_person
from tests.registry.rosters import CSV, as_csv
from tests.registry.test_imports_door import ended
from tests.registry.uploads import download, upload, uploaded
from tests.running import Caller

PATH = "/v1/employments"


def portal_of(office: Office, employer: dict[str, str]) -> Caller:
    """The employer's own client, with every scope there is."""
    unit = f"unit:{employer['credit_code']}"
    return office.caller("330282", client=f"portal-{employer['credit_code']}", organisation=unit)


async def test_it_reports_a_person_it_resolved_and_sees_only_that_report(office: Office, cixi: Caller) -> None:
    employer, beside = await registered(cixi), await registered(cixi)
    portal = portal_of(office, employer)
    entered = a_person()
    person = expect(await cixi.post("/v1/persons", entered), 201)["person_id"]
    elsewhere = await taken_on(cixi, person, beside, "2023-01-02")
    body = {"person_id": person, "credit_code": employer["credit_code"], "occupation_code": "6", "started_on": "2024-03-04"}

    expect(await portal.post(PATH, body), 404)
    named = {"identity_document": entered["identity_documents"][0], "name": entered["name"]}
    expect(await portal.post("/v1/persons/resolve", named), 200)
    made = expect(await portal.post(PATH, {**body, "position": "质检员"}), 201)
    path = f"{PATH}/{made['employment_id']}"
    changed = expect(await portal.patch(path, {"occupation_code": "601"}, version=1), 200)

    assert (made["position"], made["employer_id"]) == ("质检员", employer["employer_id"])
    assert expect(await portal.get(path), 200) == changed
    assert [item["employment_id"] for item in expect(await portal.get(PATH), 200)["items"]] == [made["employment_id"]]
    assert len(expect(await portal.get(f"/v1/employers/{employer['employer_id']}/employments"), 200)["items"]) == 1
    expect(await portal.get(f"{PATH}/{elsewhere['employment_id']}"), 404)
    expect(await portal.get(f"/v1/employers/{beside['employer_id']}"), 404)
    expect(await portal.get(f"/v1/employers/{beside['employer_id']}/employments"), 404)
    expect(await portal.post(f"{path}/end", {"ended_on": "2024-03-05", "reason": "resigned"}), 200)


async def test_it_reports_for_nobody_but_itself(office: Office, cixi: Caller) -> None:
    employer, beside = await registered(cixi), await registered(cixi)
    portal = portal_of(office, employer)
    entered = a_person()
    person = expect(await cixi.post("/v1/persons", entered), 201)["person_id"]
    named = {"identity_document": entered["identity_documents"][0], "name": entered["name"]}
    expect(await portal.post("/v1/persons/resolve", named), 200)
    body = {"person_id": person, "credit_code": beside["credit_code"], "occupation_code": "6", "started_on": "2024-03-04"}

    assert expect(await portal.post(PATH, body), 403)["type"].endswith("employer-not-own")
    assert expect(await portal.post("/v1/employers/search", {"credit_code": beside["credit_code"]}), 200) == {"items": []}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/persons/019ab0c2-1111-7000-8000-000000000001"),
        ("GET", "/v1/persons/019ab0c2-1111-7000-8000-000000000001/employments"),
        ("GET", "/v1/residence-registrations"),
        ("GET", "/v1/employers"),
        ("GET", "/v1/registry/changes"),
        ("GET", "/v1/inspection-findings"),
    ],
)
async def test_the_operations_of_offices_are_closed_to_it(office: Office, cixi: Caller, method: str, path: str) -> None:
    portal = portal_of(office, await registered(cixi))

    answer = expect(await portal.http.request(method, path, headers={"authorization": f"Bearer {portal.token}"}), 403)
    assert answer["type"].endswith("offices-only")
    assert expect(await portal.post("/v1/persons", a_person()), 403)["type"].endswith("offices-only")
    assert expect(await portal.post("/v1/employers", an_employer()), 403)["type"].endswith("offices-only")


async def test_it_brings_a_list_of_its_own_people_and_of_nobody_elses(office: Office, cixi: Caller) -> None:
    employer, beside = await registered(cixi), await registered(cixi)
    portal = portal_of(office, employer)
    entered = [a_person() for _ in range(2)]
    for person in entered:
        expect(await cixi.post("/v1/persons", person), 201)
    rows = [
        {
            "姓名": person["name"],
            "证件号码": person["identity_documents"][0]["number"],
            "统一社会信用代码": code,
            "职业": "6",
            "入职日期": "2024-03-04",
        }
        for person, code in zip(entered, (employer["credit_code"], beside["credit_code"]), strict=True)
    ]
    file = await uploaded(portal, as_csv(rows), CSV, purpose="import")
    body = {"attachment_id": file["attachment_id"], "kind": "employments"}
    asked = expect(await portal.post("/v1/imports", body), 202)
    done = await ended(portal, asked)
    assert (done["state"], done["counts"]) == ("succeeded", {"started": 1, "refused": 1})
    refused = (await download(portal, done["errors_attachment_id"])).content.decode("utf-8-sig")
    assert "employer-not-own" in refused
    assert len(expect(await portal.get(PATH), 200)["items"]) == 1
    assert len(expect(await cixi.get(f"/v1/employers/{beside['employer_id']}/employments"), 200)["items"]) == 0

    for other in (cixi, portal_of(office, beside)):
        expect(await other.get(f"/v1/registry/operations/{done['operation_id']}"), 404)
        expect(await other.get(f"/v1/registry/attachments/{file['attachment_id']}"), 404)
    assert expect(await portal.post("/v1/imports", {**body, "kind": "residents"}), 403)["type"].endswith("offices-only")
    assert (await upload(portal, as_csv(rows), CSV)).status_code == 403, "evidence is for offices"


async def test_a_unit_that_is_no_employer_sees_nothing(office: Office, cixi: Caller) -> None:
    employer = await registered(cixi)
    stranger = portal_of(office, {"credit_code": "91330282MA2A00001K"})

    expect(await stranger.get(f"/v1/employers/{employer['employer_id']}"), 404)
    assert expect(await stranger.get(PATH), 200)["items"] == []
