"""Why a command cannot be carried out, where several actions say the same."""

from datetime import date
from uuid import UUID

from services.chassis.errors import DomainError, FieldError
from services.chassis.refusals import not_found
from services.chassis.schemas import Notice
from services.chassis.work import Work
from services.registry.rules.credit_code import credit_code_problem
from services.registry.rules.findings import Finding
from services.registry.schemas.merging import ConflictKind
from services.registry.store.deletion import deleted_on
from services.registry.store.persons import LockedPerson
from services.registry.store.registrations import Residence
from services.registry.store.rights import restricted_on


async def no_such_person(work: Work, person_id: UUID) -> DomainError:
    """There is none that this client may know of; or there was, and it is told so whom the client could see."""
    if (day := await deleted_on(work, person_id)) is not None:
        return DomainError("person-deleted", extra={"deleted_on": day.isoformat()})
    if (day := await restricted_on(work, person_id)) is not None:
        return DomainError("person-restricted", extra={"restricted_on": day.isoformat()})
    return not_found("person")


def person_not_found(pointer: str) -> DomainError:
    """The person a body names is none that this client may know of."""
    return DomainError(
        "person-not-found",
        errors=[FieldError(pointer, "person_not_found", "没有找到该人员", "there is no such person")],
    )


def require_held(*persons: LockedPerson | None) -> None:
    """Visible is not writable: the client's division must hold one of the persons now, or have an open case of theirs.

    Raises `DomainError('person-not-held')`.
    """
    if not any(person is not None and person.is_held for person in persons):
        raise DomainError(
            "person-not-held",
            detail_zh="只有该人员现居住登记地或有其未办结居住证事项的单位可以变更；原登记单位两年内只能查阅。"
            "该人员回到本地居住的，请重新办理居住登记。",
            detail_en="Only the division where the person is registered now, or that has an open permit case of theirs, changes"
            " anything; one that let go of the person reads for two years. If the person lives here again, register the"
            " residence.",
        )


def require_own_id(person: LockedPerson) -> None:
    """Nothing new is recorded under an alias. Raises `DomainError('person-merged')`, which names the canonical person."""
    if person.merged_into is not None:
        raise DomainError("person-merged", extra=with_id("person_id", person.merged_into))


def require_settled(residence: Residence) -> None:
    """A merge may have found two current registrations of one human; which is true, an officer says by ending the other.

    Raises `DomainError('merge-conflict-open')`.
    """
    if residence.is_contested:
        raise merge_conflict_open()


def require_uncontested(person: LockedPerson | None, *kinds: ConflictKind) -> None:
    """The same of permits, numbers and whatever else a human has once. Raises `DomainError('merge-conflict-open')`."""
    if person is not None and not person.contested.isdisjoint(kinds):
        raise merge_conflict_open()


def merge_conflict_open() -> DomainError:
    """Of what a human has once, a merge found two; nothing that rests on it is done before an officer has ended one of them."""
    return DomainError("merge-conflict-open", extra={"conflicts": "/v1/merge-conflicts?status=open"})


def field_error(pointer: str, finding: Finding) -> FieldError:
    """A finding of a rule, at a field."""
    return FieldError(pointer, finding.code, finding.message_zh, finding.message_en, finding.rule)


def notice(finding: Finding) -> Notice:
    """A finding of a rule that travels along and stops nothing."""
    return Notice(code=finding.code, rule=finding.rule, message_zh=finding.message_zh, message_en=finding.message_en)


def day_errors(pointer: str, day: date, *, earliest: date, latest: date) -> list[FieldError]:
    """A day that must lie in `earliest` … `latest`; the bounds are law dates the caller may know."""
    if day > latest:
        return [FieldError(pointer, "in_future", f"不得晚于 {latest.isoformat()}", f"not after {latest.isoformat()}")]
    if day < earliest:
        return [FieldError(pointer, "too_early", f"不得早于 {earliest.isoformat()}", f"not before {earliest.isoformat()}")]
    return []


def credit_code_errors(code: str | None) -> list[FieldError]:
    """What is wrong with a social credit code in a body's `/credit_code` (C-17); nothing where none is given."""
    problem = None if code is None else credit_code_problem(code)
    return [] if problem is None else [field_error("/credit_code", problem)]


def with_id(name: str, value: UUID) -> dict[str, str]:
    """An id as an extra member of a problem document."""
    return {name: str(value)}
