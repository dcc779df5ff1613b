"""What this service does on its neighbours' events: it mirrors the registry, and hears its answers to transfers and contests.

Nothing follows from the end of a registration or a permit but its mirror, so nothing does from an end that a transfer of this
service caused (`end_caused_by`).
"""

from services.chassis.events import EventData
from services.chassis.subscriptions import Subscriptions, many
from services.contracts import registry
from services.points_hukou.actions import forgetting, merging, transfer_answers
from services.points_hukou.actions.evidence import registry_contests
from services.points_hukou.store import mirrors

SUBSCRIPTIONS: Subscriptions = {
    registry.PersonRegistered: many(mirrors.keep_persons),
    registry.PersonCorrected: many(mirrors.keep_persons),
    registry.PersonTokensRenewed: many(mirrors.keep_persons),
    registry.PersonDeleted: many(forgetting.forget_persons),
    registry.PersonMerged: many(merging.keep_aliases),
    registry.PersonUnmerged: many(merging.keep_aliases),
    registry.RelationshipRegistered: many(mirrors.RELATIONSHIPS.keep),
    registry.RelationshipEnded: many(mirrors.RELATIONSHIPS.keep),
    registry.ResidenceRegistrationRegistered: many(mirrors.REGISTRATIONS.keep),
    registry.ResidenceRegistrationChanged: many(mirrors.REGISTRATIONS.keep),
    registry.ResidenceRegistrationEnded: many(mirrors.REGISTRATIONS.keep),
    registry.ResidencePermitAccepted: many(mirrors.PERMITS.keep),
    registry.ResidencePermitIssued: many(mirrors.PERMITS.keep),
    registry.ResidencePermitEndorsed: many(mirrors.PERMITS.keep),
    registry.ResidencePermitSuspended: many(mirrors.PERMITS.keep),
    registry.ResidencePermitLossReported: many(mirrors.PERMITS.keep),
    registry.ResidencePermitReplaced: many(mirrors.PERMITS.keep),
    registry.ResidencePermitEnded: many(mirrors.PERMITS.keep),
    registry.EmploymentStarted: many(mirrors.EMPLOYMENTS.keep),
    registry.EmploymentChanged: many(mirrors.EMPLOYMENTS.keep),
    registry.EmploymentEnded: many(mirrors.EMPLOYMENTS.keep),
    registry.HouseholdTransferApplied: many(transfer_answers.close),
    registry.HouseholdTransferRejected: many(transfer_answers.give_back),
    registry.CorrectionAnswered: many(registry_contests.take_answers),
}

UNUSED: dict[type[EventData], str] = {
    registry.EmployerRegistered: "points follow who works, not for whom",
    registry.EmployerChanged: "points follow who works, not for whom",
    registry.EmployerEnded: "points follow who works, not for whom",
    registry.PremisesRegistered: "where homes are let gives nobody points",
    registry.PremisesChanged: "where homes are let gives nobody points",
    registry.PremisesEnded: "where homes are let gives nobody points",
    registry.LandlordRegistered: "who lets homes gives nobody points",
    registry.LandlordCorrected: "who lets homes gives nobody points",
    registry.ResponsibilityLetterSigned: "a landlord's letter gives nobody points; the rate of letters is the registry's own",
    registry.ResponsibilityLetterEnded: "as above",
    registry.StayStarted: "points follow the registration, not the book of guests",
    registry.StayEnded: "points follow the registration, not the book of guests",
    registry.ResidencePermitRefused: "a refused application is no permit and gives no points; the reasons stay there",
    registry.HistoricalPermitRecorded: "a permit's `residence_years_from` has old papers in it already",
    registry.HistoricalPermitAnnulled: "as above",
    registry.RestrictionImposed: "somebody restricted has left; what is kept here is only stored, and no score is asked for",
    registry.RestrictionLifted: "as above",
    registry.NoticeRequested: "for whoever owns SMS and letters, outside the suite; a request changes no score",
}
"""Events of subscribed producers that are passed over on purpose."""
