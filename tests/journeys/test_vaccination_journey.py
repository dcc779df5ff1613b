"""A child arrives half-way through another province's series: card, record, the next dose on its day, and away again."""

from typing import Any

from tests.journeys.suite import Office, Suite, citizen_number
from tests.journeys.test_first_journey import person, registration

CARDS = "/v1/immunisation/cards"
TOWN, CLINIC = "330282107", "3302821070"
GIVEN = {
    "product": "吸附无细胞百白破联合疫苗",
    "manufacturer": "北京生物制品研究所",
    "lot_number": "202511A07",
    "expires_on": "2027-10-31",
    "site": "left_arm",
    "route": "intramuscular",
    "clinic_code": CLINIC,
    "vaccinator": "N-2207",
}


def a_child_that_has_just_come(city: Office) -> str:
    """Born in Guizhou on 1 September 2025, registered here by who houses it."""
    city.set_clock("2026-03-02T09:00:00+08:00")
    child = person(citizen_number("522401", "20250901", 21), name="陈小满")
    person_id = str(city.post("/v1/persons", child)["person_id"])
    city.post("/v1/residence-registrations", registration(person_id, TOWN, "2026-03-01", reported_by="institution"))
    city.set_clock("2026-03-02T09:30:00+08:00")  # returns when every event has been consumed
    return person_id


def lines_of(city: Office, card_id: str) -> dict[str, dict[str, Any]]:
    """The child's forecast, by line."""
    return {each["line"]: each for each in city.get(f"{CARDS}/{card_id}/forecast")["lines"]}


def test_a_child_goes_on_where_another_province_stopped(suite: Suite, city: Office) -> None:
    asked = {"person_id": a_child_that_has_just_come(city), "division_code": TOWN, "clinic_code": CLINIC}
    city.refused("POST", CARDS, asked | {"basis": "residence"}, 409, "card-not-yet")
    card_id = city.post(CARDS, asked | {"basis": "request"})["card_id"]
    assert lines_of(city, card_id)["DTP"]["standing"] == "overdue"

    told = {"HepB": ("2025-09-01", "2025-10-01"), "BCG": ("2025-09-02",), "DTaP": ("2025-11-03",), "IPV": ("2025-11-03",)}
    doses = [
        {"vaccine_code": vaccine, "given_on": day, "evidence": "certificate"} for vaccine, days in told.items() for day in days
    ]
    assert len(city.post(f"{CARDS}/{card_id}/take-over", {"doses": doses})["doses"]) == 5
    lines = lines_of(city, card_id)
    assert (lines["BCG"]["standing"], lines["HepB"]["counted"], lines["DTP"]["next"]["dose_no"]) == ("complete", 2, 2)

    given = {"vaccine_code": "DTaP", "given_on": "2026-03-02", **GIVEN}
    made = city.post(f"{CARDS}/{card_id}/doses", given)
    again = city.post(f"{CARDS}/{card_id}/doses", given)
    assert (again["dose_id"], again["reports"]) == (made["dose_id"], 2)
    following = lines_of(city, card_id)["DTP"]["next"]
    assert (following["dose_no"], following["earliest"]) == (3, "2026-03-30")

    city.set_clock("2026-03-30T09:00:00+08:00")  # the night's work is done when it answers
    assert lines_of(city, card_id)["DTP"]["standing"] in {"due", "overdue"}
    events = city.get("/v1/immunisation/changes?limit=200")["items"]
    forecasts = [each["data"] for each in events if each["type"] == "health.forecast.changed.v1"]
    assert [each["version"] for each in forecasts] == list(range(1, len(forecasts) + 1))
    assert forecasts[-1]["as_of"] == "2026-03-30"
    assert {each["type"] for each in events} >= {"health.card.opened.v1", "health.dose.reported_again.v1"}
    assert "202511A07" not in str(events)

    gone = city.post(f"{CARDS}/{card_id}/move-out", {"moved_on": "2026-03-30", "to_division_code": "522401"})
    assert gone["status"] == "moved_out"
    assert len(city.get(f"{CARDS}/{card_id}/record")["doses"]) == 6
    city.refused("POST", f"{CARDS}/{card_id}/doses", given | {"given_on": "2026-03-30"}, 409, "card-act-not-allowed")
    assert "health" in str(suite.command("events", "lag"))
