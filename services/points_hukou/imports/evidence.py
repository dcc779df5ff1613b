"""Files of evidence: each row is what the single door would be sent, checked by the same model and rules, and written in few
statements.

A row is given (`given`), said already (`unchanged`), or refused as a whole. A rehearsal writes nothing, and remembers from part
to part what it would have written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from services.chassis.errors import DomainError
from services.chassis.long_work.course import Course
from services.chassis.long_work.tables.by_rows import Memory, Taken, Verdict
from services.chassis.long_work.tables.columns import Column
from services.chassis.long_work.tables.refusals import NotUnderstoodError, errors_of
from services.chassis.work import Work
from services.points_hukou.actions.evidence.checking import declared_fact, no_holder, require_duty, value_of
from services.points_hukou.actions.evidence.taking import Told, take
from services.points_hukou.actions.evidence.vocabulary import Declared, Vocabulary, vocabulary
from services.points_hukou.imports.cells import day_in, value_in
from services.points_hukou.rules.gathering.sources import Reliability
from services.points_hukou.schemas.evidence import EvidenceEntry, EvidenceRecord
from services.points_hukou.schemas.evidence_imports import COLUMNS
from services.points_hukou.store import evidence as store
from services.points_hukou.store.evidence import Series

_CHUNK = 500
_DOCUMENT_TYPES = {
    "": "citizen_id",
    "居民身份证": "citizen_id",
    "身份证": "citizen_id",
    "港澳台居民居住证": "hmt_residence_permit",
    "外国人永久居留身份证": "foreign_permanent_resident_card",
    "护照": "passport",
    "港澳居民来往内地通行证": "hmt_travel_permit",
    "台湾居民来往大陆通行证": "hmt_travel_permit",
    "军人证": "military_id",
    "武警证": "police_id",
    "户口簿": "household_register",
    "出生医学证明": "birth_certificate",
    "其他": "other",
}


class EvidenceList:
    """A file of evidence during one operation."""

    columns: Sequence[Column] = COLUMNS
    chunk = _CHUNK

    def __init__(self, course: Course) -> None:
        self._shared: Mapping[str, Any] = course.operation.parameters
        self._rehearsed: Memory[Series, list[EvidenceRecord]] | None = Memory(is_rehearsal=True) if course.rehearsal else None

    def keep(self) -> None:
        """See `Book`."""
        if self._rehearsed is not None:
            self._rehearsed.keep()

    def read(self, work: Work, row: Mapping[str, str]) -> EvidenceEntry:  # noqa: ARG002 - as every book
        """What a row says, its value as the cell. Raises one of `NOT_TAKEN`."""
        kind = row["document_type"]
        return EvidenceEntry.model_validate(
            {
                "document": {"type": _DOCUMENT_TYPES.get(kind, kind), "number": row["document_number"]},
                "rule_set": row["rule_set"] or self._shared.get("rule_set") or "",
                "fact": row["fact"] or self._shared.get("fact") or "",
                "value": row["value"],
                "reliability": self._shared["reliability"],
                "as_of": _day(row["as_of"] or self._shared.get("as_of") or "", "/as_of"),
                "valid_from": _day(row["valid_from"], "/valid_from") if row["valid_from"] else None,
                "valid_until": _day(row["valid_until"], "/valid_until") if row["valid_until"] else None,
            }
        )

    async def take(self, work: Work, said: Sequence[EvidenceEntry]) -> Taken:
        """Decide the rows in their order, each seeing what those before it did, and write what comes of them."""
        known = {name: await vocabulary(work, name) for name in {each.rule_set for each in said}}
        holders = await store.persons_of_documents(work, [_document(each) for each in said])
        held = await store.hold_persons(work, [each.person_id for each in holders.values() if each.person_id is not None])
        await work.make_person_keys(set(held.values()))
        verdicts: dict[int, Verdict] = {}
        told: dict[int, Told] = {}
        for place, each in enumerate(said):
            holder = holders.get(place)
            person_id = None if holder is None or holder.person_id is None else held.get(holder.person_id)
            try:
                told[place] = _told(work, each, known[each.rule_set], person_id, holder)
            except DomainError as error:
                verdicts[place] = errors_of(error)
        if self._rehearsed is not None:
            self._rehearsed.begin()
        words = await take(work, list(told.values()), rehearsed=self._rehearsed)
        for place, taken in zip(told, words, strict=True):
            verdicts[place] = "given" if taken.is_new else "unchanged"
        return Taken([verdicts[place] for place in range(len(said))])


def _document(entry: EvidenceEntry) -> tuple[str, str]:
    assert entry.document is not None
    return entry.document.type, entry.document.number


def _told(
    work: Work, entry: EvidenceEntry, known: Vocabulary | None, person_id: UUID | None, holder: store.Holder | None
) -> Told:
    """What a row tells. Raises `DomainError` as the single door does."""
    declared = declared_fact(entry, known)
    value = _value(entry.model_copy(update={"value": value_in(str(entry.value), declared.fact)}), declared)
    require_duty(work, entry, declared)
    if person_id is None:
        raise DomainError("invalid-request", errors=[no_holder(holder)])
    return Told(
        person_id=person_id,
        rule_set=declared.rule_set,
        fact=entry.fact,
        value=value,
        reliability=Reliability(entry.reliability),
        as_of=entry.as_of,
        valid_from=entry.valid_from,
        valid_until=entry.valid_until,
    )


def _value(told: EvidenceEntry, declared: Declared) -> JsonValue:
    """As `value_of`; a cell is one column, whatever of it is wrong."""
    try:
        return value_of(told, declared)
    except DomainError as error:
        raise DomainError(error.code, errors=[replace(each, pointer="/value") for each in error.errors]) from None


def _day(cell: str, pointer: str) -> date:
    try:
        return date.fromisoformat(day_in(cell))
    except ValueError:
        raise NotUnderstoodError(pointer, "date", "应为日期,例如 2026-03-01", "a date such as 2026-03-01 is expected") from None
