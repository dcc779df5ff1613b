"""What a residence registration becomes when it is entered, moved away from or changed: decided by the rules, from what was
read, before anything is written. The single door and the bulk door both ask here.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.refusals import invalid
from services.registry.actions.divisions import Desk, is_own_division, is_same_town, require_own_division
from services.registry.actions.law import LAW, law_held
from services.registry.actions.refusals import day_errors, field_error, with_id
from services.registry.rules.division import county_of
from services.registry.rules.findings import Finding
from services.registry.rules.identity_number import origin_of
from services.registry.rules.residence_registration import (
    RegistrationAssessment,
    RegistrationEndReason,
    RegistrationFacts,
    RegistrationPeriod,
    assess_change_report,
    assess_registration,
    registered_since,
)
from services.registry.schemas.registrations import (
    AddressChange,
    RegistrationRecord,
    RegistrationStatus,
    ResidenceRegistrationEntry,
)
from services.registry.store.persons import LockedPerson
from services.registry.store.registrations import Residence

_NOT_HELD = "registration-rules-not-held"
_NOT_KEPT = frozenset({"institution_stay", "is_with_close_relatives_of_local_hukou"})
_POINTERS = {"starts_in_future": "/started_on", "division_code_malformed": "/division_code", "guardian_needed": "/reported_by"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A new registration, and the one it ends as a move."""

    record: RegistrationRecord
    moved: RegistrationRecord | None


def assess_entry(
    desk: Desk, body: ResidenceRegistrationEntry, person: LockedPerson, documents_expired_on: date | None = None
) -> RegistrationAssessment:
    """The rules' answer; raises with every problem at its field."""
    hukou = person.hukou_division_code
    facts = RegistrationFacts(
        registered_on=desk.today,
        started_on=body.started_on,
        division_code=body.division_code,
        residence_kind=body.residence_kind,
        reported_by=body.reported_by,
        birth_date=person.birth_date,
        origin=origin_of(person.document_types),
        is_floating=None if hukou is None else LAW.divisions.is_floating(hukou, body.division_code, desk.today),
        institution_stay=body.institution_stay,
        expected_end_on=body.expected_end_on,
        is_with_close_relatives_of_local_hukou=body.is_with_close_relatives_of_local_hukou,
        has_document=bool(person.document_types),
        documents_expired_on=documents_expired_on,
    )
    with law_held(_NOT_HELD):
        assessment = assess_registration(facts, LAW.registration)
    errors = [field_error(_POINTERS.get(problem.code, ""), problem) for problem in assessment.problems]
    errors += day_errors("/started_on", body.started_on, earliest=person.birth_date, latest=date.max)
    if body.expected_end_on is not None:
        errors += day_errors("/expected_end_on", body.expected_end_on, earliest=body.started_on, latest=date.max)
    if errors:
        raise invalid(errors)
    return assessment


def entered(desk: Desk, body: ResidenceRegistrationEntry, assessment: RegistrationAssessment, residence: Residence) -> Entry:
    """The registration as it would be stored; the one elsewhere ends, and the half year runs on inside the county.

    Raises `DomainError('registration-exists')` when the person is registered in the same town by an office of this division.
    """
    periods, moved = list(residence.periods), None
    if residence.current is not None:
        moved = _moved_away(desk, residence.current, body.division_code)
        periods.remove(_period(residence.current))
        periods.append(_period(moved))
    registered_on = assessment.clock_starts_on
    with_this = [*periods, RegistrationPeriod(registered_on, None, body.division_code)]
    record = RegistrationRecord(
        **{name: value for name, value in body.__dict__.items() if name not in _NOT_KEPT},
        registration_id=new_id(),
        status=RegistrationStatus.CURRENT,
        registered_on=registered_on,
        residence_since=registered_since(with_this, registered_on, LAW.registration) or registered_on,
        changed_on=None,
        reported_late=assessment.registered_late,
        ended_on=None,
        end_reason=None,
        version=1,
        created_at=desk.now,
        updated_at=desk.now,
    )
    return Entry(record, moved)


def changed_address(desk: Desk, before: RegistrationRecord, body: AddressChange) -> RegistrationRecord:
    """The registration with another address in the same county; raises with every problem at its field."""
    require_own_division(desk, body.division_code, "/division_code")
    problems = day_errors("/changed_on", body.changed_on, earliest=before.started_on, latest=desk.today)
    if county_of(body.division_code) != county_of(before.division_code):
        zh, en = "迁往其他县（市、区）应重新办理居住登记", "a move to another county needs a new registration there"
        problems.append(FieldError("/division_code", "other_county", zh, en, "RR-01"))
    if problems:
        raise invalid(problems)
    with law_held(_NOT_HELD):
        report = assess_change_report(changed_on=body.changed_on, reported_on=desk.today, parameters=LAW.registration)
    return before.model_copy(
        update={
            "division_code": body.division_code,
            "address": body.address,
            "residence_kind": body.residence_kind or before.residence_kind,
            "changed_on": body.changed_on,
            "reported_late": report.reported_late,
            "version": before.version + 1,
            "updated_at": desk.now,
        }
    )


def told_of(desk: Desk, record: RegistrationRecord, assessment: RegistrationAssessment | None = None) -> list[Finding]:
    """What both doors tell of a registration that is made or changed, and what stops nothing: the rules' notes, and doubts
    about the division of residence (C-07).
    """
    notes = () if assessment is None else assessment.notes
    return [*notes, *LAW.divisions.warnings(record.division_code, desk.today)]


def ended(
    desk: Desk, before: RegistrationRecord, ended_on: date, reason: RegistrationEndReason, caused_by: UUID | None = None
) -> RegistrationRecord:
    """The registration after its end; `caused_by` is the neighbour's event that brought it about, if one did."""
    return before.model_copy(
        update={
            "status": RegistrationStatus.ENDED,
            "ended_on": ended_on,
            "end_reason": reason,
            "end_caused_by": caused_by,
            "version": before.version + 1,
            "updated_at": desk.now,
        }
    )


def _moved_away(desk: Desk, current: RegistrationRecord, division_code: str) -> RegistrationRecord:
    """The registration in the town the person leaves; the register held the person there until today, so no day is lost."""
    if is_own_division(desk, current.division_code) and is_same_town(current.division_code, division_code):
        raise DomainError(
            "registration-exists",
            detail_zh="该人员在本乡镇已有居住登记，请办理地址变更。",
            detail_en="The person is registered in this town already; change the address instead.",
            extra=with_id("registration_id", current.registration_id)
            | {"address_change": f"/v1/residence-registrations/{current.registration_id}/address-change"},
        )
    same_county = county_of(current.division_code) == county_of(division_code)
    reason = RegistrationEndReason.MOVED_WITHIN_CITY if same_county else RegistrationEndReason.LEFT
    return ended(desk, current, max(current.registered_on, desk.today), reason)


def _period(record: RegistrationRecord) -> RegistrationPeriod:
    return RegistrationPeriod(record.registered_on, record.ended_on, record.division_code)
