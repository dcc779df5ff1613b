"""The queue of pairs who may be one human, looked at and decided by an officer.

The register only points at pairs (`rules/duplicates.py`); who decides that they are one human proposes a merge, and a second
officer approves it. Every pair shown is evidence about both persons.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, sign, unsign
from services.chassis.records import changed_fields
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.registry.actions.law import LAW
from services.registry.actions.merging import propose_merge_of
from services.registry.actions.refusals import require_held
from services.registry.actions.sights import sight_on
from services.registry.rules.duplicates import CandidateLevel, Likeness, assess_likeness
from services.registry.schemas.duplicates import (
    CandidateDecision,
    CandidateRecord,
    CandidateStatus,
    DuplicateCandidateView,
    DuplicateDecision,
    PairMerge,
    PastCandidateView,
    hidden_aspects,
)
from services.registry.schemas.merging import PersonMerge
from services.registry.schemas.person_views import FoundPersonView
from services.registry.store import duplicates as store
from services.registry.store.duplicates import Candidate
from services.registry.store.persons import load_persons, lock_persons

RESOURCE = "duplicate_candidate"
_DECIDABLE = frozenset({CandidateStatus.OPEN, CandidateStatus.PUT_OFF, CandidateStatus.DIFFERENT})


async def list_candidates(
    work: Work,
    status: CandidateStatus,
    level: CandidateLevel | None,
    person_id: UUID | None,
    cursor: str | None,
    limit: int,
) -> Page[DuplicateCandidateView]:
    """Pairs of whom the client sees both, the most alike first."""
    scope = f"duplicate candidates {status} {level} {person_id}"
    likely = level is CandidateLevel.LIKELY
    shown_from = (LAW.duplicates.likely_from if likely else LAW.duplicates.possible_from).on(work.today)
    found = await store.list_candidates(
        work, status=status, score_min=shown_from, person_id=person_id, after=_after(work, scope, cursor), limit=limit
    )
    page = found[:limit]
    next_cursor = None
    if len(found) > limit:
        last = page[-1].record
        next_cursor = sign(work.keyring, scope, last.score, last.candidate_id)
    return Page(items=await _show(work, page), next_cursor=next_cursor)


async def read_candidate(work: Work, candidate_id: UUID) -> DuplicateCandidateView:
    """One pair."""
    shown = await _show(work, [await _find(work, candidate_id)])
    if not shown:
        raise not_found("duplicate-candidate")
    return shown[0]


async def read_candidate_history(
    work: Work, candidate_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[PastCandidateView]]:
    """Who decided what, newest first."""
    found = await _find(work, candidate_id)
    versions = await versions_of(
        work, RESOURCE, candidate_id, record=CandidateRecord, view=PastCandidateView.of, cursor=cursor, limit=limit
    )
    for person_id in (found.record.person_id, found.record.related_person_id):
        work.audit("read_history", RESOURCE, candidate_id, person_id=person_id)
    return versions


async def decide_candidate(work: Work, candidate_id: UUID, body: CandidateDecision) -> DuplicateCandidateView:
    """An officer says what a pair is; the same said again changes nothing.

    Raises `DomainError('duplicate-candidate-decided')` for a pair that is merged, waits for the second officer, or agrees no
    more, and whatever `merging.propose_merge` raises.
    """
    _require_merge_if_same(body)
    found = await _find(work, candidate_id)
    pair = (found.record.person_id, found.record.related_person_id)
    require_held(*(await lock_persons(work, *pair)).values())
    found = await store.lock_candidate(work, candidate_id)
    before = found.record
    work.expect_version(before.version)
    if found.status not in _DECIDABLE:
        raise DomainError("duplicate-candidate-decided", extra={"status": found.status})
    decided = before.model_copy(
        update={
            "decision": body.decision,
            "decided_on": work.today,
            "shown_again_on": _shown_again_on(work, body.decision),
            "proposal_id": None if body.merge is None else await _propose(work, found, body.merge),
        }
    )
    if changed_fields(before.model_copy(update={"decided_on": work.today}), decided):
        after = decided.model_copy(update={"version": before.version + 1, "updated_at": work.now})
        await store.decide_candidate(work, after)
        _leave(work, before, after)
    return await read_candidate(work, candidate_id)


async def _find(work: Work, candidate_id: UUID) -> Candidate:
    found = await store.find_candidate(work, candidate_id)
    if found is None:
        raise not_found("duplicate-candidate")
    return found


def _require_merge_if_same(body: CandidateDecision) -> None:
    is_same = body.decision is DuplicateDecision.SAME_PERSON
    if is_same and body.merge is None:
        zh, en = "认定为同一人的，应提出合并：保留哪一人、原因和依据", "with `same_person` goes a merge: whom to keep, and why"
        raise invalid([FieldError("/merge", "missing", zh, en)])
    if body.merge is not None and not is_same:
        zh, en = "未认定为同一人的，不应填写合并", "a merge goes with `same_person` only"
        raise invalid([FieldError("/merge", "contradiction", zh, en)])


def _shown_again_on(work: Work, decision: DuplicateDecision) -> date | None:
    if decision is not DuplicateDecision.LATER:
        return None
    return work.today + timedelta(days=LAW.duplicates.put_off_days.on(work.today))


async def _propose(work: Work, found: Candidate, merge: PairMerge) -> UUID:
    """The merge of the two humans, proposed; the proposal's id."""
    others = [person_id for person_id in found.person_ids if person_id != merge.kept_person_id]
    if len(others) != 1:
        zh, en = "应为该对人员之一", "one of the two persons is expected"
        raise invalid([FieldError("/merge/kept_person_id", "not_of_the_pair", zh, en)])
    body = PersonMerge(duplicate_person_id=others[0], reason=merge.reason, evidence=merge.evidence)
    return (await propose_merge_of(work, merge.kept_person_id, body)).proposal_id


def _leave(work: Work, before: CandidateRecord, after: CandidateRecord) -> None:
    """A version, sealed for both persons, and a line of evidence about each. No event: nobody else acts on a likeness."""
    changed = changed_fields(before, after)
    work.remember(
        RESOURCE,
        after.candidate_id,
        after.version,
        snapshot=after,
        changed=changed,
        person_id=after.person_id,
        related_person_id=after.related_person_id,
    )
    for person_id in (after.person_id, after.related_person_id):
        work.audit("decide", RESOURCE, after.candidate_id, person_id=person_id, fields=changed)


async def _show(work: Work, found: Sequence[Candidate]) -> list[DuplicateCandidateView]:
    """The pairs as the client may see both persons, with the evidence; a person may just have gone out of sight."""
    persons = await load_persons(work, sorted({person_id for each in found for person_id in each.person_ids}))
    shown = []
    for each in found:
        if not persons.keys() >= set(each.person_ids):
            continue
        views: list[FoundPersonView] = []
        hidden: set[str] = set()
        for person_id in dict.fromkeys(each.person_ids):
            sight = sight_on(work, persons[person_id].birth_date)
            views.append(FoundPersonView.of(persons[person_id], sight))
            hidden |= hidden_aspects(sight)
            work.audit("read", RESOURCE, each.record.candidate_id, person_id=person_id, fields=sight.shown)
        likelihood = assess_likeness(Likeness.of_code(each.record.likeness), LAW.duplicates, work.today)
        shown.append(DuplicateCandidateView.of(each.record, each.status, likelihood, views, hidden))
    return shown


def _after(work: Work, scope: str, cursor: str | None) -> tuple[int, UUID] | None:
    if not cursor:
        return None
    score, candidate_id = unsign(work.keyring, cursor, label=scope)
    return int(score), UUID(candidate_id)
