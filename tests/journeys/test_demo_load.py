"""Factory, landlord, school and coordinator bring their rosters: `xinshimin demo load` on the running suite, by the gateway."""

from tests.journeys.suite import Office, Suite


def test_four_rosters_go_in_and_the_same_again_changes_nothing(suite: Suite, city: Office) -> None:
    told = suite.command("demo", "load", "--persons", "24")["rosters"]
    assert {name: operation["counts"] for name, operation in told.items()} == {
        "factory-residents": {"entered": 24},
        "factory-employments": {"started": 24},
        # Of guests with a foreign passport it is told that separate rules hold (RR-11).
        "guests-residents": {"entered": 24, "with_note": 2},
        "guests-stays": {"checked_in": 24},
        "school-residents": {"entered": 24},
        "visits-field_visits": {"stored": 23, "stored_with_conflict": 1},
    }
    again = suite.command("demo", "load", "--persons", "24")["rosters"]
    assert {name: operation["operation_id"] for name, operation in again.items()} == {
        name: operation["operation_id"] for name, operation in told.items()
    }
    listed = city.get("/v1/residence-registrations?division_code=330282110&status=current&limit=100")["items"]
    assert len(listed) >= 24
    in_force = city.get("/v1/points/rule-sets/in-force?division_code=330282107")["items"]
    assert {item["name"] for item in in_force} == {"ningbo-2022"}
    assert [item["purpose"] for item in in_force] == ["school", "housing", "health_check", "rest_leave", "other"]
