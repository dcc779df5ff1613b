"""Landlords: register, correct, read. A town keeps its own landlords; the same number or person twice in it is a conflict."""

from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.fields import Protection, Sight
from services.chassis.history import VersionView, versions_of
from services.chassis.ids import new_id
from services.chassis.pages import Page
from services.chassis.refusals import invalid, not_found
from services.chassis.work import Work
from services.contracts.registry import LandlordCorrected, LandlordRegistered, LandlordState
from services.registry.actions.divisions import require_own_division
from services.registry.actions.law import LAW
from services.registry.actions.refusals import credit_code_errors, field_error, person_not_found, require_own_id, with_id
from services.registry.actions.sights import record_shown_of_thing, sight_of
from services.registry.actions.trail import leave
from services.registry.rules.citizen_number import RefusedNumber
from services.registry.rules.identity_number import DocumentType, parse_document_number
from services.registry.rules.person_name import RefusedName, parse_name
from services.registry.schemas.fields import FIELDS
from services.registry.schemas.homes.landlords import (
    LandlordCorrection,
    LandlordKind,
    LandlordRecord,
    LandlordRegistration,
    LandlordView,
    PastLandlordView,
)
from services.registry.store.events import landlord_event
from services.registry.store.homes import landlords as store
from services.registry.store.homes.claims import claim
from services.registry.store.persons import lock_persons, number_index

RESOURCE = "landlord"


async def register_landlord(work: Work, body: LandlordRegistration) -> LandlordView:
    """Register a landlord in a division. Raises `DomainError('landlord-exists')`, naming the one that is there."""
    require_own_division(work, body.division_code, "/division_code")
    if body.person_id is not None:
        person = (await lock_persons(work, body.person_id)).get(body.person_id)
        if person is None:
            raise person_not_found("/person_id")
        require_own_id(person)
    name, index = _checked(work, body)
    if index is not None:
        await claim(work, index)  # of somebody on the register the person's own lock keeps the others waiting
    same = await store.same_landlord(work, body.division_code, number_index=index, person_id=body.person_id)
    if same is not None:
        raise DomainError("landlord-exists", extra=with_id("landlord_id", same))
    record = LandlordRecord(
        **body.model_dump(exclude={"name"}),
        name=name,
        landlord_id=new_id(),
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )
    await store.insert_landlord(work, record, index)
    _leave(work, "register", LandlordRegistered, None, record)
    return LandlordView.of(record, await _sight(work, record))


async def correct_landlord(work: Work, landlord_id: UUID, body: LandlordCorrection) -> LandlordView:
    """Correct the phone, or an organisation's name."""
    before = await store.lock_landlord(work, landlord_id)
    if before is None:
        raise not_found("landlord")
    work.expect_version(before.version)
    changes = body.changes()
    errors = []
    if changes.get("phone") is not None and before.person_id is not None:
        zh, en = "该出租人是已登记人员，请在人员信息中更正", "on the register: correct the person's own record"
        errors.append(FieldError("/phone", "of_a_person", zh, en))
    if "organisation_name" in changes and (before.kind is LandlordKind.PERSON or changes["organisation_name"] is None):
        zh, en = "只适用于单位，且不能为空", "an organisation's, and it has one"
        errors.append(FieldError("/organisation_name", "of_an_organisation", zh, en))
    if errors:
        raise invalid(errors)
    after = before.model_copy(update={**changes, "version": before.version + 1, "updated_at": work.now})
    await store.update_landlord(work, after)
    _leave(work, "correct", LandlordCorrected, before, after)
    return await _shown(work, after)


async def read_landlord(work: Work, landlord_id: UUID) -> LandlordView:
    """One landlord."""
    record = await store.find_landlord(work, landlord_id)
    if record is None:
        raise not_found("landlord")
    sight = await _sight(work, record)
    view = LandlordView.of(record, sight)
    work.audit("read", RESOURCE, landlord_id, person_id=record.person_id, fields=sight.shown)
    return view


async def read_landlord_history(
    work: Work, landlord_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[PastLandlordView]]:
    """Versions of a landlord, newest first; none of them remembers a person's name, number or phone."""
    if await store.find_landlord(work, landlord_id) is None:
        raise not_found("landlord")
    work.audit("read_history", RESOURCE, landlord_id)
    return await versions_of(
        work, RESOURCE, landlord_id, record=LandlordRecord, view=PastLandlordView.of, cursor=cursor, limit=limit
    )


def _leave(work: Work, operation: str, fact: type[LandlordState], before: LandlordRecord | None, after: LandlordRecord) -> None:
    event = landlord_event(fact, after)
    codes = (after.division_code,)
    leave(work, operation, RESOURCE, after.landlord_id, event, before=before, after=after, division_codes=codes)


async def _shown(work: Work, record: LandlordRecord) -> LandlordView:
    sight = await _sight(work, record)
    view = LandlordView.of(record, sight)
    record_shown_of_thing(work, RESOURCE, record.landlord_id, sight)
    return view


async def _sight(work: Work, record: LandlordRecord) -> Sight:
    """Somebody who is not on the register lets as a party to contracts, and so is of age."""
    if record.person_id is not None:
        return await sight_of(work, record.person_id)
    return FIELDS.sight(work.principal.scopes, Protection.ADULT)


def _checked(work: Work, body: LandlordRegistration) -> tuple[str | None, bytes | None]:
    """The name as it is kept and the digest of the number; raises with every problem at its field."""
    errors, name, index = [], None, None
    if body.name is not None:
        parsed_name = parse_name(body.name)
        if isinstance(parsed_name, RefusedName):
            errors += [field_error("/name", problem) for problem in parsed_name.problems]
        else:
            name = parsed_name.text
    if body.number is not None and body.document_type is not None:
        parsed = parse_document_number(body.document_type, body.number, today=work.today, divisions=LAW.divisions)
        if isinstance(parsed, RefusedNumber):
            errors += [field_error("/number", problem) for problem in parsed.problems]
        else:
            index = number_index(work.keyring, DocumentType(body.document_type), parsed.number)
    if body.credit_code is not None:
        errors += credit_code_errors(body.credit_code)
        index = work.keyring.blind_index("landlord.credit_code", body.credit_code)
    if errors:
        raise invalid(errors)
    return name, index
