"""What the bulk door is held to: the same rows one by one through the single door, and what the register holds then."""

import json
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from services.chassis.clock import utc_now
from services.chassis.db import Transaction, in_transaction
from services.chassis.errors import DomainError
from services.chassis.history import versions
from services.chassis.parsing import parse_body
from services.chassis.principal import Principal
from services.chassis.rows import SERVICE
from services.chassis.work import Work
from services.registry.actions.divisions import require_own_division
from services.registry.actions.person_reading import resolve_person
from services.registry.actions.persons import register_person
from services.registry.actions.registrations import change_address, register_residence
from services.registry.imports.rows import Bringer
from services.registry.rules.person_name import name_key
from services.registry.schemas.persons import PersonRegistration, PersonResolution
from services.registry.schemas.registrations import AddressChange, RegistrationView, ResidenceRegistrationEntry
from services.registry.store.persons import find_person
from services.registry.store.registrations import registration_of, residence_of
from tests.registry.factories import citizen_number
from tests.registry.rosters import Importer

Row = Mapping[str, str]
TOWNS = ("330282107", "330282108", "330282110")
_CLIENTS = ("330282", *TOWNS[:2])
_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Batch:
    """One roster: who brings it, on which day."""

    division: str
    day: date
    rows: Sequence[Row]


def a_story(seed: int, *, batches: int = 3, rows: int = 9) -> list[Batch]:
    """Rosters about a few people: new, known, moving, twice in a file, wrong in every way, brought by three offices."""
    draw = random.Random(seed)
    numbers = [citizen_number(birth_date=date(1980 + place, 5, 5)) for place in range(6)]
    numbers.append(citizen_number(birth_date=date(2015, 5, 5)))  # a child, whom an employer cannot report
    day, story = date(2026, 1, 10), []
    for _ in range(batches):
        day += timedelta(days=draw.choice((0, 1, 40)))
        division = draw.choice(_CLIENTS)
        story.append(Batch(division, day, [_a_row(draw, numbers, day, division) for _ in range(rows)]))
    return story


def _a_row(draw: random.Random, numbers: Sequence[str], day: date, division: str) -> Row:
    place = draw.randrange(len(numbers))
    own = division if division in TOWNS else draw.choice(TOWNS)
    row = {
        "姓名": f"王小{'甲乙丙丁戊己庚'[place]}",
        "证件号码": numbers[place],
        "居住地代码": own,
        "居住地址": f"东路{draw.randrange(2)}号",
        "入住日期": (day - timedelta(days=draw.choice((0, 0, 3, 60)))).isoformat(),
        "联系电话": "13805740001",
        "户籍地代码": draw.choice(("", "341204", "330282")),
        "居住方式": draw.choice(("", "租赁", "员工宿舍")),
    }
    if draw.random() < 0.25:
        name, value = draw.choice(
            (
                ("姓名", "李四"),
                ("姓名", ""),
                ("证件号码", "341204198808080051"),
                ("居住地代码", "330281001"),
                ("居住地代码", "330282"),
                ("入住日期", (day + timedelta(days=1)).isoformat()),
                ("入住日期", "1950-01-01"),
                ("联系电话", "110"),
            )
        )
        row[name] = value
    return row


@dataclass(slots=True)
class SingleDoor:
    """The same rosters, a transaction per row; `tried` are numbers of the present file resolved in vain, `noted` the codes of
    the notes told with each row that was taken.
    """

    importer: Importer
    tried: set[str] = field(default_factory=set)
    noted: list[str] = field(default_factory=list)

    async def bring(self, batch: Batch) -> Counter[str]:
        """Every row by itself, in order."""
        self.importer.set_today(batch.day)
        self.tried.clear()
        self.noted.clear()
        principal = self.importer.principal(batch.division)
        counts = Counter([await self._row(principal, row) for row in batch.rows])
        return counts + Counter({"with_note": len(self.noted)})

    async def _row(self, principal: Principal, row: Row) -> str:
        try:
            person = parsed(PersonRegistration, _person(row))
            entry = parsed(ResidenceRegistrationEntry, _residence(row, UUID(int=0)))
            desk = Bringer(principal, self.importer.runtime.law_clock.today(), utc_now())
            require_own_division(desk, entry.division_code, "/division_code")  # nobody is resolved for a place elsewhere
        except DomainError:
            return "refused"
        try:
            return str(await self.importer.call(partial(self._enter, person=person, row=row), division=principal.division_code))
        except DomainError as error:
            if error.code != "person-exists":
                return "refused"
            known = (error.extra or {}).get("person_id")
        try:
            person_id = UUID(known) if known else await self._resolved(principal, row)
            return str(
                await self.importer.call(
                    partial(self._go_on, person_id=person_id, row=row, entry=entry), division=principal.division_code
                )
            )
        except DomainError:
            return "refused"

    async def _enter(self, work: Work, *, person: PersonRegistration, row: Row) -> str:
        made = await register_person(work, person)
        self._note(await register_residence(work, parsed(ResidenceRegistrationEntry, _residence(row, made.person_id))))
        return "entered"

    def _note(self, answer: RegistrationView) -> None:
        if answer.notes:
            self.noted.append("；".join(each.code for each in answer.notes))

    async def _resolved(self, principal: Principal, row: Row) -> UUID:
        if row["证件号码"] in self.tried:
            raise DomainError("person-unresolved")
        self.tried.add(row["证件号码"])
        body = {"identity_document": {"type": "citizen_id", "number": row["证件号码"]}, "name": row["姓名"]}
        found = await self.importer.call(
            lambda work: resolve_person(work, parsed(PersonResolution, body)), division=principal.division_code
        )
        self.tried.discard(row["证件号码"])
        person_id: UUID = found.person_id
        return person_id

    async def _go_on(self, work: Work, *, person_id: UUID, row: Row, entry: ResidenceRegistrationEntry) -> str:
        seen = await find_person(work, person_id)
        assert seen is not None
        if name_key(seen.record.name) != name_key(row["姓名"]):
            raise DomainError("invalid-request")
        current = (await residence_of(work, person_id)).current
        if current is not None:
            if (current.division_code, current.address) == (entry.division_code, entry.address):
                return "unchanged"
            if entry.started_on <= (current.changed_on or current.started_on):
                raise DomainError("invalid-request")
        try:
            self._note(await register_residence(work, parsed(ResidenceRegistrationEntry, _residence(row, person_id))))
        except DomainError as error:
            if error.code != "registration-exists" or current is None:
                raise
            body = _residence(row, person_id)
            change = {name: body[name] for name in ("division_code", "address", "residence_kind")}
            change["changed_on"] = body["started_on"]
            self._note(await change_address(work, current.registration_id, parsed(AddressChange, change)))
            return "address_changed"
        return "registered"


async def register_as_it_is(importer: Importer) -> list[Any]:
    """Everything the register holds of everybody, ids and instants apart, in an order of its own."""

    async def look(tx: Transaction) -> list[Any]:
        work = importer.runtime.own_work(tx)
        documents = await tx.connection.fetch("SELECT * FROM identity_document ORDER BY number_index")
        return [await _person_as_it_is(work, row) for row in documents]

    return await in_transaction(importer.runtime.pool, look, rows=SERVICE)


async def _person_as_it_is(work: Work, document: Any) -> dict[str, Any]:
    fetch, person_id = work.tx.connection.fetch, document["person_id"]
    seen = await find_person(work, person_id)
    assert seen is not None
    found = await fetch("SELECT * FROM residence_registration WHERE person_id = $1", person_id)
    registrations = [registration_of(work.keyring, row) for row in found]
    holds = await fetch("SELECT source, division_code, since, until FROM person_division WHERE person_id = $1", person_id)
    events = await fetch("SELECT * FROM outbox WHERE partition_key = $1 ORDER BY sequence", person_id)
    lines = await fetch("SELECT line FROM audit_line WHERE person_id = $1", person_id)
    history = await fetch(
        "SELECT resource, resource_id, version FROM history WHERE person_id = $1 ORDER BY resource, recorded_at, version",
        person_id,
    )
    remembered = [
        (row["resource"], [(one.version, list(one.changed), one.client_id, json.loads(one.state or b"")) for one in found])
        for row in history
        for found in [await versions(work, row["resource"], row["resource_id"], before=row["version"] + 1)]
    ]
    resolved = await fetch("SELECT client_id FROM person_resolution WHERE person_id = $1", person_id)
    return {
        "person": _bare(seen.record.model_dump(mode="json")),
        "registrations": sorted(str(_bare(one.model_dump(mode="json"))) for one in registrations),
        "holds": sorted(map(str, map(tuple, holds))),
        "events": [
            (row["event_type"], row["sequence"], row["division_codes"], _bare(json.loads(row["data"]))) for row in events
        ],
        "history": sorted(map(str, map(_bare, remembered))),
        "evidence": sorted(str(_bare(line)) for row in lines if (line := json.loads(row["line"]))["operation"] != "read"),
        "resolved": sorted(row["client_id"] for row in resolved),
        "employments": sorted(str(_bare(dict(row))) for row in await fetch(f"{_EMPLOYMENTS} WHERE person_id = $1", person_id)),
        "stays": sorted(str(_bare(dict(row))) for row in await fetch(f"{_STAYS} WHERE person_id = $1", person_id)),
    }


_EMPLOYMENTS = """SELECT (SELECT e.credit_code FROM employer e WHERE e.employer_id = employment.employer_id) AS code,
    occupation_code, started_on, start_reported_on, start_due_on,
    start_reported_late, ended_on, end_reason, end_reported_on, end_due_on, end_reported_late, version FROM employment"""
_STAYS = """SELECT (SELECT r.label FROM room r WHERE r.room_id = stay.room_id) AS room, bed, started_at, report_due_on,
    reported_late, ended_at, end_reason, end_reported_late, version FROM stay"""
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d")
_PASSING = frozenset({"created_at", "updated_at", "at", "request", "person", "resource_id"})


def _bare(value: Any) -> Any:
    """Without ids and what the clock of the system says; instants are the same in whichever zone they are told."""
    if isinstance(value, dict):
        kept = (name for name in value if name not in _PASSING and not name.endswith("_id"))
        return {name: _bare(value[name]) for name in sorted(kept)}
    if isinstance(value, str) and _INSTANT.match(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    return [_bare(member) for member in value] if isinstance(value, list | tuple) else value


def parsed(model: Any, content: Mapping[str, Any]) -> Any:
    """A body as the single door reads it."""
    return parse_body(model, json.dumps(content).encode(), _DEPTH)


def _person(row: Row) -> dict[str, Any]:
    return {
        "name": row["姓名"],
        "phone": row["联系电话"],
        "hukou_division_code": row["户籍地代码"] or None,
        "identity_documents": [{"type": "citizen_id", "number": row["证件号码"]}],
    }


def _residence(row: Row, person_id: UUID) -> dict[str, Any]:
    kinds = {"": "other", "租赁": "rented", "员工宿舍": "employer_dormitory"}
    return {
        "person_id": str(person_id),
        "division_code": row["居住地代码"],
        "address": row["居住地址"],
        "residence_kind": kinds[row["居住方式"]],
        "started_on": row["入住日期"],
        "reported_by": "employer",
    }
