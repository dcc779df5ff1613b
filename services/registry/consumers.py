"""What the registry does on its neighbours' events: nothing yet follows from any."""

from services.chassis.events import EventData
from services.contracts import points_hukou

UNUSED: dict[type[EventData], str] = {
    points_hukou.RuleSetPutInForce: "for outside followers; which rules count points changes nobody's registration or permit",
    points_hukou.RuleSetTakenOutOfForce: "as above",
}
"""Events of producers in the suite that are passed over on purpose."""
