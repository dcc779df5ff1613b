"""What the registry tells its neighbours: persons and what is about them, employers, homes.

Every event carries the whole state its subject has *after* the fact, so a mirror is an upsert and a snapshot is a list of the
same events. What is about a person keeps order per `person_id`, everything else per its own id. They never carry a full name,
an identity or card number, a phone or an address (architecture §1). Codes are national codes (policy `codes.md`), dates are law
dates in Asia/Shanghai.
"""

from services.chassis.events import EventData
from services.contracts.registry import (
    corrections,
    employment,
    historical_permits,
    homes,
    household_transfers,
    merging,
    notices,
    people,
    restrictions,
)
from services.contracts.registry.about import AboutPerson
from services.contracts.registry.corrections import CorrectionAnswered
from services.contracts.registry.employment import (
    EmployerChanged,
    EmployerEnded,
    EmployerRegistered,
    EmployerState,
    EmploymentChanged,
    EmploymentEnded,
    EmploymentStarted,
    EmploymentState,
)
from services.contracts.registry.historical_permits import (
    HistoricalPermitAnnulled,
    HistoricalPermitRecorded,
    HistoricalPermitState,
)
from services.contracts.registry.homes import (
    LandlordCorrected,
    LandlordRegistered,
    LandlordState,
    PremisesChanged,
    PremisesEnded,
    PremisesRegistered,
    PremisesState,
    ResponsibilityLetterEnded,
    ResponsibilityLetterSigned,
    ResponsibilityLetterState,
    StayEnded,
    StayStarted,
    StayState,
)
from services.contracts.registry.household_transfers import (
    HouseholdTransferAnswer,
    HouseholdTransferApplied,
    HouseholdTransferRejected,
    RejectionReason,
)
from services.contracts.registry.merging import PersonAliasState, PersonMerged, PersonUnmerged
from services.contracts.registry.notices import NoticeRequested
from services.contracts.registry.people import (
    DocumentToken,
    PersonCorrected,
    PersonDeleted,
    PersonRegistered,
    PersonState,
    PersonTokensRenewed,
    RelationshipEnded,
    RelationshipRegistered,
    RelationshipState,
    ResidencePermitAccepted,
    ResidencePermitEnded,
    ResidencePermitEndorsed,
    ResidencePermitIssued,
    ResidencePermitLossReported,
    ResidencePermitRefused,
    ResidencePermitReplaced,
    ResidencePermitState,
    ResidencePermitSuspended,
    ResidenceRegistrationChanged,
    ResidenceRegistrationEnded,
    ResidenceRegistrationRegistered,
    ResidenceRegistrationState,
)
from services.contracts.registry.restrictions import RestrictionImposed, RestrictionLifted, RestrictionState

EVENTS: tuple[type[EventData], ...] = (
    *people.EVENTS,
    *merging.EVENTS,
    *employment.EVENTS,
    *homes.EVENTS,
    *notices.EVENTS,
    *historical_permits.EVENTS,
    *restrictions.EVENTS,
    *household_transfers.EVENTS,
    *corrections.EVENTS,
)
"""Everything the registry publishes."""

__all__ = [
    "EVENTS",
    "AboutPerson",
    "CorrectionAnswered",
    "DocumentToken",
    "EmployerChanged",
    "EmployerEnded",
    "EmployerRegistered",
    "EmployerState",
    "EmploymentChanged",
    "EmploymentEnded",
    "EmploymentStarted",
    "EmploymentState",
    "HistoricalPermitAnnulled",
    "HistoricalPermitRecorded",
    "HistoricalPermitState",
    "HouseholdTransferAnswer",
    "HouseholdTransferApplied",
    "HouseholdTransferRejected",
    "LandlordCorrected",
    "LandlordRegistered",
    "LandlordState",
    "NoticeRequested",
    "PersonAliasState",
    "PersonCorrected",
    "PersonDeleted",
    "PersonMerged",
    "PersonRegistered",
    "PersonState",
    "PersonTokensRenewed",
    "PersonUnmerged",
    "PremisesChanged",
    "PremisesEnded",
    "PremisesRegistered",
    "PremisesState",
    "RejectionReason",
    "RelationshipEnded",
    "RelationshipRegistered",
    "RelationshipState",
    "ResidencePermitAccepted",
    "ResidencePermitEnded",
    "ResidencePermitEndorsed",
    "ResidencePermitIssued",
    "ResidencePermitLossReported",
    "ResidencePermitRefused",
    "ResidencePermitReplaced",
    "ResidencePermitState",
    "ResidencePermitSuspended",
    "ResidenceRegistrationChanged",
    "ResidenceRegistrationEnded",
    "ResidenceRegistrationRegistered",
    "ResidenceRegistrationState",
    "ResponsibilityLetterEnded",
    "ResponsibilityLetterSigned",
    "ResponsibilityLetterState",
    "RestrictionImposed",
    "RestrictionLifted",
    "RestrictionState",
    "StayEnded",
    "StayStarted",
    "StayState",
]
