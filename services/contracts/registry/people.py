"""Persons, relationships, residence registrations and residence permits: events that keep order per `person_id`."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.chassis.events import EventData
from services.contracts.registry.about import AboutPerson


class DocumentToken(BaseModel):
    """An identity document as a keyed digest: equal documents have equal tokens under the same `key_id`, and nothing else
    shows.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    document_type: str = Field(description="`citizen_id`, `passport`, … as registered.")
    key_id: str = Field(description="Which suite key made the token; a rotation publishes tokens of the old and the new key.")
    token: str = Field(description="HMAC-SHA-256 of type and normalised number, hexadecimal.")


class PersonState(AboutPerson):
    """A person as neighbours may know them."""

    suite_only: ClassVar[frozenset[str]] = frozenset({"document_tokens"})
    birth_date_field: ClassVar[str | None] = "birth_date"

    masked_name: str = Field(description="Name masked for display; never a key.")
    birth_date: date
    sex_code: str = Field(description="GB/T 2261.1.")
    hukou_division_code: str | None = Field(description="GB/T 2260 code of the household registration, where known.")
    document_tokens: tuple[DocumentToken, ...] = Field(description="Current identity documents, sorted by type and token.")
    no_document_reason: str | None = Field(description="`newborn`, `lost` or `never_issued` when there is no document.")


class PersonRegistered(PersonState):
    """A person entered the register."""

    event_type: ClassVar[str] = "registry.person.registered.v1"


class PersonCorrected(PersonState):
    """Data or documents of a person were corrected or added."""

    event_type: ClassVar[str] = "registry.person.corrected.v1"


class PersonTokensRenewed(PersonState):
    """The tokens of a person's documents were made under another key of the suite; nothing about the person changed.

    Told to the services of the suite alone, which are the only ones that have the key.
    """

    event_type: ClassVar[str] = "registry.person.tokens_renewed.v1"


class PersonDeleted(AboutPerson):
    """Everything kept of the person was deleted by law; whoever mirrors it deletes its own, for good."""

    event_type: ClassVar[str] = "registry.person.deleted.v1"

    deleted_on: date = Field(description="Law date of the deletion.")


class RelationshipState(AboutPerson):
    """`related_person_id` is the `kind` (parent, guardian, spouse, sibling) of `person_id`."""

    relationship_id: UUID
    related_person_id: UUID
    kind: str
    valid_from: date
    ended_on: date | None = Field(description="First day on which it no longer holds.")
    end_reason: str | None


class RelationshipRegistered(RelationshipState):
    """A relationship between two persons was registered."""

    event_type: ClassVar[str] = "registry.relationship.registered.v1"


class RelationshipEnded(RelationshipState):
    """A relationship ended or was found to be wrong."""

    event_type: ClassVar[str] = "registry.relationship.ended.v1"


class ResidenceRegistrationState(AboutPerson):
    """Where a person lives, down to the division; the address stays in the registry."""

    registration_id: UUID
    status: Literal["current", "ended"]
    division_code: str = Field(description="Division of residence: county (6 digits), township (9) or village (12).")
    residence_kind: str
    registered_on: date = Field(description="Law date on which it was registered.")
    started_on: date = Field(description="Day from which the person lives there, as reported.")
    residence_since: date = Field(description="Start of continuous registered residence in the city (RR-10, RR-21).")
    ended_on: date | None
    end_reason: str | None


class ResidenceRegistrationRegistered(ResidenceRegistrationState):
    """A person registered residence."""

    event_type: ClassVar[str] = "registry.residence_registration.registered.v1"


class ResidenceRegistrationChanged(ResidenceRegistrationState):
    """The address changed within the same registration."""

    event_type: ClassVar[str] = "registry.residence_registration.changed.v1"


class ResidenceRegistrationEnded(ResidenceRegistrationState):
    """The person no longer lives there, or needs no registration any more."""

    event_type: ClassVar[str] = "registry.residence_registration.ended.v1"

    end_caused_by: UUID | None = Field(None, description="Id of a neighbour's event that ended it, where one did.")


class ResidencePermitState(AboutPerson):
    """A residence permit, from application to end."""

    permit_id: UUID
    status: Literal["refused", "accepted", "withdrawn", "valid", "suspended", "ended"]
    ground: str = Field(description="`employment`, `home` or `study` (RR-20).")
    regime: str = Field(description="Legal regime the application was decided under, e.g. `zj-2016`.")
    division_code: str | None = Field(description="Division of the registration it rests on.")
    applied_on: date
    accepted_on: date | None
    due_on: date | None = Field(description="Last day for issuing it (RR-26).")
    issued_on: date | None
    endorsement_anchor_on: date | None = Field(description="Day whose anniversaries end the permit's years (RR-30).")
    endorsement_from: date | None = Field(description="First day of the coming endorsement window.")
    endorsement_until: date | None = Field(
        description="Last day of the coming endorsement window; the day after, it is suspended."
    )
    residence_years_from: date | None = Field(description="Day from which residence years count as continuous (RR-32).")
    suspended_on: date | None = Field(description="First day without function, while suspended (RR-31).")
    lost_on: date | None = Field(description="Day the card was reported lost, until it is replaced.")
    ended_on: date | None
    end_reason: str | None
    reason_codes: tuple[str, ...] = Field(description="Codes of the reasons of a refusal; empty otherwise.")


class ResidencePermitAccepted(ResidencePermitState):
    """A complete application was accepted (RR-27)."""

    event_type: ClassVar[str] = "registry.residence_permit.accepted.v1"


class ResidencePermitRefused(ResidencePermitState):
    """An application was refused, with every reason."""

    event_type: ClassVar[str] = "registry.residence_permit.refused.v1"


class ResidencePermitIssued(ResidencePermitState):
    """The permit was issued."""

    event_type: ClassVar[str] = "registry.residence_permit.issued.v1"


class ResidencePermitEndorsed(ResidencePermitState):
    """The permit was endorsed, in time or late; late, residence years restart (RR-32)."""

    event_type: ClassVar[str] = "registry.residence_permit.endorsed.v1"


class ResidencePermitSuspended(ResidencePermitState):
    """The permit's function is suspended: the window passed without endorsement, or an officer suspended it."""

    event_type: ClassVar[str] = "registry.residence_permit.suspended.v1"


class ResidencePermitLossReported(ResidencePermitState):
    """The holder reported the card lost or damaged."""

    event_type: ClassVar[str] = "registry.residence_permit.loss_reported.v1"


class ResidencePermitReplaced(ResidencePermitState):
    """A new card was issued for the same permit, with the same years (RR-34)."""

    event_type: ClassVar[str] = "registry.residence_permit.replaced.v1"


class ResidencePermitEnded(ResidencePermitState):
    """The permit ended (RR-37), or its application was withdrawn before anything was issued (`status` tells)."""

    event_type: ClassVar[str] = "registry.residence_permit.ended.v1"

    end_caused_by: UUID | None = Field(None, description="Id of a neighbour's event that ended it, where one did.")


EVENTS: tuple[type[EventData], ...] = (
    PersonRegistered,
    PersonCorrected,
    PersonTokensRenewed,
    PersonDeleted,
    RelationshipRegistered,
    RelationshipEnded,
    ResidenceRegistrationRegistered,
    ResidenceRegistrationChanged,
    ResidenceRegistrationEnded,
    ResidencePermitAccepted,
    ResidencePermitRefused,
    ResidencePermitIssued,
    ResidencePermitEndorsed,
    ResidencePermitSuspended,
    ResidencePermitLossReported,
    ResidencePermitReplaced,
    ResidencePermitEnded,
)
