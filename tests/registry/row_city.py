"""A small city led through the public door for three and a half years, and the model of it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

from services.registry.jobs import compute_rates
from tests.chassis.attachments import files
from tests.registry.conftest import Office, expect
from tests.registry.employers import an_employer
from tests.registry.factories import (
    EVERY_SCOPE,
    a_home,
    a_landlord,
    a_paper,
    a_person,
    a_residence,
    an_application,
    citizen_number,
)
from tests.registry.rosters import CSV, a_row, as_csv
from tests.registry.row_model import FIELD_SCOPES, NAMING, Client, Hold, Model, Person, Thing, is_within
from tests.registry.uploads import uploaded
from tests.running import Caller

PROVINCE, CIXI, YUYAO = "330000", "330282", "330281"
TOWNS = ("330282107", "330282109201", "330282114", "330281001", "330203001")
DIVISIONS = (*TOWNS, "330282109", "330282107204", CIXI, YUYAO, "330203", "330283", "330200", "330100", PROVINCE, "341204")
FIRST_DAY, LAST_DAY = date(2019, 1, 1), date(2022, 6, 30)
PAPERS = [{"type": "police_certificate", "document_number": "PC-1"}]
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉文辉斌鑫波宁"


def caller_of(office: Office, who: Client, **principal: Any) -> Caller:
    """A caller with a fresh token."""
    scopes = (EVERY_SCOPE - FIELD_SCOPES) | who.shown
    return office.caller(who.division, client=who.name, scopes=scopes, **principal)


def town_of(code: str) -> str:
    """The township of a village."""
    return code[:9]


@dataclass(slots=True)
class City:
    """The register, and what the model knows of it."""

    office: Office
    rng: random.Random
    model: Model = field(default_factory=Model)
    _permits: dict[str, Hold] = field(default_factory=dict)
    _rooms: dict[str, str] = field(default_factory=dict)

    def as_(self, division: str, **principal: Any) -> Caller:
        """A client of that division with every scope."""
        return caller_of(self.office, Client(f"client-{division}", division), **principal)

    async def post(self, division: str, on: date, path: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
        """POST on that day."""
        with self.office.on(on):
            return expect(await self.as_(division).post(path, body), status)

    async def enter(self, division: str, on: date, *, born: Sequence[int] = (1950, 1975, 2006, 2013)) -> Person:
        """Somebody born in or soon after one of the years, with values nobody else has."""
        number_of = len(self.model.persons)
        born_on = date(self.rng.choice(born), 1, 1) + timedelta(days=number_of)
        name = f"欧{_GIVEN[number_of % len(_GIVEN)]}{_GIVEN[number_of // len(_GIVEN)]}"
        number, phone = citizen_number(birth_date=born_on), f"139{number_of:08d}"
        made = await self.post(division, on, "/v1/persons", a_person(name=name, phone=phone, number=number))
        person = Person(made["person_id"], name, number, phone, born_on, [Hold(division)])
        self.model.persons[person.person_id] = person
        return person

    async def resolve(self, person: Person, division: str) -> None:
        """As a town does with somebody it does not see."""
        body = {"identity_document": {"type": "citizen_id", "number": person.number}, "name": person.name}
        expect(await self.as_(division).post("/v1/persons/resolve", body), 200)
        self.model.resolved.add((f"client-{division}", person.person_id))

    async def register(self, person: Person, division: str, on: date, *, by: str) -> Thing:
        """Register where somebody lives; whatever held the person before lets go."""
        address = f"望海路{len(self.model.things)}弄{person.phone[-4:]}号"
        reporter = "self" if on.year - person.born.year > 16 else "guardian"
        body = a_residence(
            person.person_id, division_code=division, address=address, started_on=on.isoformat(), reported_by=reporter
        )
        made = await self.post(by, on, "/v1/residence-registrations", body)
        for before in self.registrations(person):
            if before.ended_on is None:
                before.ended_on = on
        for hold in person.holds:
            if hold.until is None and not hold.by_permit:
                hold.until = on
        person.holds.append(Hold(division))
        thing = Thing("registration", made["registration_id"], (person.person_id,), division, secrets={"sensitive": address})
        return self.model.add(thing)

    def registrations(self, person: Person) -> list[Thing]:
        """Of one id."""
        return [thing for thing in self.model.of_kind("registration") if thing.persons == (person.person_id,)]

    async def leave(self, person: Person, registration: Thing, ended_on: date, told_on: date) -> None:
        """End a registration, perhaps told later."""
        path = f"/v1/residence-registrations/{registration.thing_id}/end"
        await self.post(registration.division, told_on, path, {"ended_on": ended_on.isoformat(), "reason": "left"}, 200)
        registration.ended_on = ended_on
        next(hold for hold in person.holds if hold.until is None and not hold.by_permit).until = ended_on

    async def apply(self, person: Person, registration: Thing, on: date) -> Thing:
        """Ask for a permit where the person lives, with a paper that is on file."""
        by = registration.division
        with self.office.on(on):
            file = await uploaded(self.as_(by), files.pdf())
        self.model.add(Thing("case_file", file["attachment_id"], (person.person_id,)))
        evidence = [{"type": "labour_contract", "attachment_id": file["attachment_id"]}]
        applicant = "self" if on.year - person.born.year > 16 else "guardian"
        body = an_application(person.person_id, evidence=evidence, applicant=applicant)
        made = await self.post(by, on, "/v1/residence-permits", body)
        thing = self.model.add(Thing("permit", made["permit_id"], (person.person_id,), made["division_code"]))
        if made["status"] == "accepted":
            self._permits[thing.thing_id] = Hold(made["division_code"], by_permit=True)
            person.holds.append(self._permits[thing.thing_id])
            card = f"330282{len(self.model.things):08d}"
            await self.post(by, on, f"/v1/residence-permits/{thing.thing_id}/issue", {"card_number": card}, 200)
            thing.secrets["sensitive"] = card
            if self.rng.random() < 0.4:
                await self.post(by, on, f"/v1/residence-permits/{thing.thing_id}/suspend", {"reason": "核查"}, 200)
        return thing

    async def end_permit(self, permit: Thing, on: date, by: str) -> None:
        """Give a permit up."""
        await self.post(by, on, f"/v1/residence-permits/{permit.thing_id}/end", {"reason": "left"}, 200)
        self._permits[permit.thing_id].until = permit.ended_on = on

    async def live(self) -> None:
        """One life: entered somewhere, moving from town to town, leaving, coming back, holding a permit meanwhile."""
        rng = self.rng
        day = FIRST_DAY + timedelta(days=rng.randrange(300))
        person = await self.enter(rng.choice([*TOWNS, CIXI, YUYAO, PROVINCE]), day)
        here: Thing | None = None
        for _ in range(rng.randrange(5)):
            day += timedelta(days=rng.choice([0, 1, rng.randrange(2, 200)]))
            towns = [town for town in TOWNS if here is None or town_of(town) != town_of(here.division)]
            town = rng.choice(towns)
            if day >= LAST_DAY:
                return
            by = PROVINCE
            if not self.model.sees_person(Client("", PROVINCE), person.person_id, day) or rng.random() < 0.5:
                await self.resolve(person, town)
                by = town
            here = await self.register(person, town, day, by=by)
            stays = rng.choice([10, 150, 250, 400])
            has_permit = any(hold.by_permit and hold.until is None for hold in person.holds)
            if stays > 200 and not has_permit and day + timedelta(days=stays) < LAST_DAY:
                permit = await self.apply(person, here, day + timedelta(days=190))
                if permit.thing_id in self._permits and rng.random() < 0.6:
                    await self.end_permit(permit, day + timedelta(days=200), here.division)
            day += timedelta(days=stays)
            if rng.random() < 0.4 and day + timedelta(days=20) < LAST_DAY:
                told_on = day + timedelta(days=rng.choice([0, 9, 20]))
                await self.leave(person, here, day, told_on)
                here, day = None, told_on

    async def relate(self, count: int) -> None:
        """Brothers and sisters, as the province is told."""
        seen = self.in_sight_of_the_province()
        for _ in range(count):
            one, other = self.rng.sample(seen, 2)
            body = {"person_id": one.person_id, "related_person_id": other.person_id, "kind": "sibling"}
            body |= {"valid_from": "2015-01-01"}
            with self.office.on(LAST_DAY):
                answer = await self.as_(PROVINCE).post("/v1/relationships", body)
            if answer.status_code == 409:
                continue
            made = expect(answer, 201)
            self.model.add(Thing("relationship", made["relationship_id"], (one.person_id, other.person_id)))

    def in_sight_of_the_province(self) -> list[Person]:
        """Whom the province holds on the last day, none of them merged or deleted."""
        return [
            person
            for person in self.model.persons.values()
            if any(hold.until is None and is_within(hold.division, PROVINCE) for hold in person.holds)
            and len(self.model.ids_of_human(person.person_id)) == 1
            and person.deleted_for is None
        ]

    async def decide(self, path: str, body: dict[str, Any], *, by: str = PROVINCE) -> dict[str, Any]:
        """Two officers: one proposes, another approves."""
        made = await self.post(by, LAST_DAY, path, body)
        self.model.add(Thing("proposal", made["proposal_id"], (made["person_id"],), by))
        with self.office.on(LAST_DAY):
            approve = f"/v1/registry/proposals/{made['proposal_id']}/approve"
            decided = expect(await self.as_(by, actor="officer-2").post(approve), 200)
        assert decided["status"] == "approved", decided
        return decided

    async def merge(self, *, part: bool = False) -> None:
        """Two persons are found to be one human, and perhaps two after all."""
        adults = [person for person in self.in_sight_of_the_province() if person.born.year < 1990]
        siblings = {frozenset(thing.persons) for thing in self.model.of_kind("relationship")}
        pairs = [pair for pair in permutations(adults, 2) if {each.person_id for each in pair} not in siblings]
        kept, alias = self.rng.choice(pairs)
        await self.unite(kept, alias)
        if part:
            body = {"duplicate_person_id": alias.person_id, "reason": "two_humans", "evidence": PAPERS}
            await self.decide(f"/v1/persons/{kept.person_id}/unmerge", body)
            alias.canonical_id = ""

    async def unite(self, kept: Person, alias: Person) -> None:
        """Merge these two."""
        body = {"duplicate_person_id": alias.person_id, "reason": "changed_document", "evidence": PAPERS}
        await self.decide(f"/v1/persons/{kept.person_id}/merge", body)
        (merge,) = await self.office.rows(
            "SELECT merge_id FROM person_alias WHERE person_id = $1 AND canonical_person_id = $2",
            alias.person_id,
            kept.person_id,
        )
        self.model.add(Thing("merge", str(merge["merge_id"]), (kept.person_id, alias.person_id)))
        alias.canonical_id = kept.person_id
        for row in await self.office.rows("SELECT conflict_id FROM merge_conflict WHERE merge_id = $1", merge["merge_id"]):
            self.model.add(Thing("conflict", str(row["conflict_id"]), (kept.person_id, alias.person_id)))

    async def restrict(self) -> None:
        """Somebody entered twice has left, was found to be one human, and wants nothing done with its data any more."""
        kept, alias = [await self.enter(town, date(2021, 1, 4), born=[1975]) for town in TOWNS[:2]]
        homes, employers = self.model.of_kind("premises"), self.model.of_kind("employer")
        for person, town in ((kept, TOWNS[0]), (alias, TOWNS[1])):
            registration = await self.register(person, town, date(2021, 2, 1), by=town)
            await self.take_on(person, self.rng.choice(employers))
            await self.visit(person, town, day=20)
            for until in (date(2021, 9, 1), None)[: 1 if person is alias else 2]:
                await self.check_in(person, self.rng.choice(homes), date(2021, 3, 1 if until else 2), until=until)
            if person is alias:
                await self.leave(person, registration, date(2021, 12, 1), date(2021, 12, 1))
        await self.unite(kept, alias)
        await self.leave(kept, self.registrations(kept)[0], LAST_DAY, LAST_DAY)
        body = {"person_id": kept.person_id, "kind": "restriction", "requester": "self", "wish": "请办理"}
        made = await self.post(PROVINCE, LAST_DAY, "/v1/rights-requests", body)
        self.model.add(Thing("rights_request", made["rights_request_id"], (kept.person_id,), PROVINCE))
        for verb, given in (("verify", {"note": "窗口核验"}), ("decide", {"outcome": "granted"})):
            await self.post(PROVINCE, LAST_DAY, f"/v1/rights-requests/{made['rights_request_id']}/{verb}", given, 200)
        told = [hold.division for hold in self.model.holders(kept.person_id)]
        told += [
            thing.division
            for thing in self.model.things.values()
            if thing.kind in NAMING and {kept.person_id, alias.person_id} & set(thing.persons)
        ]
        for person in (kept, alias):
            person.restricted_for = told
            for hold in person.holds:
                hold.is_restricted = True

    async def delete(self) -> None:
        """Somebody who was entered and never registered is deleted."""
        person = await self.enter(TOWNS[0], LAST_DAY)
        holds = [hold.division for hold in person.holds]
        await self.decide(f"/v1/persons/{person.person_id}/deletion", {"reason": "retention_over", "legal_ground": "pipl_47_2"})
        person.deleted_for = holds
        for thing in [thing for thing in self.model.things.values() if person.person_id in thing.persons]:
            if thing.kind != "proposal":
                del self.model.things[thing.thing_id]

    async def let(self, town: str, landlord_person: Person | None) -> Thing:
        """A landlord – somebody on the register, or not –, a letter, a home."""
        secrets: dict[str, str] = {}
        given: dict[str, Any] = {"kind": "person", "division_code": town}
        if landlord_person is None:
            given = a_landlord(division_code=town, name=f"陈阿{_GIVEN[len(self.model.of_kind('landlord'))]}")
            secrets = {"personal": given["name"], "sensitive": given["number"]}
        else:
            given["person_id"] = landlord_person.person_id
        made = await self.post(PROVINCE, LAST_DAY, "/v1/landlords", given)
        landlord = self.model.add(Thing("landlord", made["landlord_id"], (), town, secrets=secrets))
        letter = {"landlord_id": landlord.thing_id, "signed_on": "2022-01-05", "valid_until": "2023-01-05"}
        made = await self.post(PROVINCE, LAST_DAY, "/v1/responsibility-letters", letter)
        self.model.add(Thing("letter", made["letter_id"], (), town, of=landlord.thing_id))
        manager = f"管小{_GIVEN[len(self.model.of_kind('premises'))]}"
        body = a_home(landlord.thing_id, division_code=town, let_from="2019-03-01", manager_name=manager)
        made = await self.post(PROVINCE, LAST_DAY, "/v1/premises", body)
        kept = {"plain": body["address"], "personal": manager}
        self._rooms[made["premises_id"]] = made["rooms"][0]["room_id"]
        return self.model.add(Thing("premises", made["premises_id"], (), town, of=landlord.thing_id, secrets=kept))

    async def check_in(self, person: Person, home: Thing, on: date, *, until: date | None) -> None:
        """A guest, who may have gone long ago."""
        body = {"person_id": person.person_id, "premises_id": home.thing_id, "room_id": self._rooms[home.thing_id]}
        at = "T09:30:00+08:00"
        made = await self.post(PROVINCE, LAST_DAY, "/v1/stays", body | {"started_at": f"{on}{at}"})
        stay = self.model.add(Thing("stay", made["stay_id"], (person.person_id,), home.division, of=home.thing_id))
        if until is not None:
            out = {"ended_at": f"{until}{at}", "reason": "checked_out"}
            await self.post(PROVINCE, LAST_DAY, f"/v1/stays/{stay.thing_id}/check-out", out, 200)
            stay.ended_on = until

    async def file_things(self) -> None:
        """Papers that lie about: of a town, of a person; a correction that waits for a second officer; a roster."""
        for town in TOWNS[:3]:
            with self.office.on(LAST_DAY):
                made = await uploaded(self.as_(town), files.pdf())
            self.model.add(Thing("file", made["attachment_id"], (), town))
        for person in self.rng.sample(self.in_sight_of_the_province(), 3):
            with self.office.on(LAST_DAY):
                made = await uploaded(self.as_(PROVINCE), files.pdf(), person_id=person.person_id)
            self.model.add(Thing("case_file", made["attachment_id"], (person.person_id,)))
            made = await self.post(PROVINCE, LAST_DAY, f"/v1/persons/{person.person_id}/correction", {"name": "欧改"})
            self.model.add(Thing("proposal", made["proposal_id"], (person.person_id,), PROVINCE))
        with self.office.on(LAST_DAY):
            kept = {"purpose": "import", "retention_class": "working_file"}
            roster = await uploaded(self.as_(TOWNS[0]), as_csv([a_row()]), CSV, **kept)
        self.model.add(Thing("file", roster["attachment_id"], (), TOWNS[0]))
        body = {"attachment_id": roster["attachment_id"], "kind": "residents", "dry_run": True}
        made = await self.post(TOWNS[0], LAST_DAY, "/v1/imports", body, 202)
        self.model.add(Thing("operation", made["operation_id"], (), TOWNS[0]))

    async def walk(self) -> None:
        """A coordinator's June: who is met, who is not, and one visit with an old register on the device."""
        for number, town in enumerate(TOWNS):
            body = {"coordinator": "walker-1", "division_code": town, "valid_from": "2022-01-01"}
            made = await self.post(PROVINCE, LAST_DAY, "/v1/coordinator-assignments", body)
            self.model.add(Thing("assignment", made["assignment_id"], (), town))
            for person in self.rng.sample(self.in_sight_of_the_province(), 2):
                await self.visit(person, town, day=10 + number)
        with self.office.on(LAST_DAY):
            await self.office.run_job(compute_rates)
        for row in await self.office.rows("SELECT rate_value_id, division_code FROM rate_value WHERE month = '2022-06-01'"):
            self.model.add(Thing("rate", str(row["rate_value_id"]), (), row["division_code"]))

    async def visit(self, person: Person, town: str, *, day: int) -> None:
        """A coordinator knocks on that day of June, perhaps with an old register on the device."""
        on, visit_id = date(2022, 6, day), str(UUID(int=self.rng.getrandbits(128), version=4))
        visit = {"visit_id": visit_id, "subject": "person", "person_id": person.person_id, "division_code": town}
        visit |= {"outcome": "not_found", "visited_at": f"{on}T10:00:00+08:00"}
        batch = {"visits": [visit | {"seen_version": self.rng.choice([1, 9])}]}
        with self.office.on(LAST_DAY):
            answer = await self.as_(PROVINCE, actor="walker-1").post("/v1/field-visits/batches", batch)
        (result,) = expect(answer, 200)["results"]
        if result["result"] == "refused":
            return
        self.model.add(Thing("visit", visit_id, (person.person_id,), town, on))
        for conflict in result["conflicts"]:
            self.model.add(Thing("visit_conflict", conflict["visit_conflict_id"], (person.person_id,), town, on))

    async def record_papers(self) -> None:
        """Papers of the regime of 2009."""
        for person in self.rng.sample([each for each in self.in_sight_of_the_province() if each.born.year < 1990], 3):
            made = await self.post(PROVINCE, LAST_DAY, "/v1/historical-permits", a_paper(person.person_id))
            self.model.add(Thing("paper", made["historical_permit_id"], (person.person_id,)))

    async def employ(self) -> None:
        """Factories and whoever works there; some told their end long ago."""
        for town in TOWNS[:4]:
            body = an_employer(division_code=town)
            made = await self.post(PROVINCE, FIRST_DAY, "/v1/employers", body)
            employer = self.model.add(Thing("employer", made["employer_id"], (), town, of=body["credit_code"]))
            for person in self.rng.sample([each for each in self.in_sight_of_the_province() if each.born.year < 2000], 3):
                work = await self.take_on(person, employer)
                if self.rng.random() < 0.5:
                    told_on = date(2021, 1, 4) + timedelta(days=self.rng.randrange(300))
                    end = {"ended_on": "2020-12-31", "reason": "resigned"}
                    await self.post(town, told_on, f"/v1/employments/{work.thing_id}/end", end, 200)
                    work.ended_on = told_on

    async def take_on(self, person: Person, employer: Thing) -> Thing:
        """Somebody works there since December 2019."""
        started = {"person_id": person.person_id, "credit_code": employer.of, "occupation_code": "6"}
        started |= {"started_on": "2019-12-02", "position": "注塑工"}
        made = await self.post(PROVINCE, LAST_DAY, "/v1/employments", started)
        works = Thing("employment", made["employment_id"], (person.person_id,), employer.division, of=employer.thing_id)
        return self.model.add(works)

    async def ask_for_rights(self) -> None:
        """Somebody asks its office what is kept."""
        for person in self.rng.sample(self.in_sight_of_the_province(), 3):
            body = {"person_id": person.person_id, "kind": "objection", "requester": "self", "wish": "请办理"}
            made = await self.post(PROVINCE, LAST_DAY, "/v1/rights-requests", body)
            self.model.add(Thing("rights_request", made["rights_request_id"], (person.person_id,), PROVINCE))

    async def doubt(self, count: int) -> None:
        """Pairs that may be one human: nobody posts one, and nobody here is like another, so they are put in."""
        alive = [person for person in self.model.persons.values() if person.deleted_for is None]
        for _ in range(count):
            pair = sorted(person.person_id for person in self.rng.sample(alive, 2))
            if pair[1] in self.model.ids_of_human(pair[0]):
                continue
            made = await self.office.rows(
                """INSERT INTO duplicate_candidate
                    (candidate_id, person_id, related_person_id, likeness, score, found_on, version)
                VALUES (uuidv7(), $1, $2, 215, 135, '2022-06-30', 1) ON CONFLICT DO NOTHING RETURNING candidate_id""",
                *pair,
            )
            for row in made:
                self.model.add(Thing("duplicate", str(row["candidate_id"]), tuple(pair)))

    async def note_notices(self) -> None:
        """What was asked to be told: the jobs and acts say so, and nobody posts one."""
        for row in await self.office.rows("SELECT notice_id, person_id, division_code FROM notice"):
            persons = () if row["person_id"] is None else (str(row["person_id"]),)
            kind = "office_notice" if row["person_id"] is None else "person_notice"
            self.model.add(Thing(kind, str(row["notice_id"]), persons, row["division_code"] or ""))


async def found(office: Office, seed: int, *, lives: int = 24) -> City:
    """A city, with everything in it that a client may ask for."""
    city = City(office, random.Random(seed))
    for _ in range(lives):
        await city.live()
    await city.relate(10)
    await city.delete()
    in_sight = city.in_sight_of_the_province()
    homes = [await city.let(town, city.rng.choice([None, city.rng.choice(in_sight)])) for town in TOWNS * 2]
    for person in city.rng.sample(in_sight, 8):
        begun = date(2020, 1, 1) + timedelta(days=city.rng.randrange(300))
        gone = begun + timedelta(days=city.rng.randrange(1, 500))
        await city.check_in(person, city.rng.choice(homes), begun, until=city.rng.choice([None, gone, gone]))
    await city.file_things()
    await city.walk()
    await city.record_papers()
    await city.employ()
    await city.ask_for_rights()
    for part in (False, False, True):
        await city.merge(part=part)
    await city.doubt(40)
    await city.restrict()
    await city.note_notices()
    return city
