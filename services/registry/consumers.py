"""What the registry does on its neighbours' events: nothing yet follows from any."""

from services.chassis.events import EventData
from services.contracts import points_hukou

UNUSED: dict[type[EventData], str] = {
    points_hukou.RuleSetPutInForce: "for outside followers; which rules count points changes nobody's registration or permit",
    points_hukou.RuleSetTakenOutOfForce: "as above",
    points_hukou.EvidenceRecorded: "for the halls where people apply, outside the suite; what others say changes no register",
    points_hukou.EvidenceWithdrawn: "as above",
    points_hukou.EvidenceContestOpened: "for the office that gave the fact, outside the suite",
    points_hukou.EvidenceContestAnswered: "for the hall that brought the contest, and tells the person",
    points_hukou.EvidenceContestOverdue: "for the office, the hall, and whoever supervises offices",
    points_hukou.ApplicationReceived: "for outside followers; that somebody applies for points changes nothing here",
    points_hukou.ApplicationScored: "as above",
    points_hukou.ApplicationRecheckAsked: "as above",
    points_hukou.ApplicationConfirmed: "as above",
    points_hukou.ApplicationWithdrawn: "as above",
    points_hukou.ApplicationOverdue: "as above",
    points_hukou.RoundOpened: "for whoever announces rounds, outside the suite; a ranking changes no register",
    points_hukou.RoundPublished: "as above",
    points_hukou.RoundFinished: "as above",
    points_hukou.RoundCancelled: "as above",
}
"""Events of producers in the suite that are passed over on purpose."""
