"""What this service does on its neighbours' events: it mirrors the registry, and nothing yet follows from that."""

from services.chassis.events import EventData
from services.chassis.subscriptions import Subscriptions, many
from services.contracts import registry
from services.points_hukou import store

SUBSCRIPTIONS: Subscriptions = {
    registry.PersonRegistered: many(store.keep_persons),
    registry.PersonCorrected: many(store.keep_persons),
    registry.RelationshipRegistered: many(store.keep_relationships),
    registry.RelationshipEnded: many(store.keep_relationships),
    registry.ResidenceRegistrationRegistered: many(store.keep_registrations),
    registry.ResidenceRegistrationChanged: many(store.keep_registrations),
    registry.ResidenceRegistrationEnded: many(store.keep_registrations),
    registry.ResidencePermitAccepted: many(store.keep_permits),
    registry.ResidencePermitIssued: many(store.keep_permits),
    registry.ResidencePermitEndorsed: many(store.keep_permits),
    registry.ResidencePermitSuspended: many(store.keep_permits),
    registry.ResidencePermitLossReported: many(store.keep_permits),
    registry.ResidencePermitReplaced: many(store.keep_permits),
    registry.ResidencePermitEnded: many(store.keep_permits),
}

UNUSED: dict[type[EventData], str] = {
    registry.ResidencePermitRefused: "a refused application never was a permit and gives no points; its reasons stay with the registry",
}
"""Events of subscribed producers that are passed over on purpose."""
