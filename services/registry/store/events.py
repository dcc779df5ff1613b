"""Records as the events neighbours are told: whole states, without full names, numbers or addresses (architecture §1)."""

from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel

from services.chassis.keyring import Keyring
from services.contracts.registry import (
    DocumentToken,
    EmployerState,
    EmploymentState,
    HistoricalPermitState,
    LandlordState,
    PersonAliasState,
    PersonState,
    PremisesState,
    RelationshipState,
    ResidencePermitState,
    ResidenceRegistrationState,
    ResponsibilityLetterState,
    StayState,
)
from services.registry.rules.person_name import masked_name
from services.registry.schemas.employment.employers import EmployerRecord
from services.registry.schemas.employment.employments import EmploymentRecord
from services.registry.schemas.historical_permits import HistoricalPermitRecord
from services.registry.schemas.homes.landlords import LandlordRecord, LetterRecord
from services.registry.schemas.homes.premises import PremisesRecord
from services.registry.schemas.homes.stays import StayRecord
from services.registry.schemas.merging import MergeRecord
from services.registry.schemas.permit_views import PermitRecord
from services.registry.schemas.person_views import PersonRecord
from services.registry.schemas.registrations import RegistrationRecord
from services.registry.schemas.relationships import RelationshipRecord

PersonEvent = TypeVar("PersonEvent", bound=PersonState)
MergeEvent = TypeVar("MergeEvent", bound=PersonAliasState)
RelationshipEvent = TypeVar("RelationshipEvent", bound=RelationshipState)
RegistrationEvent = TypeVar("RegistrationEvent", bound=ResidenceRegistrationState)
PermitEvent = TypeVar("PermitEvent", bound=ResidencePermitState)
HistoricalEvent = TypeVar("HistoricalEvent", bound=HistoricalPermitState)
PremisesEvent = TypeVar("PremisesEvent", bound=PremisesState)
LandlordEvent = TypeVar("LandlordEvent", bound=LandlordState)
LetterEvent = TypeVar("LetterEvent", bound=ResponsibilityLetterState)
EmployerEvent = TypeVar("EmployerEvent", bound=EmployerState)
EmploymentEvent = TypeVar("EmploymentEvent", bound=EmploymentState)
StayEvent = TypeVar("StayEvent", bound=StayState)


def person_event(fact: type[PersonEvent], keyring: Keyring, record: PersonRecord) -> PersonEvent:
    """What happened to a person; every document under every token key in use."""
    tokens = [
        DocumentToken(document_type=document.type, key_id=key_id, token=token)
        for document in record.identity_documents
        for key_id, token in keyring.document_tokens(document.type, document.normalised_number).items()
    ]
    return fact(
        person_id=record.person_id,
        version=record.version,
        masked_name=masked_name(record.name),
        birth_date=record.birth_date,
        sex_code=record.sex_code,
        hukou_division_code=record.hukou_division_code,
        document_tokens=tuple(sorted(tokens, key=lambda item: (item.document_type, item.key_id, item.token))),
        no_document_reason=record.no_document_reason,
    )


def merge_event(fact: type[MergeEvent], record: MergeRecord) -> MergeEvent:
    """What happened to an id that is, or was, an alias."""
    return fact(**_shared(fact, record))


def relationship_event(fact: type[RelationshipEvent], record: RelationshipRecord) -> RelationshipEvent:
    """What happened to a relationship."""
    return fact(**_shared(fact, record))


def registration_event(fact: type[RegistrationEvent], record: RegistrationRecord) -> RegistrationEvent:
    """What happened to a residence registration."""
    return fact(**_shared(fact, record))


def permit_event(fact: type[PermitEvent], record: PermitRecord) -> PermitEvent:
    """What happened to a residence permit."""
    state = {name: getattr(record, name) for name in fact.model_fields if name != "reason_codes"}
    return fact(**state, reason_codes=tuple(reason.code for reason in record.reasons))


def employer_event(fact: type[EmployerEvent], record: EmployerRecord) -> EmployerEvent:
    """What happened to an employer."""
    return fact(**_shared(fact, record))


def employment_event(fact: type[EmploymentEvent], record: EmploymentRecord) -> EmploymentEvent:
    """What happened to an employment."""
    return fact(**_shared(fact, record))


def historical_permit_event(fact: type[HistoricalEvent], record: HistoricalPermitRecord) -> HistoricalEvent:
    """What happened to the record of an old paper."""
    return fact(**_shared(fact, record))


def premises_event(fact: type[PremisesEvent], record: PremisesRecord) -> PremisesEvent:
    """What happened to a home; of its rooms how many there are."""
    state = {name: getattr(record, name) for name in fact.model_fields if name != "let_rooms"}
    return fact(**state, let_rooms=len(record.let_rooms))


def landlord_event(fact: type[LandlordEvent], record: LandlordRecord) -> LandlordEvent:
    """What happened to a landlord, without what names it."""
    return fact(**{name: getattr(record, name) for name in fact.model_fields})


def letter_event(fact: type[LetterEvent], record: LetterRecord) -> LetterEvent:
    """What happened to a letter of responsibility."""
    return fact(**{name: getattr(record, name) for name in fact.model_fields})


def stay_event(fact: type[StayEvent], record: StayRecord) -> StayEvent:
    """What happened to a stay."""
    return fact(**_shared(fact, record))


def _shared(fact: type[BaseModel], record: BaseModel) -> dict[str, Any]:
    """What the event tells as the record has it: fields of one name."""
    return {name: getattr(record, name) for name in _names(fact)}


@cache
def _names(fact: type[BaseModel]) -> tuple[str, ...]:
    return tuple(fact.model_fields)
