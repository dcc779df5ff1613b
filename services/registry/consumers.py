"""What the registry does on its neighbours' events: who became local hukou needs no registration and no permit any more; what
somebody says is wrong in the register is looked into.
"""

from services.chassis.events import EventData
from services.chassis.subscriptions import Subscriptions, each
from services.contracts import points_hukou
from services.registry.actions.contested_facts import open_correction
from services.registry.actions.household_transfers import apply_transfer

SUBSCRIPTIONS: Subscriptions = {
    points_hukou.HouseholdTransferCompleted: each(apply_transfer),
    points_hukou.RegistryContestOpened: each(open_correction),
}

UNUSED: dict[type[EventData], str] = {
    points_hukou.RuleSetPutInForce: "for outside followers; which rules count points changes nobody's registration or permit",
    points_hukou.RuleSetTakenOutOfForce: "as above",
    points_hukou.EvidenceRecorded: "for the halls where people apply, outside the suite; what others say changes no register",
    points_hukou.EvidenceWithdrawn: "as above",
    points_hukou.EvidenceContestOpened: "for the office that gave the fact, outside the suite",
    points_hukou.EvidenceContestAnswered: "for the hall that brought the contest, and tells the person",
    points_hukou.EvidenceContestOverdue: "for the office, the hall, and whoever supervises offices",
    points_hukou.RegistryContestAnswered: "the answer was this service's own",
    points_hukou.RegistryContestOverdue: "for the office that brought the contest; the request has a clock of its own here",
    points_hukou.ApplicationReceived: "for outside followers; that somebody applies for points changes nothing here",
    points_hukou.ApplicationScored: "as above",
    points_hukou.ApplicationRecheckAsked: "as above",
    points_hukou.ApplicationConfirmed: "as above",
    points_hukou.ApplicationWithdrawn: "as above",
    points_hukou.ApplicationOverdue: "as above",
    points_hukou.ApplicationConflictOpened: "for the offices that have the two applications; who is who was decided here",
    points_hukou.RoundOpened: "for whoever announces rounds, outside the suite; a ranking changes no register",
    points_hukou.RoundPublished: "as above",
    points_hukou.RoundFinished: "as above",
    points_hukou.RoundCancelled: "as above",
    points_hukou.RoundObjectionOverdue: "for the office that runs the round, and whoever supervises offices",
    points_hukou.RoundPlaceLowered: "as above",
    points_hukou.HouseholdTransferOpened: "for outside followers; only the confirmed entry ends anything here",
    points_hukou.HouseholdTransferApproved: "as above",
    points_hukou.HouseholdTransferReturned: "for the office that has the case; the refusal was this service's own",
    points_hukou.HouseholdTransferClosed: "for outside followers, who tell the person",
    points_hukou.HouseholdTransferWithdrawn: "as above",
    points_hukou.HouseholdTransferConflictOpened: "for the offices that have the two cases; who is who was decided here",
    points_hukou.HouseholdTransferOverdue: "for the office that has the case, and whoever supervises offices",
}
"""Events of producers in the suite that are passed over on purpose."""
