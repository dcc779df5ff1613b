"""What this service does on its neighbours' events: it mirrors of the registry what eligibility is judged by."""

from services.chassis.events import EventData
from services.chassis.subscriptions import Subscriptions, many
from services.contracts import education, registry
from services.education.store import mirrors

SUBSCRIPTIONS: Subscriptions = {
    registry.PersonRegistered: many(mirrors.keep_persons),
    registry.PersonCorrected: many(mirrors.keep_persons),
    registry.PersonTokensRenewed: many(mirrors.keep_persons),
    registry.PersonDeleted: many(mirrors.forget_persons),
    registry.PersonMerged: many(mirrors.keep_aliases),
    registry.PersonUnmerged: many(mirrors.keep_aliases),
    registry.RelationshipRegistered: many(mirrors.keep_relationships),
    registry.RelationshipEnded: many(mirrors.keep_relationships),
    registry.ResidenceRegistrationRegistered: many(mirrors.keep_registrations),
    registry.ResidenceRegistrationChanged: many(mirrors.keep_registrations),
    registry.ResidenceRegistrationEnded: many(mirrors.keep_registrations),
    registry.ResidencePermitAccepted: many(mirrors.keep_permits),
    registry.ResidencePermitIssued: many(mirrors.keep_permits),
    registry.ResidencePermitEndorsed: many(mirrors.keep_permits),
    registry.ResidencePermitSuspended: many(mirrors.keep_permits),
    registry.ResidencePermitLossReported: many(mirrors.keep_permits),
    registry.ResidencePermitReplaced: many(mirrors.keep_permits),
    registry.ResidencePermitEnded: many(mirrors.keep_permits),
    registry.EmploymentStarted: many(mirrors.keep_employments),
    registry.EmploymentChanged: many(mirrors.keep_employments),
    registry.EmploymentEnded: many(mirrors.keep_employments),
}

_NOT_ASKED = "no condition of admission asks for it (EDU-21 to EDU-24)"
_OUTSIDE = "for schools' own systems and whoever shows families what is to be had, outside the suite"

UNUSED: dict[type[EventData], str] = {
    **{event: _NOT_ASKED for event in registry.EVENTS if event not in SUBSCRIPTIONS},
    **dict.fromkeys(education.EVENTS, _OUTSIDE),
}
"""Events of subscribed producers that are passed over on purpose, and this service's own that no neighbour follows."""
