"""Simulations, and everybody they are about. Of people only what rules ask for is read, and nothing of anybody is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.chassis.db import Record, prepare
from services.chassis.work import Work
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.store.person_facts import known_of

_INSERT = prepare(
    """
    INSERT INTO simulation (simulation_id, division_code, asked_by, asked, told, created_at)
    VALUES (:simulation_id, :division_code, :asked_by, CAST(:asked AS jsonb), CAST(:told AS jsonb), :created_at)
    """
)
_FIND = prepare(
    """
    SELECT simulation_id, division_code, asked_by, asked, told, created_at FROM simulation
    WHERE simulation_id = :simulation_id
    """
)
_COUNT = prepare(
    """
    SELECT count(*) FROM mirror_person m WHERE NOT EXISTS (
        SELECT FROM mirror_person_alias a WHERE a.person_id = m.person_id AND a.unmerged_on IS NULL)
    """
)
# Humans by the id in use. Policies ask of every row whether its person is in sight; here that is once for each human.
_PAGE = prepare(
    """
    SELECT m.person_id FROM mirror_person m
    WHERE m.person_id > CAST(:after AS uuid) AND NOT EXISTS (
        SELECT FROM mirror_person_alias a WHERE a.person_id = m.person_id AND a.unmerged_on IS NULL)
    ORDER BY m.person_id LIMIT CAST(:limit AS integer)
    """
)
_TRAITS = prepare(
    """
    WITH known AS MATERIALIZED (
        SELECT p.person_id, p.hukou_division_code, p.person_id || ARRAY(
            SELECT a.person_id FROM mirror_person_alias a
            WHERE a.canonical_person_id = p.person_id AND a.unmerged_on IS NULL
        ) AS ids FROM mirror_person p WHERE p.person_id = ANY (CAST(:person_ids AS uuid[]))
    )
    SELECT known.person_id,
        left(known.hukou_division_code, 2) AS origin,
        (SELECT left(r.division_code, 9) FROM mirror_residence_registration r
            WHERE r.person_id = ANY (known.ids) AND r.registered_on <= :on AND (r.ended_on IS NULL OR r.ended_on > :on)
            ORDER BY r.registered_on DESC, r.registration_id LIMIT 1) AS town,
        (SELECT left(e.industry_code, 1) FROM mirror_employment e
            WHERE e.person_id = ANY (known.ids) AND e.started_on <= CAST(:on AS date)
                AND (e.ended_on IS NULL OR e.ended_on > :on)
            ORDER BY e.started_on DESC, e.employment_id LIMIT 1) AS industry
    FROM known ORDER BY known.person_id
    """
)


NOBODY = UUID(int=0)
"""Before everybody."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule set, whether two officers approved it, and the day on which everybody is counted by it."""

    rule_set: RuleSet
    on: date
    is_approved: bool


@dataclass(frozen=True, slots=True)
class Somebody:
    """What rules ask for of one human, once for each rule set, and what people are told apart by."""

    person_id: UUID
    documents: tuple[Any, ...]
    town: str | None
    origin: str | None
    industry: str | None


async def count_everybody(work: Work) -> int:
    """How many humans this client sees."""
    return int(await work.tx.fetch_value(_COUNT))


async def page_of_everybody(work: Work, *, after: UUID, limit: int) -> list[UUID]:
    """The next humans this client sees, by id."""
    return [row["person_id"] for row in await work.tx.fetch(_PAGE, after=after, limit=limit)]


async def facts_of_page(work: Work, person_ids: Sequence[UUID], asked: Sequence[Asked]) -> list[Somebody]:
    """The facts each rule set asks for, of humans the client sees. Runs in the service's own rows: every row it reads is one
    of theirs, and a client that sees a person's file sees all of them.
    """
    traits = await work.tx.fetch(_TRAITS, person_ids=person_ids, on=asked[0].on)
    known = [await known_of(work, person_ids, each.rule_set, each.on) for each in asked]
    return [
        Somebody(
            row["person_id"],
            tuple(
                of[row["person_id"]].facts(each.rule_set, each.on, work.today).document
                for of, each in zip(known, asked, strict=True)
            ),
            row["town"],
            row["origin"],
            row["industry"],
        )
        for row in traits
        if all(row["person_id"] in of for of in known)  # nobody is erased between two looks
    ]


async def insert_simulation(work: Work, simulation_id: UUID, *, asked_by: str, asked: object, told: object) -> None:
    """Store what a simulation came to."""
    await work.tx.execute(
        _INSERT,
        simulation_id=simulation_id,
        division_code=work.principal.division_code,
        asked_by=asked_by,
        asked=asked,
        told=told,
        created_at=work.now,
    )


async def find_simulation(work: Work, simulation_id: UUID) -> Record | None:
    """A simulation of this client's division, or of one within it."""
    return await work.tx.fetch_row(_FIND, simulation_id=simulation_id)
