"""Reports made before the State Council's notice of the next year: settled when the release that holds it comes."""

from dataclasses import replace
from datetime import date
from types import ModuleType
from typing import Any

import pytest

from services.registry.actions import settled_reports
from services.registry.actions.employment import employment_entry
from services.registry.actions.homes import deadlines
from services.registry.actions.law import LAW
from services.registry.jobs import settle_report_deadlines
from tests.registry.calendars import with_2027
from tests.registry.conftest import Office, Resident, expect
from tests.registry.employers import registered, taken_on
from tests.registry.homes import register_home
from tests.running import Caller

HAPPENED = date(2026, 12, 30)
GUESSED, DUE = "2027-01-04", "2027-01-05"
_LAWS: tuple[ModuleType, ...] = (settled_reports, employment_entry, deadlines)


def announce(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in _LAWS:
        monkeypatch.setattr(module, "LAW", replace(LAW, working_days=with_2027()))


async def versions(caller: Caller, path: str) -> list[int]:
    return [item["version"] for item in expect(await caller.get(f"{path}/history"), 200)["items"]]


@pytest.mark.parametrize(
    ("told_on", "at_first", "in_the_end"),
    [
        (HAPPENED, False, False),
        (date(2027, 1, 2), False, False),
        (date(2027, 1, 5), None, False),
        (date(2027, 1, 6), None, True),
    ],
)
async def test_what_could_not_be_told_of_an_employment_is_told_when_the_calendar_comes(
    office: Office,
    resident: Resident,
    monkeypatch: pytest.MonkeyPatch,
    told_on: date,
    at_first: bool | None,
    in_the_end: bool,
) -> None:
    await resident.register_person()
    employer = await registered(resident.caller)
    with office.on(told_on):
        made = await taken_on(resident.caller, resident.person_id, employer, HAPPENED.isoformat())
        assert (made["start_due_on"], made["start_reported_late"]) == (GUESSED, at_first)
    path = f"/v1/employments/{made['employment_id']}"
    with office.on(date(2027, 2, 1)):
        await office.run_job(settle_report_deadlines)  # no notice yet: nothing to settle
        assert expect(await resident.caller.get(path), 200) == made
        announce(monkeypatch)
        before = await office.events_about(resident.person_id)
        for _ in range(2):
            await office.run_job(settle_report_deadlines)
            settled = expect(await resident.caller.get(path), 200)
            assert (settled["start_due_on"], settled["start_reported_late"]) == (DUE, in_the_end)
            assert (settled["version"], settled["end_reported_late"]) == (2, None)
        assert await versions(resident.caller, path) == [2, 1]
        assert await office.events_about(resident.person_id) == before
        late = expect(await resident.caller.get(f"/v1/employers/{employer['employer_id']}/employments?reported_late=true"), 200)
        assert len(late["items"]) == int(in_the_end)


async def test_ends_too_and_what_shows_the_same_gets_no_version(
    office: Office, resident: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resident.register_person()
    employer = await registered(resident.caller)
    with office.on(date(2026, 11, 2)):
        made = await taken_on(resident.caller, resident.person_id, employer, "2026-11-02")
    path = f"/v1/employments/{made['employment_id']}"
    end = {"ended_on": HAPPENED.isoformat(), "reason": "resigned"}
    with office.on(date(2027, 1, 6)):
        ended = expect(await resident.caller.post(f"{path}/end", end), 200)
        assert (ended["end_due_on"], ended["end_reported_late"]) == (GUESSED, None)
        announce(monkeypatch)
        await office.run_job(settle_report_deadlines)
        settled = expect(await resident.caller.get(path), 200)
    assert (settled["start_due_on"], settled["start_reported_late"]) == ("2026-11-05", False)
    assert (settled["end_due_on"], settled["end_reported_late"], settled["version"]) == (DUE, True, 3)


async def test_lettings_and_stays_are_settled_with_their_ends(
    office: Office, resident: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resident.register_person()
    evening = f"{HAPPENED}T23:30:00+08:00"
    with office.on(date(2027, 1, 5)):
        home = await register_home(resident.caller, let_from=HAPPENED.isoformat())
        stay = await home.check_in(resident.person_id, started_at=evening)
    path = f"/v1/stays/{stay['stay_id']}"
    with office.on(date(2027, 1, 6)):
        await office.run_job(settle_report_deadlines)
        ended = expect(await resident.caller.post(f"{path}/check-out", {"ended_at": evening, "reason": "checked_out"}), 200)
        over = expect(
            await resident.caller.post(f"{home.path}/end", {"ended_on": str(HAPPENED), "reason": "letting_ended"}), 200
        )
        for shown in (ended, over):
            assert _reports(shown) == (GUESSED, None, None)
        announce(monkeypatch)
        await office.run_job(settle_report_deadlines)
        for where, known in ((path, ended), (home.path, over)):
            settled = expect(await resident.caller.get(where), 200)
            assert _reports(settled) == (DUE, False, True)
            assert settled["version"] == known["version"] + 1
            assert (await versions(resident.caller, where))[0] == settled["version"]


def _reports(shown: dict[str, Any]) -> tuple[str, bool | None, bool | None]:
    return shown["report_due_on"], shown["reported_late"], shown["end_reported_late"]
