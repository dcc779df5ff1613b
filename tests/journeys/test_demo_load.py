"""A factory, a landlord and a school bring their rosters: `xinshimin demo load` on the running suite, through the gateway."""

from tests.journeys.suite import Office, Suite


def test_three_rosters_go_in_and_the_same_again_changes_nothing(suite: Suite, city: Office) -> None:
    told = suite.command("demo", "load", "--persons", "24")["rosters"]
    assert {name: operation["counts"] for name, operation in told.items()} == {
        "factory.csv": {"entered": 24},
        "guests.csv": {"entered": 24},
        "school.xlsx": {"entered": 24},
    }
    again = suite.command("demo", "load", "--persons", "24")["rosters"]
    assert again["factory.csv"]["operation_id"] == told["factory.csv"]["operation_id"]
    listed = city.get("/v1/residence-registrations?division_code=330282110&status=current&limit=100")["items"]
    assert len(listed) >= 24
