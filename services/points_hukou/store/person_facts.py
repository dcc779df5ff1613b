"""The facts of persons: what the registry told, and the evidence offices gave; row-level security says of whom.

One round trip however many they are: `known_of` (migration 0017) asks once of each human whether the client sees it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import pydantic_core

from services.chassis import person_keys
from services.chassis.db import Record, prepare
from services.chassis.errors import DomainError
from services.chassis.work import Work
from services.points_hukou.rules.compiling import RuleSet
from services.points_hukou.rules.gathering.gathering import GatheredFacts, Said, gather
from services.points_hukou.rules.gathering.registered import Job, Permit, Registered, Residence, reliability_of, values_of
from services.points_hukou.rules.gathering.sources import Reliability
from services.points_hukou.store.evidence import context_of
from services.points_hukou.store.source_law import SOURCES

REGISTRY_ZH = "本市居住登记系统"
"""What the registry is called where a fact tells its source."""

_KNOWN = prepare(
    """
    SELECT human, ids, birth_dates, residences, permits, jobs, evidence_id, person_id, fact, organisation, reliability, as_of,
        sealed, is_contested, is_later, person_key_id, person_key_suite, person_key_wrapped,
        CASE WHEN ids IS NOT NULL THEN ARRAY(
            SELECT c.field FROM registry_contest c WHERE c.status = 'open' AND c.person_id = ANY (ids)) END AS contested
    FROM known_of(CAST(:person_ids AS uuid[]), CAST(:application_id AS uuid), CAST(:rule_sets AS text[]),
        CAST(:facts AS text[]), CAST(:undated AS text[]), CAST(:on AS date))
    """
)
_HOLD = prepare("SELECT asked_id, person_id FROM hold_applicants(CAST(:application_id AS uuid))")


@dataclass(slots=True)
class Known:
    """What sources say of one human, by the id in use."""

    person_id: UUID
    ids: tuple[UUID, ...]
    registered: Registered
    contested: frozenset[str]
    """fields of the registry"""
    given: list[Said] = field(default_factory=list)

    @property
    def birth_date(self) -> date:
        """That of the id in use."""
        return self.registered.birth_dates[0]

    def facts(self, rule_set: RuleSet, on: date, today: date) -> GatheredFacts:
        """What is known on a day of everything a rule set asks for."""
        of_register = of_registry(self.registered, rule_set, on, today, self.contested)
        return gather(self.person_id, on, rule_set, [*of_register, *self.given], SOURCES)


async def facts_of(work: Work, person_id: UUID, rule_set: RuleSet, on: date) -> tuple[GatheredFacts, date]:
    """What is known on a day of everything a rule set asks for, of a person under whatever id, and the birth date.

    Raises `DomainError('not-found')` for somebody this client may not see, or who is not there.
    """
    known = await known_of(work, [person_id], rule_set, on)
    if not known:
        raise nobody()
    (human,) = known.values()
    return human.facts(rule_set, on, work.today), human.birth_date


def nobody() -> DomainError:
    """Somebody this client may not see, or who is not there."""
    zh, en = "没有此人的积分档案,或此人不在客户端的管辖范围内", "no file of this person, or none this client may see"
    return DomainError("not-found", detail_zh=zh, detail_en=en)


async def hold_applicants(work: Work, application_id: UUID) -> dict[UUID, UUID]:
    """Hold the people of an application this client sees until the commit; of each that is still there the id it has by now."""
    return {row["asked_id"]: row["person_id"] for row in await work.tx.fetch(_HOLD, application_id=application_id)}


async def known_of(
    work: Work, person_ids: Collection[UUID], rule_set: RuleSet, on: date, *, application_id: UUID | None = None
) -> dict[UUID, Known]:
    """What sources say of humans, by the id in use: of those whose file this client sees, and of the people of an application
    that is its case, wherever they have gone since.
    """
    rows = await work.tx.fetch(
        _KNOWN,
        person_ids=list(person_ids),
        application_id=application_id,
        rule_sets=[each.id for each in rule_set.validities],
        facts=list(rule_set.facts),
        undated=[each.id for each in rule_set.facts.values() if each.is_undated],
        on=on,
    )
    humans = {
        row["human"]: Known(row["human"], tuple(row["ids"]), _registered(row), frozenset(row["contested"]))
        for row in rows
        if row["ids"] is not None
    }
    words = [row for row in rows if row["ids"] is None]
    for row, said in zip(words, _said(work, words), strict=True):
        humans[row["human"]].given.append(said)
    return humans


def _said(work: Work, rows: Sequence[Record]) -> Iterable[Said]:
    """What rows of evidence say. The words of one person lie under one key, which is unwrapped once."""
    keys: dict[UUID, person_keys.PersonKey] = {}
    for row in rows:
        person_id = row["person_id"]
        if (key := keys.get(person_id)) is None:
            stored = row["person_key_id"], row["person_key_suite"], row["person_key_wrapped"]
            key = keys[person_id] = person_keys.unwrap(work.keyring, person_id, *stored)
        opened = person_keys.open_layers(row["sealed"], context_of(row["evidence_id"]), [key])
        assert opened is not None, "a person's evidence goes with the key"
        yield Said(
            fact=row["fact"],
            raw=pydantic_core.from_json(opened)["value"],
            source=row["organisation"],
            as_of=row["as_of"],
            reliability=Reliability(row["reliability"]),
            evidence_id=row["evidence_id"],
            of_alias=person_id != row["human"],
            is_contested=row["is_contested"],
            is_later=row["is_later"],
        )


def of_registry(registered: Registered, rule_set: RuleSet, on: date, as_of: date, contested: Collection[str]) -> list[Said]:
    """What the registry says of everything a rule set asks for; of contested fields it is marked."""
    return [
        Said(
            fact,
            value,
            REGISTRY_ZH,
            as_of,
            reliability_of(registered, feed, on),
            of_alias=number > 0,
            is_contested=feed.field in contested,
            is_partial=feed.is_partial,
        )
        for fact, feed in SOURCES.feeds_of(rule_set, on).items()
        for number, value in enumerate(values_of(registered, feed, on))
    ]


def _registered(row: Record) -> Registered:
    return Registered(
        birth_dates=tuple(row["birth_dates"]),
        residences=tuple(
            Residence(_day(registered), _day(since), _optional(ended), reason, kind)
            for registered, since, ended, reason, kind in row["residences"]
        ),
        permits=tuple(Permit(*map(_optional, days)) for days in row["permits"]),
        jobs=tuple(Job(employer, _day(started), _optional(ended), reason) for employer, started, ended, reason in row["jobs"]),
    )


def _day(written: str) -> date:
    return date.fromisoformat(written)


def _optional(written: str | None) -> date | None:
    return None if written is None else date.fromisoformat(written)
