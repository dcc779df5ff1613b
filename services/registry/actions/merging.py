"""Two persons on the register are one human: merged by alias, and parted again (architecture §1), by two officers.

No row is keyed anew. The duplicate's id becomes an alias: whoever reads it is answered with the canonical person, whoever
writes under it is told that person's id. Registrations, permits and relationships stay what they were, under the id they came
with, and are those of one human. Of what a human has one at most nothing is chosen: a conflict is put before a human.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.chassis.attachments.references import refer
from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import invalid
from services.chassis.two_person import Proposal, ProposalView, RefusalReason, Subject, TwoPersonAct, propose
from services.chassis.work import Work
from services.contracts.registry import PersonAliasState, PersonMerged, PersonUnmerged
from services.registry.actions.person_reading import require_visible
from services.registry.actions.persons import RESOURCE as PERSON
from services.registry.actions.refusals import person_not_found, require_held, require_own_id, with_id
from services.registry.actions.sights import sight_of
from services.registry.actions.trail import leave
from services.registry.schemas.evidence import Evidence, attachments_in
from services.registry.schemas.merging import (
    ConflictStatus,
    ConflictView,
    MergeRecord,
    MergeView,
    PersonMerge,
    PersonUnmerge,
    ProposedMerge,
    ProposedUnmerge,
)
from services.registry.schemas.person_views import PersonRecord
from services.registry.store import merging as store
from services.registry.store.events import merge_event
from services.registry.store.persons import load_person, lock_persons
from services.registry.store.visibility import divisions_of

RESOURCE = "person_alias"
SCOPE = "registry.person.merge"
_POINTER = "/duplicate_person_id"


async def propose_merge(work: Work, person_id: UUID, body: PersonMerge) -> ProposalView:
    """Propose that two persons are one human; it happens when another officer approves.

    Raises `DomainError('person-merged')` when either is an alias already, `('merge-chain')` when others were merged into the
    duplicate, `('persons-related')` when what they are to each other makes them two.
    """
    canonical, duplicate = await _take_both(work, person_id, body.duplicate_person_id)
    work.expect_version(canonical.version)
    return await _propose(work, canonical, duplicate, body)


async def propose_merge_of(work: Work, person_id: UUID, body: PersonMerge) -> ProposalView:
    """The same where the client speaks of something else than that person, and `If-Match` is that thing's version."""
    canonical, duplicate = await _take_both(work, person_id, body.duplicate_person_id)
    return await _propose(work, canonical, duplicate, body)


async def _propose(work: Work, canonical: PersonRecord, duplicate: PersonRecord, body: PersonMerge) -> ProposalView:
    person_id, merge_id = canonical.person_id, new_id()
    both = (person_id, body.duplicate_person_id)
    await refer(work, attachments_in(body.evidence), resource=RESOURCE, resource_id=merge_id, person_ids=both)
    content = ProposedMerge(
        merge_id=merge_id,
        duplicate_person_id=body.duplicate_person_id,
        duplicate_version=duplicate.version,
        reason=body.reason,
        evidence=tuple(body.evidence),
    )
    return await propose(work, MERGE, Subject(PERSON, person_id, canonical.version, person_id), content)


async def propose_unmerge(work: Work, person_id: UUID, body: PersonUnmerge) -> ProposalView:
    """Propose to take a merge back; it happens when another officer approves. Raises `DomainError('merge-not-found')`."""
    merge = await _take_merge(work, person_id, body.duplicate_person_id)
    work.expect_version(merge.version)
    both = (person_id, body.duplicate_person_id)
    await refer(work, attachments_in(body.evidence), resource=RESOURCE, resource_id=merge.merge_id, person_ids=both)
    content = ProposedUnmerge(duplicate_person_id=body.duplicate_person_id, reason=body.reason, evidence=tuple(body.evidence))
    return await propose(work, UNMERGE, Subject(PERSON, person_id, merge.version, person_id), content)


async def read_merges(work: Work, person_id: UUID, cursor: str | None, limit: int) -> Page[MergeView]:
    """Merges the id was in, standing and taken back, newest first."""
    await require_visible(work, person_id)
    scope = f"merges of {person_id}"
    rows = await store.merges_of(work, person_id, before=after(work.keyring, scope, cursor), limit=limit)
    sight = await sight_of(work, person_id, *(row[side] for row in rows for side in ("person_id", "canonical_person_id")))

    page = page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: MergeView.of(store.merge_of(work.keyring, row), sight),
        id_column="merge_id",
    )
    work.audit("read", RESOURCE, None, person_id=person_id, fields=sight.shown, outcome=f"found {len(page.items)}")
    return page


async def list_conflicts(work: Work, status: ConflictStatus | None, cursor: str | None, limit: int) -> Page[ConflictView]:
    """Conflicts that merges opened, of persons in sight, oldest first."""
    scope = f"merge conflicts {status}"
    rows = await store.list_conflicts(work, status=status, after=after(work.keyring, scope, cursor), limit=limit)
    page = page_of(
        work.keyring, scope, rows, limit, lambda row: ConflictView.model_validate(dict(row.items())), id_column="conflict_id"
    )
    for item in page.items:
        work.audit("read", "merge_conflict", item.conflict_id, person_id=item.person_id)
    return page


async def _merge(work: Work, proposal: Proposal) -> Sequence[RefusalReason]:
    content = ProposedMerge.model_validate_json(proposal.content)
    canonical, duplicate = await _take_both(work, proposal.resource_id, content.duplicate_person_id)
    proposal.expect_version(canonical.version)
    if duplicate.version != content.duplicate_version:
        raise DomainError("proposal-outdated", extra={"current_version": duplicate.version})
    record = MergeRecord(
        merge_id=content.merge_id,
        version=1,
        person_id=duplicate.person_id,
        canonical_person_id=canonical.person_id,
        reason=content.reason,
        evidence=content.evidence,
        merged_on=work.today,
        unmerged_on=None,
        unmerge_reason=None,
        unmerge_evidence=(),
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_merge(work, record)
    await _leave(work, "merge", PersonMerged, None, record)
    return ()


async def _unmerge(work: Work, proposal: Proposal) -> Sequence[RefusalReason]:
    content = ProposedUnmerge.model_validate_json(proposal.content)
    before = await _take_merge(work, proposal.resource_id, content.duplicate_person_id)
    proposal.expect_version(before.version)
    record = before.model_copy(
        update={
            "unmerged_on": max(before.merged_on, work.today),
            "unmerge_reason": content.reason,
            "unmerge_evidence": content.evidence,
            "version": before.version + 1,
            "updated_at": work.now,
        }
    )
    divisions = await divisions_of(work, record.person_id, record.canonical_person_id)
    await store.end_merge(work, record)
    await _leave(work, "unmerge", PersonUnmerged, before, record, divisions)
    return ()


async def _take_both(work: Work, canonical_id: UUID, duplicate_id: UUID) -> tuple[PersonRecord, PersonRecord]:
    """Two persons in sight, one of them held at least, locked in the order of their ids; neither is an alias, and nobody on the
    register is related to itself by their being one.
    """
    if canonical_id == duplicate_id:
        zh, en = "同一人员编号不能合并", "a person is not merged with itself"
        raise invalid([FieldError(_POINTER, "same_person", zh, en)])
    locked = await lock_persons(work, canonical_id, duplicate_id)
    await require_visible(work, canonical_id)
    canonical, duplicate = locked.get(canonical_id), locked.get(duplicate_id)
    if duplicate is None or not duplicate.is_visible:
        raise person_not_found(_POINTER)
    assert canonical is not None
    require_own_id(canonical)
    require_own_id(duplicate)
    require_held(canonical, duplicate)
    if len(await store.ids_of_human(work, duplicate_id)) > 1:
        raise DomainError("merge-chain", extra=with_id("person_id", duplicate_id))
    ids = [*await store.ids_of_human(work, canonical_id), duplicate_id]
    if relating := await store.relationships_relating(work, ids):
        raise DomainError("persons-related", extra={"relationship_ids": [str(each) for each in relating]})
    return await load_person(work, canonical_id), await load_person(work, duplicate_id)


async def _take_merge(work: Work, canonical_id: UUID, duplicate_id: UUID) -> MergeRecord:
    """The merge that stands between two persons, both locked; the human is held."""
    locked = await lock_persons(work, canonical_id, duplicate_id)
    await require_visible(work, canonical_id)
    merge = await store.standing_merge_of(work, duplicate_id)
    if merge is None or merge.canonical_person_id != canonical_id:
        raise DomainError("merge-not-found")
    require_held(locked.get(canonical_id), locked.get(duplicate_id))
    return merge


async def _leave(
    work: Work,
    operation: str,
    fact: type[PersonAliasState],
    before: MergeRecord | None,
    after: MergeRecord,
    division_codes: Sequence[str] | None = None,
) -> None:
    """The trail, and a line of evidence for the canonical person, too."""
    leave(
        work,
        operation,
        RESOURCE,
        after.merge_id,
        merge_event(fact, after),
        before=before,
        after=after,
        division_codes=division_codes or await divisions_of(work, after.person_id, after.canonical_person_id),
        related_person_id=after.canonical_person_id,
    )
    work.audit(operation, RESOURCE, after.merge_id, person_id=after.canonical_person_id)


async def _show(work: Work, proposal: Proposal) -> dict[str, Any]:
    """What is proposed; of the papers the kinds, where the client may see them."""
    await require_visible(work, proposal.resource_id)
    unmerges = proposal.act == UNMERGE.name
    content = (ProposedUnmerge if unmerges else ProposedMerge).model_validate_json(proposal.content)
    sight = await sight_of(work, proposal.resource_id, content.duplicate_person_id)
    shown = {
        "duplicate_person_id": str(content.duplicate_person_id),
        "reason": content.reason,
        "evidence_types": _kinds(content.evidence),
    }
    return sight.show_data(MergeView, shown)


def _kinds(evidence: Sequence[Evidence]) -> list[str]:
    return [item.type for item in evidence]


MERGE = TwoPersonAct("person.merge", SCOPE, _merge, _show)
UNMERGE = TwoPersonAct("person.unmerge", SCOPE, _unmerge, _show)
