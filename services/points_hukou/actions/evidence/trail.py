"""What every act about evidence leaves behind: the event, a version, a line of evidence. Names of facts, never values."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel

from services.chassis.records import changed_fields
from services.chassis.work import Work
from services.contracts.points_hukou import EvidenceContestState, EvidenceState
from services.points_hukou.schemas.contests import ContestRecord
from services.points_hukou.schemas.evidence import EvidenceRecord

EVIDENCE, CONTEST = "evidence", "evidence_contest"

EventT = TypeVar("EventT", EvidenceState, EvidenceContestState)


def leave_evidence(
    work: Work,
    operation: str,
    event: type[EvidenceState] | None,
    before: EvidenceRecord | None,
    after: EvidenceRecord,
    *,
    supersedes: UUID | None = None,
    division_codes: Sequence[str] = (),
) -> None:
    """Of one evidence; that it was superseded is told by what superseded it."""
    if event is not None:
        work.emit(_event(event, after, supersedes=supersedes), division_codes=division_codes)
    _remember(work, operation, EVIDENCE, after.evidence_id, before, after)


def leave_contest(
    work: Work,
    operation: str,
    event: type[EvidenceContestState] | None,
    before: ContestRecord | None,
    after: ContestRecord,
    *,
    division_codes: Sequence[str] = (),
) -> None:
    """Of a contest."""
    if event is not None:
        work.emit(_event(event, after), division_codes=division_codes)
    _remember(work, operation, CONTEST, after.contest_id, before, after)


def _event(event: type[EventT], record: BaseModel, **more: UUID | None) -> EventT:
    state = {name: value for name, value in record.__dict__.items() if name in event.model_fields}
    return event(**state, **more)


def _remember(
    work: Work,
    operation: str,
    resource: str,
    resource_id: UUID,
    before: EvidenceRecord | ContestRecord | None,
    after: EvidenceRecord | ContestRecord,
) -> None:
    changed = changed_fields(before, after)
    work.remember(resource, resource_id, after.version, snapshot=after, changed=changed, person_id=after.person_id)
    work.audit(operation, resource, resource_id, person_id=after.person_id, fields=changed)
