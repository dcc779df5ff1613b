"""What points_hukou tells its neighbours and followers: which rules are in force where, where applications and
transfers of household registration stand, that evidence was given or contested.

Every event carries the whole state its subject has *after* the fact. What is about a person keeps order per `person_id`,
everything else per its own id. Dates are law dates in Asia/Shanghai; no score, no value of a fact and no name of anybody
travels.
"""

from services.chassis.events import EventData
from services.contracts.points_hukou import (
    applications,
    evidence,
    household_transfers,
    registry_contests,
    rounds,
    rule_sets,
)
from services.contracts.points_hukou.applications import (
    ApplicationConfirmed,
    ApplicationConflictOpened,
    ApplicationOverdue,
    ApplicationReceived,
    ApplicationRecheckAsked,
    ApplicationScored,
    ApplicationState,
    ApplicationWithdrawn,
)
from services.contracts.points_hukou.evidence import (
    EvidenceContestAnswered,
    EvidenceContestOpened,
    EvidenceContestOverdue,
    EvidenceContestState,
    EvidenceRecorded,
    EvidenceState,
    EvidenceWithdrawn,
)
from services.contracts.points_hukou.household_transfers import (
    HouseholdTransferApproved,
    HouseholdTransferClosed,
    HouseholdTransferCompleted,
    HouseholdTransferConflictOpened,
    HouseholdTransferOpened,
    HouseholdTransferOverdue,
    HouseholdTransferReturned,
    HouseholdTransferState,
    HouseholdTransferWithdrawn,
)
from services.contracts.points_hukou.registry_contests import (
    RegistryContestAnswered,
    RegistryContestOpened,
    RegistryContestOverdue,
    RegistryContestState,
)
from services.contracts.points_hukou.rounds import (
    RoundCancelled,
    RoundFinished,
    RoundObjectionOverdue,
    RoundOpened,
    RoundPlaceLowered,
    RoundPublished,
    RoundState,
)
from services.contracts.points_hukou.rule_sets import RuleSetInForceState, RuleSetPutInForce, RuleSetTakenOutOfForce

EVENTS: tuple[type[EventData], ...] = (
    *rule_sets.EVENTS,
    *evidence.EVENTS,
    *registry_contests.EVENTS,
    *applications.EVENTS,
    *rounds.EVENTS,
    *household_transfers.EVENTS,
)
"""Everything points_hukou publishes."""

__all__ = [
    "EVENTS",
    "ApplicationConfirmed",
    "ApplicationConflictOpened",
    "ApplicationOverdue",
    "ApplicationReceived",
    "ApplicationRecheckAsked",
    "ApplicationScored",
    "ApplicationState",
    "ApplicationWithdrawn",
    "EvidenceContestAnswered",
    "EvidenceContestOpened",
    "EvidenceContestOverdue",
    "EvidenceContestState",
    "EvidenceRecorded",
    "EvidenceState",
    "EvidenceWithdrawn",
    "HouseholdTransferApproved",
    "HouseholdTransferClosed",
    "HouseholdTransferCompleted",
    "HouseholdTransferConflictOpened",
    "HouseholdTransferOpened",
    "HouseholdTransferOverdue",
    "HouseholdTransferReturned",
    "HouseholdTransferState",
    "HouseholdTransferWithdrawn",
    "RegistryContestAnswered",
    "RegistryContestOpened",
    "RegistryContestOverdue",
    "RegistryContestState",
    "RoundCancelled",
    "RoundFinished",
    "RoundObjectionOverdue",
    "RoundOpened",
    "RoundPlaceLowered",
    "RoundPublished",
    "RoundState",
    "RuleSetInForceState",
    "RuleSetPutInForce",
    "RuleSetTakenOutOfForce",
]
