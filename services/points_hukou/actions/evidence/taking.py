"""What becomes of evidence that is given: one at a time or a thousand, by the same rule and in the same order.

Of one office, fact and reliability one evidence is current. What knows a later day, or corrects that day, supersedes it; older
knowledge that arrives late is kept beside it; the same again is nothing new. Nothing is overwritten.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol
from uuid import UUID

from pydantic import JsonValue

from services.chassis.attachments.references import refer
from services.chassis.ids import new_id
from services.chassis.work import Work
from services.contracts.points_hukou import EvidenceRecorded
from services.points_hukou.actions.evidence.trail import EVIDENCE, leave_evidence
from services.points_hukou.rules.evidence import EvidenceStatus, is_same, overlaps, supersedes
from services.points_hukou.rules.gathering.sources import Reliability
from services.points_hukou.schemas.evidence import EvidenceRecord, EvidenceSecrets
from services.points_hukou.store import evidence as store
from services.points_hukou.store.evidence import Series


@dataclass(frozen=True, slots=True)
class Told:
    """What is given of a person who is held (`store.hold_persons`); `value` in its normal form."""

    person_id: UUID
    rule_set: str
    fact: str
    value: JsonValue
    reliability: Reliability
    as_of: date
    valid_from: date | None = None
    valid_until: date | None = None
    attachment_id: UUID | None = None

    @property
    def series(self) -> Series:
        """What it may supersede is of the same."""
        return self.person_id, self.rule_set, self.fact, self.reliability


@dataclass(frozen=True, slots=True)
class Taken:
    """The evidence it became, or was already."""

    record: EvidenceRecord
    is_new: bool


class Rehearsed(Protocol):
    """What a rehearsal's earlier parts would have made of series, in place of what was read of them."""

    def get(self, key: Series, read: list[EvidenceRecord], /) -> list[EvidenceRecord]:
        """What was said of a series; `read`, when no row has said anything of it."""

    def __setitem__(self, key: Series, value: list[EvidenceRecord], /) -> None:
        """What was said by now."""


async def take(
    work: Work, told: Sequence[Told], evidence_ids: Sequence[UUID] = (), *, rehearsed: Rehearsed | None = None
) -> list[Taken]:
    """Store what is new of what this client's office tells, in its order; the persons are held and have their keys.

    `evidence_ids`: ids for what may become evidence, where something refers to them already. With `rehearsed` nothing is
    stored, and what would have been is remembered there.
    """
    said = await store.said_before(work, [(each.series, each.as_of) for each in told])
    book = _Book(work, said)
    if rehearsed is not None:
        return _rehearse(book, told, rehearsed)
    await work.make_person_keys({record.person_id for _, record in said})
    ids = evidence_ids or sorted(new_id() for _ in told)  # of one instant the order of the ids is that of the words
    taken = [book.take(each, evidence_id) for each, evidence_id in zip(told, ids, strict=True)]
    await store.write(work, list(book.new.values()), list(book.closed.values()))
    divisions = await store.divisions_of(work, {each.person_id for each in told}) if book.steps else {}
    for before, after, supersedes_id in book.steps:
        codes = divisions.get(after.person_id, ())
        leave_evidence(
            work,
            "supersede" if before is not None else "give",
            None if before is not None else EvidenceRecorded,
            before,
            after,
            supersedes=supersedes_id,
            division_codes=codes,
        )
    return [Taken(book.standing(each.record), each.is_new) for each in taken]


async def give(work: Work, told: Told) -> Taken:
    """Store what is told of a person who is held, with its paper."""
    evidence_id = new_id()
    if told.attachment_id is not None:
        named = [("/attachment_id", told.attachment_id)]
        await refer(work, named, resource=EVIDENCE, resource_id=evidence_id, person_ids=[told.person_id])
    (taken,) = await take(work, [told], [evidence_id])
    return taken


def _rehearse(book: "_Book", told: Sequence[Told], rehearsed: Rehearsed) -> list[Taken]:
    for series in {each.series for each in told}:
        book.said[series] = rehearsed.get(series, book.said.get(series, []))
    taken = [book.take(each, new_id()) for each in told]
    for each in told:
        rehearsed[each.series] = book.said[each.series]
    return taken


_Step = tuple[EvidenceRecord | None, EvidenceRecord, UUID | None]


@dataclass(slots=True)
class _Book:
    """What an office said before, and what is added to it."""

    work: Work
    before: Sequence[tuple[Series, EvidenceRecord]]
    new: dict[UUID, EvidenceRecord] = field(default_factory=dict)
    closed: dict[UUID, EvidenceRecord] = field(default_factory=dict)
    steps: list[_Step] = field(default_factory=list)
    said: dict[Series, list[EvidenceRecord]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for series, record in self.before:
            self.said.setdefault(series, []).append(record)

    def take(self, told: Told, evidence_id: UUID) -> Taken:
        said = self.said.setdefault(told.series, [])
        same = next((each for each in reversed(said) if _is_last_word(each, said) and is_same(told, each)), None)
        if same is not None:
            return Taken(same, is_new=False)
        record = _entered(self.work, told, evidence_id)
        current = [each for each in said if each.status is EvidenceStatus.CURRENT]  # several where ids were merged
        later = next((each for each in current if not supersedes(told, each)), None)
        superseded = [each for each in current if supersedes(told, each)]
        if later is not None:
            closed = {"status": EvidenceStatus.SUPERSEDED, "superseded_by": later.evidence_id, "closed_at": self.work.now}
            record = record.model_copy(update=closed)
        for each in superseded:
            self._supersede(said, each, evidence_id)
        said.append(record)
        self.new[record.evidence_id] = record
        self.steps.append((None, record, superseded[0].evidence_id if superseded else None))
        return Taken(record, is_new=True)

    def standing(self, record: EvidenceRecord) -> EvidenceRecord:
        """A record as it stands in the end."""
        return self.new.get(record.evidence_id) or self.closed.get(record.evidence_id) or record

    def _supersede(self, said: list[EvidenceRecord], current: EvidenceRecord, by: UUID) -> None:
        after = current.model_copy(
            update={
                "status": EvidenceStatus.SUPERSEDED,
                "superseded_by": by,
                "closed_at": self.work.now,
                "version": current.version + 1,
                "updated_at": self.work.now,
            }
        )
        said[said.index(current)] = after
        (self.new if current.evidence_id in self.new else self.closed)[current.evidence_id] = after
        self.steps.append((current, after, None))


def _is_last_word(record: EvidenceRecord, said: Sequence[EvidenceRecord]) -> bool:
    """Whether nothing later was said as of the same day for the same time: a value that was corrected is new when it is said
    again.
    """
    return not any(each.as_of == record.as_of and overlaps(each, record) for each in said[said.index(record) + 1 :])


def _entered(work: Work, told: Told, evidence_id: UUID) -> EvidenceRecord:
    return EvidenceRecord(
        evidence_id=evidence_id,
        person_id=told.person_id,
        rule_set=told.rule_set,
        fact=told.fact,
        organisation=work.principal.organisation,
        division_code=work.principal.division_code,
        reliability=told.reliability,
        status=EvidenceStatus.CURRENT,
        as_of=told.as_of,
        valid_from=told.valid_from,
        valid_until=told.valid_until,
        attachment_id=told.attachment_id,
        superseded_by=None,
        withdrawn_on=None,
        closed_at=None,
        secrets=EvidenceSecrets(value=told.value),
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
