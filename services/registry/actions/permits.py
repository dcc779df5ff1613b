"""Residence permits: apply, read, and what a permit gives."""

from datetime import date
from uuid import UUID

from services.chassis.attachments.references import refer
from services.chassis.errors import DomainError
from services.chassis.history import VersionView, versions_of
from services.chassis.ids import new_id
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.contracts.registry import ResidencePermitAccepted, ResidencePermitRefused
from services.registry.actions.divisions import is_own_division
from services.registry.actions.law import LAW
from services.registry.actions.permit_clock import RESOURCE, as_of, day_for, rules_of, rules_on, save, view_of
from services.registry.actions.person_reading import require_visible
from services.registry.actions.refusals import person_not_found, require_own_id, require_settled, require_uncontested, with_id
from services.registry.actions.sights import sight_of, sight_on
from services.registry.rules.historical_permits import Paper
from services.registry.rules.identity_number import origin_of
from services.registry.rules.permit_states import PermitStatus
from services.registry.rules.residence_counting import resided_since
from services.registry.rules.residence_permit import ApplicationFacts, Assessment, Entitlements
from services.registry.schemas.evidence import attachments_in
from services.registry.schemas.merging import ConflictKind
from services.registry.schemas.permit_views import (
    EntitlementsView,
    EntitlementView,
    PastPermitView,
    PermitRecord,
    PermitSecrets,
    PermitView,
    ReasonView,
)
from services.registry.schemas.permits import PermitApplication
from services.registry.schemas.registrations import RegistrationRecord
from services.registry.store import permits as store
from services.registry.store.historical_permits import papers_on_file
from services.registry.store.persons import LockedPerson, documents_expired_on, lock_persons
from services.registry.store.registrations import Residence, residence_of


async def apply_for_permit(work: Work, body: PermitApplication) -> PermitView:
    """Decide an application on the spot (RR-27). A refusal is a decision like any other: stored, told with every reason
    (RR-24).

    Raises `DomainError('permit-exists')` while the person has an accepted, valid or suspended permit.
    """
    person = (await lock_persons(work, body.person_id)).get(body.person_id)
    if person is None or not person.is_visible:
        raise person_not_found("/person_id")
    require_own_id(person)
    rules = rules_on(work.today)
    if (existing := await store.open_permit_of(work, body.person_id)) is not None:
        raise DomainError("permit-exists", extra=with_id("permit_id", existing.permit_id))
    require_uncontested(person, ConflictKind.CITIZEN_NUMBER)
    residence = await residence_of(work, body.person_id)
    require_settled(residence)
    papers_then = await papers_on_file(work, body.person_id)
    expired_on = await documents_expired_on(work, body.person_id)
    facts = _facts(work, body, person, residence, papers_then, expired_on)
    assessment = rules.assess_application(facts)
    fact = ResidencePermitAccepted if assessment.accepted else ResidencePermitRefused
    earlier = await store.years_counted_from(work, body.person_id)
    record = _decided(work, body, rules.key, facts, assessment, residence)
    if record.residence_start is not None and earlier is not None:
        # Years that restarted stay restarted (RR-32): a surrendered permit does not bring them back with the next one.
        record = record.model_copy(update={"residence_start": max(record.residence_start, earlier)})
    papers = attachments_in(body.evidence)
    await refer(work, papers, resource=RESOURCE, resource_id=record.permit_id, person_ids=(body.person_id,))
    saved = await save(work, "apply", fact, None, record)
    return view_of(saved, work.today, sight_on(work, person.birth_date))


async def read_permit(work: Work, permit_id: UUID) -> PermitView:
    """One permit as it stands today."""
    record = await _visible(work, permit_id)
    sight = await sight_of(work, record.person_id)
    view = view_of(record, work.today, sight)
    work.audit("read", RESOURCE, permit_id, person_id=record.person_id, fields=sight.shown)
    return view


async def read_permits_of(work: Work, person_id: UUID, cursor: str | None, limit: int) -> Page[PermitView]:
    """A person's permits, newest first, refused applications too."""
    sight = sight_on(work, (await require_visible(work, person_id)).birth_date)
    scope = f"permits of {person_id}"
    rows = await store.permits_of(work, person_id, before=after(work.keyring, scope, cursor), limit=limit)
    page = page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: view_of(store.permit_of(work.keyring, row), work.today, sight),
        id_column="permit_id",
    )
    work.audit("read", RESOURCE, None, person_id=person_id, fields=sight.shown, outcome=f"found {len(page.items)}")
    return page


async def read_permit_history(work: Work, permit_id: UUID, cursor: str | None, limit: int) -> Page[VersionView[PastPermitView]]:
    """Versions of a permit, newest first."""
    record = await _visible(work, permit_id)
    work.audit("read_history", RESOURCE, permit_id, person_id=record.person_id)
    return await versions_of(work, RESOURCE, permit_id, record=PermitRecord, view=PastPermitView.of, cursor=cursor, limit=limit)


async def read_entitlements(work: Work, person_id: UUID) -> EntitlementsView:
    """What the person's permit gives today (RR-40 to RR-43); nothing, with the reason, without a permit in function."""
    await require_visible(work, person_id)
    record = await store.latest_permit_of(work, person_id)
    work.audit("read", "entitlements", None, person_id=person_id)
    if record is None:
        given = rules_on(work.today).entitlements(None, work.today)
        return _entitlements(work, person_id, None, None, given)
    status = as_of(record, work.today).status
    given = rules_of(record).entitlements(status, day_for(record, work.today))
    return _entitlements(work, person_id, record.permit_id, status, given)


def _facts(
    work: Work,
    body: PermitApplication,
    person: LockedPerson,
    residence: Residence,
    papers_then: tuple[Paper, ...],
    expired_on: date | None,
) -> ApplicationFacts:
    """What the registry knows itself, and the papers handed in; a paper out of date proves nothing."""
    papers = tuple(item.type for item in body.evidence if item.valid_until is None or item.valid_until >= work.today)
    hukou, here = person.hukou_division_code, _registered_here(work, residence)
    since = resided_since(residence.periods, papers_then, work.today, LAW.registration, LAW.historical)
    return ApplicationFacts(
        applied_on=work.today,
        ground=body.ground,
        evidence_types=papers,
        registered_since=None if here is None else since,
        has_identity_document=bool(person.document_types) and expired_on is None,
        identity_document_expired_on=expired_on,
        birth_date=person.birth_date,
        applicant=body.applicant,
        infirmity=body.infirmity,
        excused_as=body.excused_as,
        is_remote=body.is_remote,
        is_on_school_roll=body.is_on_school_roll,
        is_floating=LAW.divisions.is_floating(hukou, here.division_code, work.today) if hukou and here else None,
        origin=origin_of(person.document_types),
    )


def _decided(
    work: Work,
    body: PermitApplication,
    regime: str,
    facts: ApplicationFacts,
    assessment: Assessment,
    residence: Residence,
) -> PermitRecord:
    here = _registered_here(work, residence)
    return PermitRecord(
        permit_id=new_id(),
        person_id=body.person_id,
        registration_id=None if here is None else here.registration_id,
        division_code=None if here is None else here.division_code,
        status=PermitStatus.ACCEPTED if assessment.accepted else PermitStatus.REFUSED,
        ground=body.ground,
        regime=regime,
        applicant=body.applicant,
        applied_on=work.today,
        eligible_from=assessment.eligible_from,
        accepted_on=work.today if assessment.accepted else None,
        due_on=assessment.due_on,
        residence_start=facts.registered_since,
        issued_on=None,
        endorsed_on=(),
        endorsement_anchor_on=None,
        endorsement_from=None,
        endorsement_until=None,
        residence_years_from=None,
        suspended_on=None,
        suspension_cause=None,
        card_status=None,
        lost_on=None,
        ended_on=None,
        end_reason=None,
        reasons=tuple(ReasonView.of(reason) for reason in assessment.reasons),
        secrets=PermitSecrets(evidence=tuple(body.evidence)),
        version=1,
        created_at=work.now,
        updated_at=work.now,
    )


def _registered_here(work: Work, residence: Residence) -> RegistrationRecord | None:
    """The current registration, if it lies in the client's division: a permit is asked for where one lives (D663 Art 9)."""
    current = residence.current
    return current if current is not None and is_own_division(work, current.division_code) else None


async def _visible(work: Work, permit_id: UUID) -> PermitRecord:
    record = await store.find_permit(work, permit_id)
    if record is None:
        raise not_found("permit")
    return record


def _entitlements(
    work: Work, person_id: UUID, permit_id: UUID | None, status: PermitStatus | None, given: Entitlements
) -> EntitlementsView:
    return EntitlementsView(
        person_id=person_id,
        on=work.today,
        permit_id=permit_id,
        permit_status=status,
        items=[EntitlementView.of(item) for item in given.items],
        reason=None if given.reason is None else ReasonView.of(given.reason),
    )
