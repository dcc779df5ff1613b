"""Employers: read, look back, list, find by code. An employer is nobody on the register, so its readings leave no evidence."""

from uuid import UUID

from services.chassis.history import VersionView, versions_of
from services.chassis.pages import Page, after, page_of
from services.chassis.refusals import not_found
from services.chassis.work import Work
from services.registry.actions.divisions import listed_prefix
from services.registry.actions.employment.employers import RESOURCE
from services.registry.rules.employment import EmployerStatus
from services.registry.schemas.employment.employers import (
    EmployerRecord,
    EmployerSearch,
    EmployersFoundView,
    EmployerView,
    PastEmployerView,
)
from services.registry.store.employment import employers as store


async def read_employer(work: Work, employer_id: UUID) -> EmployerView:
    """One employer."""
    return EmployerView.of(await visible_employer(work, employer_id))


async def read_employer_history(
    work: Work, employer_id: UUID, cursor: str | None, limit: int
) -> Page[VersionView[PastEmployerView]]:
    """Versions of an employer, newest first."""
    await visible_employer(work, employer_id)
    return await versions_of(
        work,
        RESOURCE,
        employer_id,
        record=EmployerRecord,
        view=lambda past: PastEmployerView.model_validate(past.__dict__),
        cursor=cursor,
        limit=limit,
    )


async def search_employers(work: Work, body: EmployerSearch) -> EmployersFoundView:
    """By the complete code, within the client's division."""
    found = await store.find_by_code(work, body.credit_code)
    return EmployersFoundView(items=[] if found is None else [EmployerView.of(found)])


async def list_employers(
    work: Work, division_code: str | None, status: EmployerStatus | None, cursor: str | None, limit: int
) -> Page[EmployerView]:
    """Employers in a division, oldest first; without one, in the client's whole division."""
    prefix = listed_prefix(work, division_code)
    scope = f"employers {prefix} {status}"
    rows = await store.list_employers(
        work, division_prefix=prefix, status=status, after=after(work.keyring, scope, cursor), limit=limit
    )
    return page_of(
        work.keyring,
        scope,
        rows,
        limit,
        lambda row: EmployerView.of(store.employer_of(work.keyring, row)),
        id_column="employer_id",
    )


async def visible_employer(work: Work, employer_id: UUID) -> EmployerRecord:
    """The employer, or `DomainError('employer-not-found')`."""
    record = await store.find_employer(work, employer_id)
    if record is None:
        raise not_found("employer")
    return record
