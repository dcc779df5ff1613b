"""What is told of persons at present, as events: evidence, open contests, applications, transfers; persons in pages."""

from collections.abc import AsyncIterator
from uuid import UUID

from services.chassis.db import Transaction, prepare
from services.chassis.events import EventData
from services.contracts.points_hukou import (
    ApplicationConfirmed,
    ApplicationConflictOpened,
    ApplicationReceived,
    ApplicationRecheckAsked,
    ApplicationScored,
    ApplicationState,
    ApplicationWithdrawn,
    EvidenceContestOpened,
    EvidenceRecorded,
    HouseholdTransferApproved,
    HouseholdTransferClosed,
    HouseholdTransferCompleted,
    HouseholdTransferConflictOpened,
    HouseholdTransferOpened,
    HouseholdTransferReturned,
    HouseholdTransferState,
    HouseholdTransferWithdrawn,
    RegistryContestOpened,
)

_PAGE = 500

_PERSONS = prepare(
    """
    SELECT person_id FROM (
        SELECT person_id FROM evidence WHERE status = 'current' UNION SELECT person_id FROM application
        UNION SELECT person_id FROM application_conflict UNION SELECT person_id FROM household_transfer
        UNION SELECT person_id FROM household_transfer_conflict
        UNION SELECT person_id FROM registry_contest WHERE status = 'open'
    ) told WHERE CAST(:after AS uuid) IS NULL OR person_id > :after
    ORDER BY person_id LIMIT CAST(:limit AS integer)
    """
)
_EVIDENCE = prepare(
    """
    SELECT person_id, version, evidence_id, rule_set, fact, organisation, reliability, status, as_of, valid_from, valid_until,
        CAST(NULL AS uuid) AS supersedes
    FROM evidence WHERE status = 'current' AND person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY evidence_id
    """
)
_CONTESTS = prepare(
    """
    SELECT person_id, version, contest_id, evidence_id, rule_set, fact, organisation, status, opened_on, due_on,
        is_due_provisional, decided_on, corrected_by
    FROM evidence_contest WHERE status = 'open' AND person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY contest_id
    """
)
_APPLICATIONS = prepare(
    """
    SELECT person_id, application_id, version, purpose, division_code, rule_set_id, status, applied_on, due_on
    FROM application WHERE person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY application_id
    """
)
_APPLICATION_CONFLICTS = prepare(
    """
    SELECT person_id, conflict_id, purpose, application_id, other_application_id, opened_on FROM application_conflict
    WHERE person_id = ANY (CAST(:person_ids AS uuid[])) AND is_application_conflict_open(conflict_id) ORDER BY conflict_id
    """
)
_REGISTRY_CONTESTS = prepare(
    """
    SELECT person_id, contest_id, version, field, division_code, status, opened_on, due_on, decided_on FROM registry_contest
    WHERE status = 'open' AND person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY contest_id
    """
)
# A request that waits is told with the version that was asked: the registry's answer names it.
_TRANSFERS = prepare(
    """
    SELECT person_id, transfer_id, CASE WHEN status = 'completed' THEN asked_version ELSE version END AS version, division_code,
        hukou_division_code, status, entered_on, due_on
    FROM household_transfer WHERE person_id = ANY (CAST(:person_ids AS uuid[])) ORDER BY transfer_id
    """
)
_TRANSFER_CONFLICTS = prepare(
    """
    SELECT person_id, conflict_id, transfer_id, other_transfer_id, opened_on FROM household_transfer_conflict
    WHERE person_id = ANY (CAST(:person_ids AS uuid[])) AND is_transfer_conflict_open(conflict_id) ORDER BY conflict_id
    """
)
_TRANSFER_FACTS: dict[str, type[HouseholdTransferState]] = {
    "opened": HouseholdTransferOpened,
    "approved": HouseholdTransferApproved,
    "completed": HouseholdTransferCompleted,
    "returned": HouseholdTransferReturned,
    "closed": HouseholdTransferClosed,
    "withdrawn": HouseholdTransferWithdrawn,
}
_FACTS: dict[str, type[ApplicationState]] = {
    "received": ApplicationReceived,
    "scored": ApplicationScored,
    "in_recheck": ApplicationRecheckAsked,
    "confirmed": ApplicationConfirmed,
    "withdrawn": ApplicationWithdrawn,
}


async def persons_told(tx: Transaction) -> AsyncIterator[tuple[UUID, list[EventData]]]:
    """Of each person, under the id it was given."""
    after: UUID | None = None
    while person_ids := [row["person_id"] for row in await tx.fetch(_PERSONS, after=after, limit=_PAGE)]:
        told: dict[UUID, list[EventData]] = {person_id: [] for person_id in person_ids}
        for row in await tx.fetch(_EVIDENCE, person_ids=person_ids):
            told[row["person_id"]].append(EvidenceRecorded.model_validate(dict(row.items())))
        for row in await tx.fetch(_CONTESTS, person_ids=person_ids):
            told[row["person_id"]].append(EvidenceContestOpened.model_validate(dict(row.items())))
        for row in await tx.fetch(_APPLICATIONS, person_ids=person_ids):
            told[row["person_id"]].append(_FACTS[row["status"]].model_validate(dict(row.items())))
        for row in await tx.fetch(_APPLICATION_CONFLICTS, person_ids=person_ids):
            told[row["person_id"]].append(ApplicationConflictOpened.model_validate(dict(row.items())))
        for row in await tx.fetch(_REGISTRY_CONTESTS, person_ids=person_ids):
            told[row["person_id"]].append(RegistryContestOpened.model_validate(dict(row.items())))
        for row in await tx.fetch(_TRANSFERS, person_ids=person_ids):
            told[row["person_id"]].append(_TRANSFER_FACTS[row["status"]].model_validate(dict(row.items())))
        for row in await tx.fetch(_TRANSFER_CONFLICTS, person_ids=person_ids):
            told[row["person_id"]].append(HouseholdTransferConflictOpened.model_validate(dict(row.items())))
        for person_id, states in told.items():
            yield person_id, states
        after = person_ids[-1]
