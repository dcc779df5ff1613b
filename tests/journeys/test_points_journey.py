"""Points through the gateway: law is made, a resident applies, the score is explained and replayed offline, a round is run; and
somebody becomes local hukou.
"""

import json
import time
from datetime import date
from pathlib import Path
from typing import Any

from tests.journeys.suite import Office, Suite, citizen_number
from tests.journeys.test_first_journey import PROOF, person, points_file, registration

RULES = "/v1/points/rule-sets"
EVERY_USE = ["school", "housing", "health_check", "rest_leave", "other"]
TOWN = "330282107"


def a_resident_with_a_permit(city: Office) -> str:
    """Somebody who came a year ago, works, and holds a permit."""
    city.set_clock("2025-03-15T09:00:00+08:00")
    person_id = str(city.post("/v1/persons", person(citizen_number("522401", "19900312", 9)))["person_id"])
    city.post("/v1/residence-registrations", registration(person_id, TOWN, "2025-03-10"))
    employer = {"credit_code": "91330282MA2A00001K", "name": "慈溪市旅程电器有限公司", "division_code": TOWN}
    city.post("/v1/employers", {**employer, "industry_code": "C38"})
    job = {"person_id": person_id, "credit_code": employer["credit_code"], "occupation_code": "6", "started_on": "2025-03-14"}
    city.post("/v1/employments", job)
    city.set_clock("2025-09-22T09:00:00+08:00")
    asked = {"person_id": person_id, "ground": "employment", **PROOF}
    permit = city.post("/v1/residence-permits", asked)
    city.post(f"/v1/residence-permits/{permit['permit_id']}/issue", {"card_number": "330282C000000909"})
    return person_id


def law_is_made(city: Office) -> str:
    """Two officers, and a first day."""
    draft = city.post(RULES, {"released": "ningbo-2022"})
    one = f"{RULES}/{draft['rule_set_id']}"
    assert city.post(f"{one}/check")["problems"] == []
    proposal = city.post(f"{one}/approve")
    decide = f"/v1/points/proposals/{proposal['proposal_id']}/approve"
    city.refused("POST", decide, {}, 403, "second-officer-needed")
    city.post(decide, x_actor="officer-0099")
    city.post(f"{one}/put-in-force", {"purposes": EVERY_USE, "division_code": "330282", "valid_from": "2026-03-02"})
    return str(draft["rule_set_id"])


def test_from_the_law_to_the_final_list(suite: Suite, city: Office, tmp_path: Path) -> None:
    person_id = a_resident_with_a_permit(city)
    city.set_clock("2026-03-02T09:00:00+08:00")
    rule_set_id = law_is_made(city)
    points_file(city, person_id, permit_status="valid")

    asked = {"person_id": person_id, "purpose": "housing", "division_code": TOWN}
    application = city.post("/v1/points/applications", asked)
    assert (application["rule_set_id"], application["due_on"]) == (rule_set_id, "2026-03-16")
    one = f"/v1/points/applications/{application['application_id']}"
    scored = city.post(f"{one}/score")
    found = city.get(f"/v1/points/assessments/{scored['counted_assessment_id']}")
    components = {each["id"]: each for each in found["explanation"]["components"]}
    assert components["age"]["counted"] == "20.00"
    assert components["residence_time"]["facts"]["registered_in_province_since"]["value"] == "2025-03-15"
    assert any(each["item"] == "social_insurance" for each in found["what_would_help"])

    file = tmp_path / "ASSESSMENT.json"
    document = city.get(f"/v1/points/assessments/{scored['counted_assessment_id']}/document")
    file.write_text(json.dumps(document), "utf-8")
    assert suite.command("points", "replay", str(file))["same"] is True
    assert city.post(f"{one}/confirm")["status"] == "confirmed"

    terms = {"notice_working_days": 5, "objection_working_days": 5, "freeze_on": date(2026, 3, 31).isoformat()}
    made = city.post("/v1/points/rounds", {"purpose": "housing", "division_code": "330282", "quota": 2, **terms})
    round_ = f"/v1/points/rounds/{made['round_id']}"
    city.refused("POST", f"{round_}/rank", {}, 409, "round-not-frozen")
    city.set_clock("2026-04-01T09:00:00+08:00")
    city.post(f"{round_}/rank")
    city.post(f"{round_}/publish")
    numbers = [entry["application_number"] for entry in city.get(f"{round_}/notice")["items"]]
    standing = [row["application_id"] for row in city.get(f"{round_}/places?admitted=true")["items"]]
    assert numbers == standing
    assert found["is_eligible"]
    assert standing == [application["application_id"]]
    ranking = tmp_path / "RANKING.json"
    ranking.write_text(json.dumps(city.get(f"{round_}/ranking")), "utf-8")
    assert suite.command("points", "rank", str(ranking))["same"] is True
    said = city.post(f"{round_}/objections", {"application_id": application["application_id"], "reason": "居住时间不实"})
    city.set_clock("2026-04-13T09:00:00+08:00")
    city.refused("POST", f"{round_}/finish", {}, 409, "round-not-over")
    answer = {"outcome": "dismissed", "answer": "经核实,居住登记属实"}
    city.post(f"{round_}/objections/{said['objection_id']}/answer", answer, x_actor="officer-0099")
    assert city.post(f"{round_}/finish")["status"] == "finished"
    city.refused("GET", f"{round_}/notice", None, 404, "notice-not-up")


def answered(city: Office, one: str) -> dict[str, Any]:
    """The transfer, once the registry has answered."""
    for _ in range(200):
        found: dict[str, Any] = city.get(one)
        if found["status"] != "completed":
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def test_who_becomes_local_hukou_needs_no_permit_any_more(city: Office) -> None:
    city.set_clock("2025-03-15T09:00:00+08:00")
    person_id = str(city.post("/v1/persons", person(citizen_number("522401", "19880817", 3)))["person_id"])
    city.post("/v1/residence-registrations", registration(person_id, TOWN, "2025-03-10"))
    city.set_clock("2025-09-22T09:00:00+08:00")
    permit = city.post("/v1/residence-permits", {"person_id": person_id, "ground": "employment", **PROOF})
    permit_ = f"/v1/residence-permits/{permit['permit_id']}"
    city.post(f"{permit_}/issue", {"card_number": "330282C000000910"})
    points_file(city, person_id, permit_status="valid")

    city.set_clock("2026-02-02T09:00:00+08:00")
    asked = {"person_id": person_id, "division_code": "330282", "hukou_division_code": TOWN}
    made = city.post("/v1/points/household-transfers", asked)
    one = f"/v1/points/household-transfers/{made['transfer_id']}"
    city.post(f"{one}/approve")
    assert city.get(permit_)["status"] == "valid", "approved is not entered"
    city.set_clock("2026-02-04T09:00:00+08:00")
    moved = city.post("/v1/residence-registrations", registration(person_id, "330282109", "2026-02-03"))
    entry = {"entered_on": "2026-02-03", "hukou_division_code": TOWN}
    city.refused("POST", f"{one}/complete", entry, 403, "second-officer-needed")
    city.post(f"{one}/complete", entry, x_actor="officer-0099")
    returned = answered(city, one)
    assert (returned["status"], [reason["code"] for reason in returned["reasons"]]) == ("returned", ["registered_after_entry"])
    assert city.get(permit_)["status"] == "valid"

    city.post(f"{one}/resend", entry | {"entered_on": "2026-02-04"}, x_actor="officer-0099")
    closed = answered(city, one)
    assert (closed["status"], closed["ended_registration_id"]) == ("closed", moved["registration_id"])
    ended = city.get(permit_)
    assert (ended["status"], ended["ended_on"], ended["end_reason"]) == ("ended", "2026-02-04", "household_transfer")
    file = points_file(city, person_id, permit_status="ended")
    assert {home["status"] for home in file["residence_registrations"]} == {"ended"}
    ends = [home["end_reason"] for home in file["residence_registrations"]]
    assert sorted(ends) == ["household_transfer", "moved_within_city"]
