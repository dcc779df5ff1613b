"""A suite with people in it: residents of one town, the offices that may see them, and offices that may not."""

import asyncio
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.clients import ANY_PURPOSE, CreatedClient, create_client
from gateway.routes import known_scopes, load_routes
from services.chassis.clock import LawClock, utc_now
from services.chassis.db import close_pool, create_pool
from tests.hostile.operations import PUBLIC, Published, operations, resolved
from tests.journeys.suite import Office, Suite, citizen_number

TOWN, TOWN_BESIDE, VILLAGE_BELOW, COUNTY_BESIDE = "330282107", "330282114", "330282107201", "330281"
PURPOSE = "residence_registration"


def a_person(sequence: int, **given: Any) -> dict[str, Any]:
    """A registration body of somebody nobody else's test knows."""
    return {
        "name": "石敢当",
        "hukou_division_code": "341204",
        "phone": "13805749999",
        "identity_documents": [{"type": "citizen_id", "number": citizen_number("341204", "19770707", sequence)}],
    } | given


@dataclass(slots=True)
class City:
    """A running suite, its operations and a resident's real objects by the name a path gives their ids."""

    suite: Suite
    operations: dict[str, Published]
    owner: Office
    known: dict[str, str]

    def operation(self, method: str, path: str) -> Published:
        """The published operation of a route."""
        return self.operations[f"{method} {path}"]

    def office(self, division: str, *, purposes: Sequence[str] = (ANY_PURPOSE,)) -> Office:
        """A new client with every scope."""
        made = asyncio.run(self._new_client(division, purposes))
        assert made.client_secret is not None
        return Office(self.suite.http, made.client_id, made.client_secret)

    def revoke(self, office: Office) -> None:
        """End a client."""
        self.suite.command("clients", "revoke", office.client_id)

    async def _new_client(self, division: str, purposes: Sequence[str]) -> CreatedClient:
        pool = await create_pool(self.setting("GATEWAY__DATABASE_URL"), size=1, command_timeout=5, application="test")
        try:
            return await create_client(
                pool,
                name="hostile",
                organisation="hostile",
                division_code=division,
                scopes=sorted(known_scopes(load_routes())),
                purposes=list(purposes),
                sandbox=True,
            )
        finally:
            await close_pool(pool)

    def setting(self, name: str) -> str:
        """A setting of the running suite, as its other commands get it."""
        return str(self.running["variables"][f"XINSHIMIN_{name}"])

    @property
    def running(self) -> dict[str, Any]:
        """What the suite tells of itself while it runs."""
        content: dict[str, Any] = json.loads((self.suite.data_dir / "suite.json").read_text())
        return content


def settle(suite: Suite) -> City:
    """People the suite: a permit holder with a relative, entered by the town's office, known to every service."""
    document = _whole_document(suite)
    owner = suite.office_of("掌起镇", TOWN)
    clock = suite.demo()
    clock.set_clock("2023-03-15T09:00:00+08:00")
    known = {}
    known["related_person_id"] = owner.post("/v1/persons", a_person(2))["person_id"]
    known["person_id"] = owner.post("/v1/persons", a_person(1))["person_id"]
    known["registration_id"] = owner.post("/v1/residence-registrations", _residence(known["person_id"]))["registration_id"]
    owner.post("/v1/residence-registrations", _residence(known["related_person_id"]))
    known["duplicate_person_id"] = known["related_person_id"]
    kinship = {"kind": "sibling", "valid_from": "2000-01-01", "evidence": []}
    pair = {name: known[name] for name in ("person_id", "related_person_id")}
    known["relationship_id"] = owner.post("/v1/relationships", {**pair, **kinship})["relationship_id"]
    gone = _somebody_who_left(owner)
    clock.set_clock("2023-09-15T09:00:00+08:00")
    application = {"person_id": known["person_id"], "ground": "employment", "evidence": [{"type": "labour_contract"}]}
    known["permit_id"] = owner.post("/v1/residence-permits", application)["permit_id"]
    owner.post(f"/v1/residence-permits/{known['permit_id']}/issue", {"card_number": "330282C000000077"})
    clock.set_clock(None)
    due = owner.get("/v1/retention-reviews?status=due")["items"]
    known["review_id"] = next(review["review_id"] for review in due if review["person_id"] == gone)
    known |= _a_home(owner, known["person_id"])
    known |= _a_conflict(owner, known)
    known["candidate_id"] = _a_possible_duplicate(owner)
    known |= _an_inspection(owner, known["premises_id"])
    correction = f"/v1/persons/{known['person_id']}/correction"
    known["proposal_id"] = owner.post(correction, {"name": "石敢当当"}, x_actor="officer-0018")["proposal_id"]
    city = City(suite, {each.name: each for each in operations(document)}, owner, known)
    known["operation_id"] = _an_import(city)
    known |= _an_evidence_import(city)
    known["evidence_id"] = _evidence(owner, known["person_id"])
    known["contest_id"] = _a_registry_contest(owner, known["person_id"])
    known |= _rule_sets(city)
    known |= _an_application(owner, known["person_id"])
    known |= _a_round(owner, clock, known["application_id"])
    known["transfer_id"] = _a_transfer(owner, known["person_id"])
    known |= _a_card(owner)
    known |= _places_of_a_school(owner)
    known |= _a_simulation(owner, known["rule_set_id"])
    _make_the_others(city, document)
    return city


def _whole_document(suite: Suite) -> dict[str, Any]:
    """The suite's description; a service that did not describe itself in time, on a busy machine, is asked again."""
    for _ in range(30):
        document: dict[str, Any] = suite.http.get("/openapi.json").json()
        if not document["info"]["x-missing-services"]:
            return document
        time.sleep(1)
    raise AssertionError(f"no description of {document['info']['x-missing-services']}")


def _residence(person_id: str) -> dict[str, Any]:
    return {
        "person_id": person_id,
        "division_code": TOWN,
        "address": "古窑浦一弄3号",
        "residence_kind": "rented",
        "started_on": "2023-03-10",
        "reported_by": "self",
    }


def _somebody_who_left(owner: Office) -> str:
    """Whose data are due for review, years later."""
    person_id = str(owner.post("/v1/persons", a_person(4))["person_id"])
    made = owner.post("/v1/residence-registrations", _residence(person_id))
    owner.post(f"/v1/residence-registrations/{made['registration_id']}/end", {"reason": "left"})
    return person_id


def _a_registry_contest(owner: Office, person_id: str) -> str:
    """The person says that the register is wrong."""
    said = {"rule_set": "ningbo-2022", "fact": "registered_in_province_since", "reason": "登记日期早于所载日期"}
    return str(owner.post(f"/v1/points/files/{person_id}/registry-contests", said)["contest_id"])


def _an_application(owner: Office, person_id: str) -> dict[str, str]:
    """The resident applies for a home, and the machine has scored it."""
    asked = {"person_id": person_id, "purpose": "housing", "division_code": TOWN}
    made = owner.post("/v1/points/applications", asked)
    scored = owner.post(f"/v1/points/applications/{made['application_id']}/score")
    return {"application_id": made["application_id"], "assessment_id": scored["counted_assessment_id"]}


def _a_round(owner: Office, clock: Office, application_id: str) -> dict[str, str]:
    """A round in which the resident stands, whose list is up, and somebody's objection to it."""
    owner.post(f"/v1/points/applications/{application_id}/confirm")
    today = LawClock().today()
    asked = {"purpose": "housing", "division_code": TOWN, "quota": 3, "freeze_on": today.isoformat()}
    terms = {"notice_working_days": 5, "objection_working_days": 5}
    round_id = owner.post("/v1/points/rounds", {**asked, **terms})["round_id"]
    clock.set_clock(f"{today + timedelta(days=1)}T09:00:00+08:00")
    for act in ("rank", "publish"):
        owner.post(f"/v1/points/rounds/{round_id}/{act}")
    said = {"application_id": application_id, "reason": "居住时间不实"}
    objection = owner.post(f"/v1/points/rounds/{round_id}/objections", said)
    clock.set_clock(None)
    return {"round_id": round_id, "objection_id": objection["objection_id"]}


def _a_transfer(owner: Office, person_id: str) -> str:
    """The resident may move the household registration here, and has not yet."""
    asked = {"person_id": person_id, "division_code": TOWN, "hukou_division_code": TOWN}
    transfer_id = str(owner.post("/v1/points/household-transfers", asked)["transfer_id"])
    owner.post(f"/v1/points/household-transfers/{transfer_id}/approve")
    return transfer_id


def _a_card(owner: Office) -> dict[str, str]:
    """A child of the town, its card as soon as the vaccination office has heard of it, and a dose."""
    born = {"identity_documents": [{"type": "citizen_id", "number": citizen_number("341204", "20220707", 6)}]}
    child = owner.post("/v1/persons", a_person(6, name="石小满", **born))["person_id"]
    owner.post("/v1/residence-registrations", _residence(child) | {"reported_by": "institution"})
    asked = {"person_id": child, "division_code": TOWN, "clinic_code": "3302821070", "basis": "request"}
    for _ in range(200):
        answer = owner.call("POST", "/v1/immunisation/cards", asked)
        if answer.status_code == 201:
            card_id = str(answer.json()["card_id"])
            dose = {"vaccine_code": "BCG", "given_on": "2022-07-08", "evidence": "certificate"}
            return {"card_id": card_id, "dose_id": owner.post(f"/v1/immunisation/cards/{card_id}/doses", dose)["dose_id"]}
        time.sleep(0.05)
    raise AssertionError(answer.text)


def _places_of_a_school(owner: Office) -> dict[str, str]:
    """A school of the town, its classes, and what it will offer: a draft, so nobody else's business yet."""
    named = {"school_code": "2133028277", "name": "古窑浦小学", "kind": "public", "division_code": TOWN}
    school_id = str(owner.post("/v1/education/schools", {**named, "first_grade": 1, "last_grade": 9})["school_id"])
    report = {"as_of": "2026-03-01", "classes": [{"grade": 1, "number": 1, "pupils": 44}]}
    assert owner.call("PUT", f"/v1/education/schools/{school_id}/classes", report).is_success
    grade = {"grade": 1, "classes": 2, "sources": [{"source": "public", "places": 90}]}
    plan = {"school_id": school_id, "entry_year": LawClock().today().year + 1, "areas": [VILLAGE_BELOW], "grades": [grade]}
    return {"school_id": school_id, "plan_id": str(owner.post("/v1/education/place-plans", plan)["plan_id"])}


def _a_simulation(owner: Office, rule_set_id: str) -> dict[str, str]:
    """The town's draft tried on everybody the town sees, by the worker."""
    variant = {"rule_set_id": rule_set_id, "applied_on": LawClock().today().isoformat()}
    operation = owner.post("/v1/points/simulations", {"before": variant, "after": variant})["operation_id"]
    for _ in range(600):
        if owner.call("GET", f"/v1/points/simulations/{operation}").is_success:
            return {"points:operation_id": operation, "simulation_id": operation}
        time.sleep(0.1)
    raise AssertionError(owner.get(f"/v1/points/operations/{operation}"))


def _rule_sets(city: City) -> dict[str, str]:
    """The city's rules in force for school places, the province's for homes, which ask for no permit; and a draft of the town's
    that waits for its second officer.
    """
    county = city.office("330282")
    for name, purpose in (("ningbo-2022", "school"), ("zhejiang-common-2023", "housing")):
        law = _proposed(county, name)
        county.post(f"/v1/points/proposals/{law['points:proposal_id']}/approve")
        use = {"purposes": [purpose], "division_code": "330282", "valid_from": LawClock().today().isoformat()}
        county.post(f"/v1/points/rule-sets/{law['rule_set_id']}/put-in-force", use)
    return _proposed(city.owner, "ningbo-2022")


def _proposed(office: Office, name: str) -> dict[str, str]:
    """A rule set that one officer put before another."""
    draft = office.post("/v1/points/rule-sets", {"released": name})
    one = f"/v1/points/rule-sets/{draft['rule_set_id']}"
    office.post(f"{one}/check")
    proposal = office.post(f"{one}/approve", x_actor="officer-0018")
    return {"rule_set_id": draft["rule_set_id"], "points:proposal_id": proposal["proposal_id"]}


def _an_import(city: City) -> str:
    """An operation of the town's office: a roster in which nothing is right."""
    upload = city.operation("POST", "/v1/registry/attachments")
    roster = "姓名,证件号码,居住地代码,居住地址,入住日期\n石敢当,1,2,3,4\n".encode()
    target = f"{upload.path}?purpose=import"
    answer = request(city, upload, city.owner.token(), target, roster, **{"content-type": "text/csv"})
    assert answer.is_success, answer.text
    asked = {"attachment_id": answer.json()["attachment_id"], "kind": "residents"}
    return str(city.owner.post("/v1/imports", asked)["operation_id"])


def _an_evidence_import(city: City) -> dict[str, str]:
    """A file of evidence in which nothing is right."""
    upload = city.operation("POST", "/v1/points/attachments")
    table = "证件号码,值\n1,2\n".encode()
    target = f"{upload.path}?purpose=import"
    answer = request(city, upload, city.owner.token(), target, table, **{"content-type": "text/csv"})
    assert answer.is_success, answer.text
    made = {"points:attachment_id": str(answer.json()["attachment_id"])}
    asked = {
        "attachment_id": made["points:attachment_id"],
        "rule_set": "ningbo-2022",
        "fact": "education",
        "as_of": "2024-05-06",
    }
    city.owner.post("/v1/points/evidence-imports", asked | {"reliability": "certificate"})
    return made


def _a_home(owner: Office, guest: str) -> dict[str, str]:
    """A home with a room, its landlord, and the resident as its guest."""
    landlord = {"kind": "person", "division_code": TOWN, "name": "陈阿大", "phone": "13805748888"}
    number = citizen_number("330222", "19500505", 5)
    made = owner.post("/v1/landlords", {**landlord, "document_type": "citizen_id", "number": number})
    room = {"label": "201", "kind": "bedroom", "usable_area_dm2": 1250, "beds": 2, "is_let": True}
    home = {"kind": "rental_home", "division_code": TOWN, "address": "古窑浦二弄5号", "let_from": "2024-03-01", "rooms": [room]}
    premises = owner.post("/v1/premises", {**home, "landlord_id": made["landlord_id"]})
    known = {"landlord_id": made["landlord_id"], "premises_id": premises["premises_id"]}
    known["room_id"] = premises["rooms"][0]["room_id"]
    stay = {"person_id": guest, "started_at": "2024-05-01T09:30:00+08:00", "bed": 1}
    where = {name: known[name] for name in ("premises_id", "room_id")}
    known["stay_id"] = owner.post("/v1/stays", {**stay, **where})["stay_id"]
    return known


def _a_conflict(owner: Office, known: Mapping[str, str]) -> dict[str, str]:
    """A coordinator's visit that saw another version of the home than the register has."""
    walk = {"coordinator": "officer-0017", "division_code": TOWN, "valid_from": "2023-01-01"}
    assignment = owner.post("/v1/coordinator-assignments", walk)["assignment_id"]
    seen = {"subject": "home", "outcome": "not_found", "premises_id": known["premises_id"], "seen_version": 77}
    when = (utc_now() - timedelta(days=2)).isoformat(timespec="seconds")
    visit = {"visit_id": str(uuid.uuid4()), "division_code": TOWN, "visited_at": when}
    batch = owner.post("/v1/field-visits/batches", {"visits": [visit | seen]})
    (result,) = batch["results"]
    (conflict,) = result["conflicts"]
    return {"assignment_id": assignment, "visit_id": visit["visit_id"], "visit_conflict_id": conflict["visit_conflict_id"]}


def _an_inspection(owner: Office, premises_id: str) -> dict[str, str]:
    """A look at the home that found something."""
    missing = {"kind": "smoke_alarm_missing", "due_on": "2026-05-31"}
    made = owner.post("/v1/inspections", {"premises_id": premises_id, "inspected_on": "2026-05-10", "findings": [missing]})
    return {"inspection_id": made["inspection_id"], "finding_id": made["findings"][0]["finding_id"]}


def _evidence(owner: Office, person_id: str) -> str:
    """A diploma that an officer of the town has seen, given as soon as the points office has heard of the person."""
    fact = {"rule_set": "ningbo-2022", "fact": "education", "value": ["junior_college"], "as_of": "2024-05-06"}
    body = {"person_id": person_id, "reliability": "certificate", **fact}
    for _ in range(200):
        answer = owner.call("POST", "/v1/points/evidence", body)
        if answer.status_code == 201:
            return str(answer.json()["evidence_id"])
        time.sleep(0.05)
    raise AssertionError(answer.text)


def _a_possible_duplicate(owner: Office) -> str:
    """Two records of one man, the second without his card: a pair for an officer to look at."""
    with_card = a_person(3, name="石晓峰", phone="13805747777")
    without = {"birth_date": "1977-07-07", "sex_code": "1", "no_document_reason": "lost", "identity_documents": []}
    person_id = owner.post("/v1/persons", with_card)["person_id"]
    owner.post("/v1/persons", with_card | without)
    (pair,) = owner.get(f"/v1/duplicate-candidates?person_id={person_id}")["items"]
    return str(pair["candidate_id"])


def _make_the_others(city: City, document: Mapping[str, Any]) -> None:
    """Objects of later routes: whatever POST answers with the id that a path asks for, with its own example as the body."""
    wanted = {name for each in city.operations.values() for name in each.parameters} - city.known.keys() - PUBLIC.keys()
    for name in sorted(wanted):
        maker = next((each for each in city.operations.values() if _makes(each, name, document)), None)
        assert maker is not None, f"say in tests/hostile/people.py how a real {{{name}}} comes to be"
        answer = request(city, maker, city.owner.token(), maker.target(city.known), maker.body(city.known))
        assert answer.is_success, f"{maker.name} makes no {name}: {answer.text}"
        city.known[name] = answer.json()[name]


def _makes(operation: Published, name: str, document: Mapping[str, Any]) -> bool:
    if operation.method != "POST":
        return False
    made = document["paths"][operation.path]["post"]["responses"].get("201", {})
    schema = made.get("content", {}).get("application/json", {}).get("schema", {})
    return name in resolved(schema, document).get("properties", {})


def request(city: City, operation: Published, token: str | None, target: str, body: bytes | None, **without: str | None) -> Any:
    """A well-meant call of `operation`, but for the headers in `without`: another value, or `None` to leave one out."""
    sent: dict[str, str | None] = {
        "authorization": f"Bearer {token}" if token is not None else None,
        "x-purpose": PURPOSE,
        "x-actor": "officer-0017",
        "content-type": operation.media_type,
        **without,
    }
    if operation.policy.get("idempotency"):
        sent.setdefault("idempotency-key", f"hostile-{uuid.uuid4()}")
    if operation.policy.get("if_match"):
        sent.setdefault("if-match", '"1"')
    headers = {name: value for name, value in sent.items() if value is not None}
    return city.suite.http.request(operation.method, target, headers=headers, content=body)


def problem(answer: Any) -> str:
    """The code of a problem document, empty for any other answer."""
    try:
        return str(answer.json()["type"]).removeprefix("urn:xinshimin:problem:")
    except (KeyError, TypeError, json.JSONDecodeError):
        return ""
