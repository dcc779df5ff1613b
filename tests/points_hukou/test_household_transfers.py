"""Household transfers: opened by right, approved, entered by a second officer, closed or given back by the answer."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from httpx import Response

from services.chassis.bus import Outgoing
from services.chassis.clock import utc_now
from services.chassis.cloudevents import headers_of, source_of
from services.chassis.db import Transaction, in_transaction, prepare
from services.chassis.events import Envelope, EventData
from services.chassis.ids import new_id
from services.chassis.rows import SERVICE, RowContext
from services.contracts import registry
from services.contracts.points_hukou import HouseholdTransferCompleted
from services.points_hukou import jobs
from services.points_hukou.actions.law import TRANSFERS
from services.points_hukou.store.snapshot import snapshot
from services.points_hukou.store.transfer_places import hold_place, scores_of_place
from tests.looking import Looking
from tests.points_hukou.conftest import CITY, PointsOffice
from tests.points_hukou.rule_sets import code_of, expect, in_force
from tests.points_hukou.story import NEXT_TOWN, PRODUCER, TOWN, Story, copy_of
from tests.points_hukou.test_rounds import ALL as ROUNDS
from tests.points_hukou.test_rounds import SCOPES as OF_ROUNDS
from tests.points_hukou.window import ALL as APPLICATIONS
from tests.points_hukou.window import on
from tests.running import Caller

ALL = "/v1/points/household-transfers"
DAY = date(2026, 5, 6)
"""A Wednesday; the Saturday after it is worked."""
VILLAGE = f"{TOWN}205"
HANGZHOU = "330102"
NEIGHBOUR = "330106"
WITHDRAW = prepare("UPDATE application SET status = 'withdrawn' WHERE application_id = :application_id")
FINAL = date(2026, 6, 1)
SCOPES = frozenset(
    {
        *("points.household_transfer.open", "points.household_transfer.read", "points.household_transfer.decide"),
        *("points.field.personal", "points.field.sensitive", "points.field.minors"),
    }
)
REFUSED = registry.RejectionReason(code="registered_after_entry", rule="RR-37", message_zh="请核实", message_en="find out")


def window(office: PointsOffice, actor: str = "officer-1", division: str = TOWN) -> Caller:
    """An officer of the town."""
    return office.service.caller(
        SCOPES | OF_ROUNDS, division=division, purpose="points", actor=actor, client=f"transfers-{division}"
    )


def entry(story: Story, **more: Any) -> dict[str, Any]:
    return {"person_id": str(story.person_id), "division_code": TOWN, "hukou_division_code": VILLAGE} | more


def entered(on_day: date = DAY, **more: Any) -> dict[str, Any]:
    return {"entered_on": on_day.isoformat(), "hukou_division_code": VILLAGE} | more


async def resident(office: PointsOffice, division: str = TOWN) -> Story:
    """Somebody registered there."""
    story = Story()
    story.person()
    story.registration(registry.ResidenceRegistrationRegistered, new_id(), 1, division_code=division)
    await office.tell(story.messages())
    await office.settled()
    return story


async def completed(office: PointsOffice, story: Story) -> dict[str, Any]:
    """A transfer whose entry is confirmed."""
    made = expect(await window(office).post(ALL, entry(story)), 201)
    one = f"{ALL}/{made['transfer_id']}"
    expect(await window(office).post(f"{one}/approve"), 200)
    found: dict[str, Any] = expect(await window(office, "officer-2").post(f"{one}/complete", entered()), 200)
    return found


def answer(story: Story, transfer: dict[str, Any], *reasons: registry.RejectionReason, place: int, **more: Any) -> Outgoing:
    """The registry's answer as its `place`-th event about the person."""
    fact: type[EventData] = registry.HouseholdTransferRejected if reasons else registry.HouseholdTransferApplied
    state = {"person_id": story.person_id, "version": transfer["version"], "transfer_id": transfer["transfer_id"]}
    ended = {"ended_on": None if reasons else DAY, "registration_id": None if reasons else new_id(), "permit_id": None}
    event = fact.model_validate(state | ended | {"caused_by": new_id(), "reasons": reasons} | more)
    envelope = Envelope(new_id(), event.event_type, source_of(PRODUCER, 1), utc_now(), story.person_id, place)
    return Outgoing(event.event_type, headers_of(envelope), event.model_dump_json().encode())


async def told(office: PointsOffice, story: Story) -> list[str]:
    """The facts that were told of the person's transfers."""
    rows = await Looking(office.service.runtime.pool).fetch(
        "SELECT event_type FROM outbox WHERE partition_key = $1 AND event_type LIKE '%household_transfer%' ORDER BY sequence",
        story.person_id,
    )
    return [row["event_type"].split(".")[2] for row in rows]


async def run(office: PointsOffice, job: Any) -> None:
    """One chunk of a daily job."""

    async def body(tx: Transaction) -> None:
        work = office.service.runtime.own_work(tx)
        await job(work)
        await work.flush()

    await in_transaction(office.service.runtime.pool, body, rows=SERVICE)


@pytest.fixture(autouse=True)
async def today(office: PointsOffice) -> AsyncIterator[None]:
    """Long after the law closed points for settlement here (P-12)."""
    async with on(office, DAY):
        yield


async def test_from_the_opened_case_to_the_registrys_answer(office: PointsOffice) -> None:
    story = await resident(office)
    made = expect(await window(office).post(ALL, entry(story, note="夫妻投靠")), 201)
    one = f"{ALL}/{made['transfer_id']}"
    assert (made["status"], made["words"], made["due_on"]) == ("opened", ["夫妻投靠"], None)
    second = window(office, "officer-2")
    assert code_of(await second.post(f"{one}/complete", entered())) == "transfer-act-not-allowed"
    assert expect(await window(office).post(f"{one}/approve"), 200)["approved_by"] == "officer-1"
    assert code_of(await window(office, "OFFICER-1").post(f"{one}/complete", entered())) == "second-officer-needed"
    asked = expect(await second.post(f"{one}/complete", entered()), 200)
    assert (asked["status"], asked["completed_by"], asked["due_on"]) == (
        "completed",
        "officer-2",
        "2026-05-09",
    )  # a Saturday that is worked
    assert code_of(await window(office).post(f"{one}/withdraw", {"reason": "放弃"})) == "transfer-act-not-allowed"
    applied = answer(story, asked, place=3)
    await office.tell([applied, copy_of(applied)])
    await office.settled()
    await office.tell([copy_of(applied), answer(story, asked, REFUSED, place=4)])
    await office.settled()
    closed = expect(await window(office).get(one), 200)
    assert (closed["status"], closed["closed_on"], closed["version"]) == ("closed", "2026-05-06", 4)
    assert closed["ended_registration_id"] is not None
    assert await told(office, story) == ["opened", "approved", "completed", "closed"]
    versions = expect(await window(office).get(f"{one}/history"), 200)["items"]
    assert [version["state"]["status"] for version in versions] == ["closed", "completed", "approved", "opened"]
    assert await office.waiting() == (0, 0)
    expect(await window(office).post(ALL, entry(story)), 201)


async def test_a_refusal_is_an_officers_task_and_is_asked_again(office: PointsOffice) -> None:
    story = await resident(office)
    first = await completed(office, story)
    one = f"{ALL}/{first['transfer_id']}"
    await office.tell([answer(story, first, REFUSED, place=3)])
    await office.settled()
    (task,) = expect(await window(office).get(f"{ALL}?status=returned&person_id={story.person_id}"), 200)["items"]
    assert [reason["code"] for reason in task["reasons"]] == ["registered_after_entry"]
    assert code_of(await window(office).post(f"{one}/resend", entered())) == "second-officer-needed"
    again = expect(await window(office, "officer-2").post(f"{one}/resend", entered(note="已核实")), 200)
    assert (again["status"], again["reasons"], again["version"]) == ("completed", [], 5)
    await office.tell([answer(story, first, REFUSED, place=4)])
    await office.settled()
    assert expect(await window(office).get(one), 200)["status"] == "completed", "an answer to the older request"
    await office.tell([answer(story, first, place=5)])
    await office.settled()
    assert expect(await window(office).get(one), 200)["status"] == "closed", "it is done, whichever request did it"
    assert await told(office, story) == ["opened", "approved", "completed", "returned", "completed", "closed"]


async def test_what_never_was_entered_is_given_up_after_the_refusal(office: PointsOffice) -> None:
    story = await resident(office)
    asked = await completed(office, story)
    await office.tell([answer(story, asked, REFUSED, place=3)])
    await office.settled()
    given_up = await window(office).post(f"{ALL}/{asked['transfer_id']}/withdraw", {"reason": "登记有误,并未落户"})
    assert expect(given_up, 200)["status"] == "withdrawn"
    await office.tell([answer(story, asked, place=4)])
    await office.settled()
    assert (await told(office, story))[-1] == "withdrawn"


async def test_the_registrys_silence_is_told_once_and_listed_for_the_office(office: PointsOffice) -> None:
    story = await resident(office)
    asked = await completed(office, story)
    late = f"{ALL}?overdue=true&person_id={story.person_id}"
    async with on(office, date(2026, 5, 9)):
        await run(office, jobs.tell_overdue_transfers)
        assert expect(await window(office).get(late), 200)["items"] == []
    async with on(office, date(2026, 5, 12)):
        await run(office, jobs.tell_overdue_transfers)
        await run(office, jobs.tell_overdue_transfers)
        (silent,) = expect(await window(office).get(late), 200)["items"]
        assert silent["is_overdue"]
        again = await window(office, "officer-2").post(f"{ALL}/{asked['transfer_id']}/resend", entered())
        assert expect(again, 200)["due_on"] == "2026-05-15"
        assert expect(await window(office).get(late), 200)["items"] == []
    assert await told(office, story) == ["opened", "approved", "completed", "overdue", "completed"]


async def test_a_term_into_a_year_without_a_calendar_is_nobodys_fault(office: PointsOffice) -> None:
    story = await resident(office)
    async with on(office, date(2150, 12, 30)):
        made = expect(await window(office, division=CITY).post(ALL, entry(story, division_code=CITY)), 201)
        one = f"{ALL}/{made['transfer_id']}"
        expect(await window(office, division=CITY).post(f"{one}/approve"), 200)
        body = entered(date(2150, 12, 30))
        asked = expect(await window(office, "officer-2", CITY).post(f"{one}/complete", body), 200)
        assert asked["is_due_provisional"]
    async with on(office, date(2151, 3, 1)):
        await run(office, jobs.tell_overdue_transfers)
        await run(office, jobs.settle_transfer_terms)
        assert not expect(await window(office, division=CITY).get(one), 200)["is_overdue"]


async def test_nothing_is_opened_without_the_right_to_it(office: PointsOffice) -> None:
    story = await resident(office)
    town = window(office)
    async with on(office, date(2023, 7, 25)):
        assert code_of(await town.post(ALL, entry(story))) == "place-needed"
    elsewhere = await town.post(ALL, entry(story, hukou_division_code="330281"))
    assert [each["code"] for each in elsewhere.json()["errors"]] == ["other_county"]
    half = await town.post(ALL, entry(story, round_id=str(new_id())))
    assert [each["pointer"] for each in half.json()["errors"]] == ["/application_id"]
    both = entry(story, round_id=str(new_id()), application_id=str(new_id()))
    assert code_of(await town.post(ALL, both)) == "round-not-found"
    assert code_of(await town.post(ALL, entry(Story()))) == "person-not-found"
    assert code_of(await town.post(ALL, entry(story, division_code=NEXT_TOWN))) == "division-out-of-scope"
    made = expect(await town.post(ALL, entry(story)), 201)
    assert code_of(await town.post(ALL, entry(story))) == "transfer-open"
    one = f"{ALL}/{made['transfer_id']}"
    for path in (one, f"{one}/history"):
        assert code_of(await window(office, division=NEXT_TOWN).get(path)) == "household-transfer-not-found"
    expect(await town.post(f"{one}/approve"), 200)
    for day in (date(2026, 5, 5), date(2026, 5, 7)):
        answered = await window(office, "officer-2").post(f"{one}/complete", entered(day))
        assert [each["code"] for each in answered.json()["errors"]] == ["not_in_time"]


async def test_of_many_who_open_at_once_one_does(office: PointsOffice) -> None:
    story = await resident(office)
    answers = await asyncio.gather(*(window(office).post(ALL, entry(story)) for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409, 409]


@pytest.fixture(scope="module")
async def hangzhou(office: PointsOffice) -> None:
    """The city where points still limit settlement, by the law of the province."""
    async with on(office, DAY):
        await in_force(office, DAY, "settlement", body={"released": "zhejiang-common-2023"}, division=HANGZHOU)


@pytest.mark.usefixtures("hangzhou")
async def test_where_points_limit_settlement_a_place_gives_the_right(office: PointsOffice) -> None:
    """In Hangzhou they still do (P-12)."""
    after_freeze, final = date(2026, 5, 8), date(2026, 6, 1)
    story, other = await resident(office, HANGZHOU), await resident(office, HANGZHOU)
    city = window(office, division=HANGZHOU)
    case = {"division_code": HANGZHOU, "hukou_division_code": HANGZHOU}
    assert code_of(await city.post(ALL, entry(story, **case))) == "place-needed"
    asked = {"person_id": str(story.person_id), "purpose": "settlement", "division_code": HANGZHOU}
    application = expect(await city.post(APPLICATIONS, asked), 201)["application_id"]
    for act in ("score", "confirm"):
        expect(await city.post(f"{APPLICATIONS}/{application}/{act}"), 200)
    terms = {"freeze_on": "2026-05-07", "notice_working_days": 5, "objection_working_days": 5}
    made = expect(await city.post(ROUNDS, {"purpose": "settlement", "division_code": HANGZHOU, "quota": 1, **terms}), 201)
    case |= {"round_id": made["round_id"], "application_id": application}
    round_ = f"{ROUNDS}/{made['round_id']}"
    async with on(office, after_freeze):
        for act in ("rank", "publish"):
            expect(await city.post(f"{round_}/{act}"), 200)
        assert code_of(await city.post(ALL, entry(story, **case))) == "place-not-for-transfer"
    async with on(office, final):
        expect(await city.post(f"{round_}/finish"), 200)
        assert code_of(await city.post(ALL, entry(other, **case))) == "place-not-for-transfer"
        expect(await city.post(f"{APPLICATIONS}/{application}/ask-recheck", {"reason": "请复核"}), 200)
        assert code_of(await city.post(ALL, entry(story, **case))) == "place-not-for-transfer", "nobody stands for the score"
        expect(await city.post(f"{APPLICATIONS}/{application}/recheck"), 200)
        opened = expect(await city.post(ALL, entry(story, **case)), 201)
        give_up = {"application_id": application}
        assert code_of(await city.post(f"{round_}/give-up", give_up)) == "place-in-use"
        expect(await city.post(f"{ALL}/{opened['transfer_id']}/withdraw", {"reason": "本人放弃"}), 200)
        province = window(office, division="330000")
        elsewhere = case | {"division_code": "330106", "hukou_division_code": "330106"}
        opened = expect(await province.post(ALL, entry(story, **elsewhere)), 201)
        assert code_of(await city.get(f"{ALL}/{opened['transfer_id']}")) == "household-transfer-not-found"
        assert code_of(await city.post(f"{round_}/give-up", give_up)) == "place-in-use", "also of a case it does not see"
        expect(await province.post(f"{ALL}/{opened['transfer_id']}/withdraw", {"reason": "本人放弃"}), 200)
        expect(await city.post(f"{round_}/give-up", give_up), 200)
        assert code_of(await city.post(ALL, entry(story, **case))) == "place-not-for-transfer"


async def with_a_place(office: PointsOffice, story: Story) -> tuple[str, dict[str, Any]]:
    """Somebody on a final list for settlement: the application, and what a transfer on that place says."""
    city = window(office, division=HANGZHOU)
    asked = {"person_id": str(story.person_id), "purpose": "settlement", "division_code": HANGZHOU}
    application = expect(await city.post(APPLICATIONS, asked), 201)["application_id"]
    for act in ("score", "confirm"):
        expect(await city.post(f"{APPLICATIONS}/{application}/{act}"), 200)
    terms = {"freeze_on": "2026-05-07", "notice_working_days": 5, "objection_working_days": 5}
    made = expect(await city.post(ROUNDS, {"purpose": "settlement", "division_code": HANGZHOU, "quota": 9, **terms}), 201)
    async with on(office, date(2026, 5, 8)):
        for act in ("rank", "publish"):
            expect(await city.post(f"{ROUNDS}/{made['round_id']}/{act}"), 200)
    async with on(office, FINAL):
        expect(await city.post(f"{ROUNDS}/{made['round_id']}/finish"), 200)
    rests_on = {"round_id": made["round_id"], "application_id": application}
    return application, {"division_code": HANGZHOU, "hukou_division_code": HANGZHOU, **rests_on}


@pytest.mark.usefixtures("hangzhou")
@pytest.mark.parametrize("refused", ["approve", "complete"])
async def test_a_case_ends_with_the_place_it_rests_on(office: PointsOffice, refused: str) -> None:
    """A place whose application is withdrawn lets nobody move, however far the case had come."""
    story = await resident(office, HANGZHOU)
    first, second = window(office, division=HANGZHOU), window(office, "officer-2", HANGZHOU)
    application, case = await with_a_place(office, story)
    async with on(office, FINAL):
        one = f"{ALL}/{expect(await first.post(ALL, entry(story, **case)), 201)['transfer_id']}"
        if refused == "complete":
            expect(await first.post(f"{one}/approve"), 200)
        expect(await first.post(f"{APPLICATIONS}/{application}/withdraw"), 200)
        body = entered(FINAL, hukou_division_code=HANGZHOU) if refused == "complete" else {}
        assert code_of(await second.post(f"{one}/{refused}", body)) == "place-not-for-transfer"
        expect(await first.post(f"{one}/withdraw", {"reason": "名额已失效"}), 200)


@pytest.mark.usefixtures("hangzhou")
async def test_an_office_moves_people_on_a_place_of_a_round_it_does_not_see(office: PointsOffice) -> None:
    """The province opened the case for a county that has no part in the round; the county decides it."""
    story = await resident(office, HANGZHOU)
    application, place = await with_a_place(office, story)
    case = place | {"division_code": NEIGHBOUR, "hukou_division_code": NEIGHBOUR}
    body = entered(FINAL, hukou_division_code=NEIGHBOUR)
    first, second = window(office, division=NEIGHBOUR), window(office, "officer-2", NEIGHBOUR)
    async with on(office, FINAL):
        opened = expect(await window(office, division="330000").post(ALL, entry(story, **case)), 201)
        one = f"{ALL}/{opened['transfer_id']}"
        assert code_of(await first.get(f"{ROUNDS}/{place['round_id']}")) == "round-not-found"
        expect(await first.post(f"{one}/approve"), 200)
        city = window(office, division=HANGZHOU)
        expect(await city.post(f"{APPLICATIONS}/{application}/ask-recheck", {"reason": "请复核"}), 200)
        assert code_of(await second.post(f"{one}/complete", body)) == "place-not-for-transfer", "nobody stands for the score"
        expect(await city.post(f"{APPLICATIONS}/{application}/recheck"), 200)
        expect(await second.post(f"{one}/complete", body), 200)


@pytest.mark.usefixtures("hangzhou")
async def test_who_has_no_case_on_a_place_is_told_nothing_of_it(office: PointsOffice) -> None:
    story = await resident(office, HANGZHOU)
    application, place = await with_a_place(office, story)
    asked = {"round_id": UUID(place["round_id"]), "application_id": UUID(application)}

    async def told(tx: Transaction) -> tuple[object, ...]:
        work = office.service.runtime.own_work(tx)
        held = await hold_place(work, person_id=story.person_id, **asked)
        return held, *await scores_of_place(work, **asked)

    for division, sees in ((NEIGHBOUR, False), (HANGZHOU, True)):
        rows = RowContext("client", division, "somebody", FINAL)
        held, scores, _ = await in_transaction(office.service.runtime.pool, told, rows=rows)
        assert (held is not None, bool(scores)) == (sees, sees), division


@pytest.mark.usefixtures("hangzhou")
@pytest.mark.parametrize("act", ["approve", "complete"])
async def test_a_withdrawal_at_the_same_time_is_waited_for(office: PointsOffice, act: str) -> None:
    """Whoever comes second sees what the first did: no entry rests on an application that was just withdrawn."""
    story = await resident(office, HANGZHOU)
    first, second = window(office, division=HANGZHOU), window(office, "officer-2", HANGZHOU)
    application, case = await with_a_place(office, story)
    async with on(office, FINAL):
        one = f"{ALL}/{expect(await first.post(ALL, entry(story, **case)), 201)['transfer_id']}"
        if act == "complete":
            expect(await first.post(f"{one}/approve"), 200)
        body = entered(FINAL, hukou_division_code=HANGZHOU) if act == "complete" else {}

        async def withdrawn(tx: Transaction) -> asyncio.Task[Response]:
            await tx.execute(WITHDRAW, application_id=UUID(application))
            deciding = asyncio.create_task(second.post(f"{one}/{act}", body))
            await asyncio.wait([deciding], timeout=0.5)
            assert not deciding.done(), "it does not decide on what is being withdrawn"
            return deciding

        deciding = await in_transaction(office.service.runtime.pool, withdrawn, rows=SERVICE)
        assert code_of(await deciding) == "place-not-for-transfer"


@pytest.mark.usefixtures("hangzhou")
async def test_a_withdrawal_waits_for_a_decision_on_its_place(office: PointsOffice) -> None:
    story = await resident(office, HANGZHOU)
    application, case = await with_a_place(office, story)
    held = {"round_id": case["round_id"], "application_id": application, "person_id": str(story.person_id)}

    async def deciding(tx: Transaction) -> asyncio.Task[Response]:
        assert await hold_place(office.service.runtime.own_work(tx), **{name: UUID(each) for name, each in held.items()})
        withdrawing = asyncio.create_task(window(office, division=HANGZHOU).post(f"{APPLICATIONS}/{application}/withdraw"))
        await asyncio.wait([withdrawing], timeout=0.5)
        assert not withdrawing.done()
        return withdrawing

    expect(await (await in_transaction(office.service.runtime.pool, deciding, rows=SERVICE)), 200)


def test_a_place_is_used_in_its_time() -> None:
    final = date(2018, 8, 31)
    assert TRANSFERS.usable_until("foshan-2016", final) == date(2019, 2, 28)
    assert TRANSFERS.usable_until("zhongshan-2014", final) == date(2021, 8, 31)
    assert TRANSFERS.usable_until("ningbo-2022", final) is None


def test_who_moves_up_has_the_whole_time_from_that_day() -> None:
    final, risen = date(2018, 8, 31), date(2019, 3, 15)
    assert TRANSFERS.usable_until("foshan-2016", final, risen) == date(2019, 9, 15)
    assert TRANSFERS.usable_until("foshan-2016", final, date(2018, 8, 1)) == date(2019, 2, 28)


async def test_of_somebody_deleted_nothing_said_stays(office: PointsOffice) -> None:
    story = await resident(office)
    made = expect(await window(office).post(ALL, entry(story, note="某人的话")), 201)
    gone = Story(person_id=story.person_id, events=list(story.events))
    gone.deletion()
    await office.tell(gone.messages(first=3))
    await office.settled()
    found = expect(await window(office).get(f"{ALL}/{made['transfer_id']}"), 200)
    assert (found["status"], found["words"], found["version"]) == ("withdrawn", None, 2)
    assert await told(office, story) == ["opened", "withdrawn"]
    versions = expect(await window(office).get(f"{ALL}/{made['transfer_id']}/history"), 200)["items"]
    assert [(each["version"], each["state"] and each["state"]["status"]) for each in versions] == [(2, "withdrawn"), (1, None)]


async def test_a_snapshot_asks_again_what_waits_for_an_answer(office: PointsOffice) -> None:
    story = await resident(office)
    asked = await completed(office, story)

    async def body(tx: Transaction) -> dict[UUID, list[EventData]]:
        return {key: states async for key, states in snapshot(tx, office.service.runtime.keyring)}

    said = await in_transaction(office.service.runtime.pool, body, rows=SERVICE)
    (state,) = said[story.person_id]
    assert isinstance(state, HouseholdTransferCompleted)
    assert (str(state.transfer_id), state.version) == (asked["transfer_id"], asked["version"])


async def test_a_snapshot_asks_with_the_version_that_was_asked(office: PointsOffice) -> None:
    story = await resident(office)
    asked = await completed(office, story)
    async with on(office, date(2026, 5, 12)):
        await run(office, jobs.tell_overdue_transfers)

    async def body(tx: Transaction) -> dict[UUID, list[EventData]]:
        return {key: states async for key, states in snapshot(tx, office.service.runtime.keyring)}

    said = await in_transaction(office.service.runtime.pool, body, rows=SERVICE)
    (state,) = said[story.person_id]
    assert isinstance(state, HouseholdTransferCompleted)
    refused = {"transfer_id": str(state.transfer_id), "version": state.version}
    await office.tell([answer(story, refused, REFUSED, place=3)])
    await office.settled()
    assert expect(await window(office).get(f"{ALL}/{asked['transfer_id']}"), 200)["status"] == "returned"
