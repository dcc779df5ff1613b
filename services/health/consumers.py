"""What this service does on its neighbours' events: it mirrors who lives where in the registry, and forecasts anew what follows
from it. Nothing moves a card out by itself: that a registration ended is for the unit to look at (IMM-55).
"""

from services.chassis.events import EventData
from services.chassis.subscriptions import Subscriptions, many
from services.contracts import health, registry
from services.health.actions import hearing
from services.health.store import mirrors

SUBSCRIPTIONS: Subscriptions = {
    registry.PersonRegistered: many(hearing.keep_persons),
    registry.PersonCorrected: many(hearing.keep_persons),
    registry.PersonTokensRenewed: many(hearing.keep_persons),
    registry.PersonDeleted: many(hearing.forget_persons),
    registry.PersonMerged: many(hearing.keep_aliases),
    registry.PersonUnmerged: many(hearing.keep_aliases),
    registry.ResidenceRegistrationRegistered: many(mirrors.REGISTRATIONS.keep),
    registry.ResidenceRegistrationChanged: many(mirrors.REGISTRATIONS.keep),
    registry.ResidenceRegistrationEnded: many(mirrors.REGISTRATIONS.keep),
}

_NOT_OURS = "vaccination follows who lives where, and nothing else of the register"
_OUTSIDE = "for clinics' own systems and whoever reminds guardians, outside the suite"

UNUSED: dict[type[EventData], str] = {
    **{event: _NOT_OURS for event in registry.EVENTS if event not in SUBSCRIPTIONS},
    **dict.fromkeys(health.EVENTS, _OUTSIDE),
}
"""Events of subscribed producers that are passed over on purpose, and this service's own that no neighbour follows."""
