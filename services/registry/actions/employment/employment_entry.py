"""What an employment becomes when it is reported and when it ends: decided by the rules, from what was read, before anything is
written. The single door and the bulk door both ask here.
"""

from collections.abc import Iterable
from datetime import date

from services.chassis.errors import DomainError, FieldError
from services.chassis.ids import new_id
from services.chassis.refusals import invalid
from services.chassis.work import Work
from services.contracts.registry import EmploymentState
from services.registry.actions.divisions import Desk, is_own_division
from services.registry.actions.law import LAW
from services.registry.actions.refusals import credit_code_errors, day_errors, field_error
from services.registry.actions.trail import leave
from services.registry.rules.employment import OCCUPATION_UNKNOWN, EmployerStatus, EmploymentEndReason, is_occupation
from services.registry.rules.reporting import Report, report_of
from services.registry.schemas.employment.employers import EmployerRecord
from services.registry.schemas.employment.employments import EmploymentEnd, EmploymentRecord, EmploymentStart
from services.registry.store.events import employment_event
from services.registry.store.persons import LockedPerson

RESOURCE = "employment"


def require_own_code(desk: Desk, credit_code: str) -> None:
    """A code in order, and of the client's own unit when it acts for one."""
    if desk.principal.unit not in {None, credit_code}:
        raise DomainError("employer-not-own")
    if errors := credit_code_errors(credit_code):
        raise invalid(errors)


def require_employing(employer: EmployerRecord | None) -> EmployerRecord:
    """The employer of a code, when there is one that still takes people on."""
    if employer is None:
        wrong = FieldError("/credit_code", "employer_not_found", "没有登记该用人单位", "no employer has this code")
        raise DomainError("employer-not-found", errors=[wrong])
    if employer.status is EmployerStatus.ENDED:
        raise DomainError("employer-ended")
    return employer


def started(desk: Desk, body: EmploymentStart, birth_date: date, employer: EmployerRecord) -> EmploymentRecord:
    """The employment somebody born on that day begins; place and industry are the employer's of today."""
    errors = day_errors("/started_on", body.started_on, earliest=birth_date, latest=desk.today)
    if errors := [*errors, *occupation_errors(body.occupation_code)]:
        raise invalid(errors)
    report = reported(body.started_on, desk.today)
    return EmploymentRecord(
        **body.model_dump(exclude={"credit_code"}),
        employment_id=new_id(),
        employer_id=employer.employer_id,
        division_code=employer.division_code,
        industry_code=employer.industry_code,
        start_reported_on=desk.today,
        start_due_on=report.due_on,
        start_reported_late=report.is_late,
        start_unsettled_on=report.unsettled_on,
        ended_on=None,
        end_reason=None,
        end_reported_on=None,
        end_due_on=None,
        end_reported_late=None,
        end_unsettled_on=None,
        version=1,
        created_at=desk.now,
        updated_at=desk.now,
    )


def ended(desk: Desk, before: EmploymentRecord, body: EmploymentEnd) -> EmploymentRecord:
    """The employment once somebody has left. Of what never was no report of an end was due (V-18)."""
    latest = max(before.started_on, desk.today)
    if errors := day_errors("/ended_on", body.ended_on, earliest=before.started_on, latest=latest):
        raise invalid(errors)
    is_error = body.reason is EmploymentEndReason.RECORDED_IN_ERROR
    report = Report() if is_error else reported(body.ended_on, desk.today)
    return before.model_copy(
        update={
            "ended_on": body.ended_on,
            "end_reason": body.reason,
            "end_reported_on": desk.today,
            "end_due_on": report.due_on,
            "end_reported_late": report.is_late,
            "end_unsettled_on": report.unsettled_on,
            "version": before.version + 1,
            "updated_at": desk.now,
        }
    )


def require_changeable(desk: Desk, record: EmploymentRecord, person: LockedPerson | None) -> None:
    """An open employment whose employer lies in the client's division or whose person it holds."""
    if record.ended_on is not None:
        raise DomainError("employment-ended")
    is_own = desk.principal.unit is not None or is_own_division(desk, record.division_code)
    if not is_own and not (person is not None and person.is_held):
        raise DomainError("person-not-held")


def occupation_errors(code: str) -> list[FieldError]:
    """What is wrong with a code of an occupation."""
    return [] if is_occupation(code) else [field_error("/occupation_code", OCCUPATION_UNKNOWN)]


def leave_employment(
    work: Work,
    operation: str,
    fact: type[EmploymentState],
    before: EmploymentRecord | None,
    after: EmploymentRecord,
    divisions_of_person: Iterable[str],
) -> None:
    """Told to the divisions that may see the person, and to the employer's."""
    codes = {after.division_code, *divisions_of_person}
    event = employment_event(fact, after)
    leave(work, operation, RESOURCE, after.employment_id, event, before=before, after=after, division_codes=sorted(codes))


def reported(event_on: date, reported_on: date) -> Report:
    """What a start or an end of that day is, told on another."""
    return report_of(LAW.employment.report_deadline(event_on, LAW.working_days), reported_on)
