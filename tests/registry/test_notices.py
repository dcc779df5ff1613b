"""Notices: each goes out once, whoever runs the job and however long nobody did; nothing in them says who somebody is."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.chassis.jobs import Job, Scheduler
from services.chassis.parameters import Document, ParameterError
from services.registry.actions.law import LAW
from services.registry.jobs import JOBS
from services.registry.rules.notice_templates import read_notices
from tests.registry.conftest import Office, Resident, expect
from tests.registry.factories import a_landlord

PERMIT_JOBS = tuple(job for job in JOBS if job.name in {"suspend-lapsed-permits", "remind-of-endorsement"})
REMINDED_ON = date(2024, 2, 8)  # seven days before the holder's window opens on 2024-02-15


def fresh(jobs: tuple[Job, ...]) -> tuple[Job, ...]:
    """The same work under names no other test has done for the day."""
    mark = uuid4()
    return tuple(replace(job, name=f"{job.name} {mark}") for job in jobs)


async def live(office: Office, jobs: tuple[Job, ...], days: list[date]) -> None:
    """Two replicas look for due work on each of these days, at once and twice."""
    replicas = [Scheduler(office.service.runtime, jobs) for _ in range(2)]
    for day in days:
        with office.on(day):
            assert await asyncio.gather(*(replica.run_due() for replica in replicas)) == [[], []]
            assert await replicas[0].run_due() == []


async def told(office: Office, person_id: str) -> list[tuple[str, str]]:
    """Template and day of every notice event of the person."""
    events = await office.events_about(person_id, with_notices=True)
    return [
        (event["data"]["template"], event["data"]["requested_on"])
        for event in events
        if event["event_type"] == "registry.notice.requested.v1"
    ]


def every(first: date, last: date, step: int = 1) -> list[date]:
    return [first + timedelta(days=number) for number in range(0, (last - first).days + 1, step)]


async def test_each_window_is_reminded_of_once_and_a_missed_one_told(office: Office, holder: Resident) -> None:
    jobs = fresh(PERMIT_JOBS)
    await live(office, jobs, every(date(2024, 2, 5), date(2024, 2, 17)))
    assert await told(office, holder.person_id) == [("endorsement_due", "2024-02-08")]
    await live(office, jobs, every(date(2024, 3, 11), date(2024, 3, 17)))
    assert await told(office, holder.person_id) == [("endorsement_due", "2024-02-08"), ("permit_suspended", "2024-03-15")]


async def test_the_next_window_is_another_occasion(office: Office, holder: Resident) -> None:
    jobs = fresh(PERMIT_JOBS)
    await live(office, jobs, [REMINDED_ON])
    await holder.act("endorse", date(2024, 2, 20))
    await live(office, jobs, [date(2024, 2, 20), date(2025, 2, 7), date(2025, 2, 8), date(2025, 2, 9)])
    assert await told(office, holder.person_id) == [("endorsement_due", "2024-02-08"), ("endorsement_due", "2025-02-08")]


async def test_a_permit_not_issued_in_time_is_told_once_also_after_a_stop(office: Office, resident: Resident) -> None:
    await resident.register_person()
    await resident.register_residence(date(2023, 8, 31))
    due_on = (await resident.apply(date(2024, 3, 1)))["due_on"]
    assert due_on == "2024-03-16"
    jobs = fresh(tuple(job for job in JOBS if job.name == "tell-of-late-issues"))
    await live(office, jobs, [date(2024, 3, 16)])
    assert await told(office, resident.person_id) == []
    await live(office, jobs, [date(2024, 4, 2), date(2024, 4, 3)])
    assert await told(office, resident.person_id) == [("permit_issue_overdue", "2024-04-02")]


async def test_a_permit_issued_in_time_is_not_called_late(office: Office, holder: Resident) -> None:
    await live(office, fresh(tuple(job for job in JOBS if job.name == "tell-of-late-issues")), [date(2023, 10, 20)])
    assert await told(office, holder.person_id) == []


@pytest.mark.parametrize(
    ("back_on", "expected"),
    [
        (date(2024, 3, 14), [("endorsement_due", "2024-03-14")]),
        (date(2024, 3, 18), [("permit_suspended", "2024-03-18")]),
    ],
)
async def test_a_stop_is_caught_up_with(
    office: Office, holder: Resident, back_on: date, expected: list[tuple[str, str]]
) -> None:
    jobs = fresh(PERMIT_JOBS)
    await live(office, jobs, [date(2024, 2, 7), back_on, back_on])
    assert await told(office, holder.person_id) == expected


@pytest.mark.parametrize(
    ("days", "told_on"),
    [
        ([date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 2), date(2026, 6, 2)], "2026-05-01"),
        ([date(2026, 4, 30), date(2026, 6, 10), date(2026, 6, 11)], "2026-06-10"),
        ([date(2026, 4, 30), date(2026, 6, 30)], None),
    ],
)
async def test_a_landlord_is_told_once_that_the_letter_runs_out(office: Office, days: list[date], told_on: str | None) -> None:
    jobs = fresh(tuple(job for job in JOBS if job.name == "remind-of-letters"))
    caller = office.caller()
    with office.on(date(2025, 6, 1)):
        landlord = expect(await caller.post("/v1/landlords", a_landlord()), 201)["landlord_id"]
        for signed_on, valid_until in (("2024-06-01", "2025-06-15"), ("2025-06-01", "2026-05-31")):
            letter = {"landlord_id": landlord, "signed_on": signed_on, "valid_until": valid_until}
            expect(await caller.post("/v1/responsibility-letters", letter), 201)
    await live(office, jobs, [date(2025, 6, 2), *days])
    assert await told(office, landlord) == ([] if told_on is None else [("letter_expiring", told_on)])


async def test_an_officers_suspension_is_told_with_its_cause(office: Office, holder: Resident) -> None:
    await holder.act("suspend", date(2023, 11, 1), {"reason": "核查"})
    page = expect(await holder.caller.get(f"/v1/notices?person_id={holder.person_id}"), 200)
    (item,) = page["items"]
    assert (item["template"], item["parameters"]["cause"]) == ("permit_suspended", "officer")
    assert item["requested_on"] == "2023-11-01"
    assert "2023-11-01" in item["text_zh"]
    assert "{" not in item["text_zh"] + item["text_en"]


async def test_notices_are_read_by_person_and_by_division(office: Office, holder: Resident) -> None:
    await holder.act("suspend", date(2023, 11, 1), {"reason": "核查"})

    async def seen(query: str, division: str = "330282") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = expect(await office.caller(division).get(f"/v1/notices?limit=200{query}{cursor}"), 200)
            items += [item for item in page["items"] if item["addressee_id"] == holder.person_id]
            if page["next_cursor"] is None:
                return items
            cursor = f"&cursor={page['next_cursor']}"

    with office.on(date(2023, 11, 2)):
        for query, division in (("", "330282"), ("&division_code=330282107", "330282"), ("", "330282107")):
            assert len(await seen(query, division)) == 1, (query, division)
        assert not await seen("&division_code=330282109")
        assert not await seen("", "330282109")
        elsewhere = await office.caller("330282109").get(f"/v1/notices?person_id={holder.person_id}")
        assert expect(elsewhere, 404)["type"].endswith("person-not-found")
        outside = await office.caller("330282109").get("/v1/notices?division_code=330282107")
        assert expect(outside, 403)["type"].endswith("division-out-of-scope")


async def test_the_templates_are_published_as_data(office: Office) -> None:
    listed = expect(await office.caller(purpose=None).get("/v1/notice-templates"), 200)["items"]
    by_code = {item["code"]: item for item in listed}
    assert by_code["endorsement_due"]["parameters"] == {"permit_id": "id", "window_from": "day", "window_until": "day"}
    assert all(item["rule"] and item["text_zh"] and item["text_en"] for item in listed)


def test_a_parameter_is_what_its_template_declares() -> None:
    template = LAW.notices.template("permit_suspended", date(2024, 1, 1))
    given: dict[str, Any] = {"permit_id": uuid4(), "suspended_on": date(2024, 1, 1), "cause": "officer"}
    assert template.written(given) == given | {"permit_id": str(given["permit_id"]), "suspended_on": "2024-01-01"}
    wrongs: tuple[dict[str, Any], ...] = (
        {"cause": "王小明"},
        {"cause": "13805740001"},
        {"suspended_on": "2024-01-01"},
        {"permit_id": "1"},
        {"more": 1},
    )
    for wrong in wrongs:
        with pytest.raises(ValueError, match=r"takes|must be of kind"):
            template.written(given | wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("您好 {name}", r"is no parameter"), ("您好 {day}", r"in force twice")],
)
def test_a_template_that_cannot_be_filled_in_stops_the_start(text: str, expected: str) -> None:
    row = f'{{ code = "a", addressees = ["person"], parameters = {{ day = "day" }}, zh = "{text}", en = "x" }}'
    header = 'meaning_zh = "a"\nrule = "RR-30"\nsource = "s"\nconfidence = "design"\nvalid_from = 2016-01-01'
    names = ("endorsement_reminder_days", "letter_reminder_days", "finding_reminder_days")
    value = 'value = 7\nvalid_from = 2016-01-01\nsource = "s"\nconfidence = "design"'
    days = "\n".join(f"[{name}]\n[[{name}.values]]\n{value}" for name in names)
    document = f"[templates]\n{header}\nrows = [{row}, {row}]\n{days}"
    with pytest.raises(ParameterError, match=expected):
        read_notices(Document.parse("notices.toml", document))
