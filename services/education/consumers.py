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
    registry.PersonMerged: many(mirrors.ALIASES.keep),
    registry.PersonUnmerged: many(mirrors.ALIASES.keep),
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
}

_NOT_ASKED = "no condition of admission asks for it (EDU-21 to EDU-24)"
_OUTSIDE = "for schools' own systems and whoever shows families what is to be had, outside the suite"

UNUSED: dict[type[EventData], str] = {
    **{event: _NOT_ASKED for event in registry.EVENTS if event not in SUBSCRIPTIONS},
    **dict.fromkeys(education.EVENTS, _OUTSIDE),
}
"""Events of subscribed producers that are passed over on purpose, and this service's own that no neighbour follows."""
