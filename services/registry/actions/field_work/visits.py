"""A batch of visits, from however long offline: each is stored, known already, or refused with reasons.

A visit changes nothing in the register. Where it disagrees with the register or with another coordinator, both stand, the
conflict is told back and kept open, and none of it counts in any rate until an officer has decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from uuid import UUID

from services.chassis.clock import LAW_ZONE
from services.chassis.ids import new_id
from services.chassis.schemas import Notice
from services.chassis.work import Work
from services.registry.actions.divisions import require_own_division
from services.registry.actions.law import LAW, law_held
from services.registry.actions.refusals import notice
from services.registry.actions.trail import leave
from services.registry.rules.field_work.visits import (
    VisitConflictKind,
    VisitFacts,
    Walk,
    conflicts_with_register,
    is_assigned,
    visit_problems,
)
from services.registry.rules.findings import Finding
from services.registry.schemas.field_work.assignments import AssignmentRecord
from services.registry.schemas.field_work.visits import (
    VisitBatch,
    VisitBatchView,
    VisitConflictRecord,
    VisitConflictView,
    VisitEntry,
    VisitRecord,
    VisitResult,
    VisitResultView,
)
from services.registry.store.field_work import visits as store
from services.registry.store.field_work.assignments import assignments_of

RESOURCE = "field_visit"
CONFLICT = "field_visit_conflict"


@dataclass(frozen=True, slots=True)
class _New:
    """A visit that nobody has reported yet, with every disagreement; `content`: the digest of what was reported."""

    record: VisitRecord
    content: bytes
    conflicts: list[VisitConflictRecord]


async def hand_in_visits(work: Work, body: VisitBatch) -> VisitBatchView:
    """Take a coordinator's visits; the coordinator is the officer who acts.

    A division outside the client's own refuses the whole batch: nothing about it may then be learnt from a single answer.
    """
    for place, visit in enumerate(body.visits):
        require_own_division(work, visit.division_code, f"/visits/{place}/division_code")
    results = await take_visits(work, body.visits)
    return VisitBatchView(
        stored=sum(each.result is VisitResult.STORED for each in results),
        repeated=sum(each.result is VisitResult.REPEATED for each in results),
        refused=sum(each.result is VisitResult.REFUSED for each in results),
        results=results,
    )


async def take_visits(
    work: Work, visits: Sequence[VisitEntry], told_before: Mapping[UUID, bytes] = MappingProxyType({})
) -> list[VisitResultView]:
    """What becomes of each of these visits within the client's division. `told_before`: contents of visits that were told and
    not stored, because it was a rehearsal.
    """
    coordinator = work.require_actor()
    with law_held("field-work-rules-not-held"):
        days_max = LAW.field_work.visit_days_max.on(work.today)
    await store.claim_divisions(work, (visit.division_code for visit in visits))
    here = {**told_before, **await store.contents_of(work, [visit.visit_id for visit in visits])}
    known = await _known(work, visits)
    others = await store.others_on_the_day(work, coordinator, _subjects(visits))
    assigned = await assignments_of(work, coordinator)
    earlier = await store.conflicts_of(work, list(here))
    new: dict[UUID, _New] = {}
    refused: dict[int, list[Finding]] = {}
    for place, visit in enumerate(visits):
        if visit.visit_id in here or visit.visit_id in new:
            continue
        if reasons := [*_reasons(work, visit, assigned, days_max), *_subject_reasons(visit, known.get(place))]:
            refused[place] = reasons
            continue
        record = _record(work, coordinator, visit, known.get(place))
        conflicts = _conflicts(work, record, known.get(place), others.get(place, []))
        new[visit.visit_id] = _New(record, content_index(work, coordinator, visit), conflicts)
    stored = await store.insert_visits(work, [(each.record, each.content) for each in new.values()])
    opened = [conflict for key in new if key in stored for conflict in new[key].conflicts]
    await store.insert_conflicts(work, opened)
    for conflict in opened:
        leave(work, "open", CONFLICT, conflict.visit_conflict_id, None, before=None, after=conflict, division_codes=())
    results = []
    for place, visit in enumerate(visits):
        content = content_index(work, coordinator, visit)
        if place in refused:
            results.append(_refused(visit, refused[place]))
        elif visit.visit_id in here:
            results.append(_again(visit, earlier.get(visit.visit_id, []), is_same=here[visit.visit_id] == content))
        elif visit.visit_id not in stored:
            results.append(_refused(visit, [_ID_TAKEN]))
        else:
            here[visit.visit_id] = new[visit.visit_id].content
            earlier[visit.visit_id] = new[visit.visit_id].conflicts
            work.audit("hand_in", RESOURCE, visit.visit_id, person_id=visit.person_id)
            results.append(_result(visit, VisitResult.STORED, new[visit.visit_id].conflicts))
    return results


async def _known(work: Work, visits: Sequence[VisitEntry]) -> Mapping[int, store.Known]:
    """By place in the batch, what the register says of the visits' subjects that the client may know of."""
    persons = [(place, visit.person_id, _law_date(visit)) for place, visit in enumerate(visits) if visit.person_id is not None]
    homes = [
        (place, visit.premises_id, _law_date(visit))
        for place, visit in enumerate(visits)
        if visit.premises_id is not None and visit.person_id is None
    ]
    return {**await store.known_persons(work, persons), **await store.known_homes(work, homes)}


def _subjects(visits: Sequence[VisitEntry]) -> list[tuple[int, UUID, date]]:
    return [
        (place, subject, _law_date(visit)) for place, visit in enumerate(visits) if (subject := _subject(visit)) is not None
    ]


def _subject(visit: VisitEntry) -> UUID | None:
    return visit.person_id or visit.premises_id


def _law_date(visit: VisitEntry) -> date:
    return visit.visited_at.astimezone(LAW_ZONE).date()


def _subject_reasons(visit: VisitEntry, known: store.Known | None) -> list[Finding]:
    """Why nothing is recorded about its subject: there is none that the client may know of, or the id is an alias."""
    if known is None:
        return [] if _subject(visit) is None else [_NOT_KNOWN]
    return [_MERGED] if known.is_alias else []


def _reasons(work: Work, visit: VisitEntry, assigned: list[AssignmentRecord], days_max: int) -> list[Finding]:
    """Why a visit is not taken, whatever its subject."""
    day = _law_date(visit)
    facts = VisitFacts(
        subject=visit.subject,
        outcome=visit.outcome,
        visited_on=day,
        has_person=visit.person_id is not None,
        has_premises=visit.premises_id is not None,
        has_data_match=visit.data_matches is not None,
        has_found_address=visit.found_address is not None,
    )
    reasons = [*visit_problems(facts, today=work.today, days_max=days_max)]
    if visit.visited_at > work.law_now:
        reasons.append(_IN_FUTURE)
    walks = (Walk(one.division_code, one.valid_from, one.valid_until) for one in assigned)
    if not is_assigned(walks, visit.division_code, day, LAW.divisions):
        reasons.append(_NOT_ASSIGNED)
    return reasons


def _record(work: Work, coordinator: str, visit: VisitEntry, known: store.Known | None) -> VisitRecord:
    return VisitRecord(
        **visit.model_dump(),
        coordinator=coordinator,
        visited_on=_law_date(visit),
        was_registered=known is not None and known.was_registered,
        set_aside=False,
        recorded_at=work.now,
    )


def _conflicts(
    work: Work, record: VisitRecord, known: store.Known | None, others: list[store.OtherVisit]
) -> list[VisitConflictRecord]:
    """Every disagreement of a visit, open."""
    version = None if known is None else known.version
    kinds: list[tuple[VisitConflictKind, UUID | None]] = []
    if known is not None:
        found = conflicts_with_register(
            record.outcome, seen_version=record.seen_version, version=version, was_registered=known.was_registered
        )
        kinds += [(kind, None) for kind in found]
    kinds += [(VisitConflictKind.VISITS_DIFFER, other.visit_id) for other in others if other.outcome != record.outcome]
    return [
        VisitConflictRecord(
            visit_conflict_id=new_id(),
            division_code=record.division_code,
            visit_id=record.visit_id,
            other_visit_id=other_visit_id,
            kind=kind,
            seen_version=record.seen_version,
            current_version=version,
            decision=None,
            decided_on=None,
            version=1,
            created_at=work.now,
            updated_at=work.now,
        )
        for kind, other_visit_id in kinds
    ]


def content_index(work: Work, coordinator: str, visit: VisitEntry) -> bytes:
    """The digest of what a coordinator reported."""
    return work.keyring.blind_index("field_visit.content", f"{coordinator}|{visit.model_dump_json()}")


def _again(visit: VisitEntry, conflicts: list[VisitConflictRecord], *, is_same: bool) -> VisitResultView:
    if is_same:
        return _result(visit, VisitResult.REPEATED, conflicts)
    return _refused(visit, [_ID_TAKEN])


def _refused(visit: VisitEntry, reasons: list[Finding]) -> VisitResultView:
    return _result(visit, VisitResult.REFUSED, [], [notice(reason) for reason in reasons])


def _result(
    visit: VisitEntry, result: VisitResult, conflicts: list[VisitConflictRecord], reasons: list[Notice] | None = None
) -> VisitResultView:
    shown = [VisitConflictView.of(conflict) for conflict in conflicts]
    return VisitResultView(visit_id=visit.visit_id, result=result, conflicts=shown, reasons=reasons or [])


_ID_TAKEN = Finding("visit_id_taken", "RR-75", "该走访编号已用于另一条记录。", "The id is another visit's, with other content.")
_IN_FUTURE = Finding("in_future", "RR-75", "走访时间不得晚于现在。", "A visit is not in the future.")
_NOT_ASSIGNED = Finding(
    "not_assigned",
    "RR-75",
    "该综管员当日未分管此地。",
    "The coordinator was not assigned to this place on that day.",
)
_NOT_KNOWN = Finding(
    "subject_not_found",
    "RR-75",
    "没有找到该人员或房屋。",
    "There is no such person or home.",
)
_MERGED = Finding(
    "person_merged",
    "RR-75",
    "该人员编号已并入另一人员，请读取该编号，以所得人员编号报送。",
    "The id is an alias of another person: read it, and hand the visit in under the id it leads to.",
)
