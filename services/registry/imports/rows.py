"""One row of a roster of residents, as far as the row alone tells: what the single door would be sent, checked by the same
models and rules. Nothing here touches the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.chassis.errors import FieldError
from services.chassis.long_work.tables.layout import Layout
from services.chassis.long_work.tables.refusals import NOT_TAKEN, reasons
from services.chassis.principal import Principal
from services.registry.actions.divisions import require_own_division
from services.registry.actions.persons import entered as entered_person
from services.registry.imports import cells
from services.registry.rules.code_tables import CodeTable
from services.registry.schemas.person_views import PersonRecord
from services.registry.schemas.persons import IdentityDocumentEntry, PersonRegistration
from services.registry.schemas.registrations import ResidenceRegistrationEntry

_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Bringer:
    """Who brings the roster, on which day: what decisions need of a unit of work (`actions.divisions.Desk`)."""

    principal: Principal
    today: date
    now: datetime


@dataclass(slots=True)
class RosterRow:
    """A row: as it stands in the file, and what the single door would make of it. With `errors` nothing comes of it."""

    number: int
    cells: Sequence[str]
    person: PersonRecord | None = None
    entry: ResidenceRegistrationEntry | None = None
    errors: list[FieldError] = field(default_factory=list)


def examine(desk: Bringer, layout: Layout, number: int, values: Sequence[str]) -> RosterRow:
    """What the row says; every error at once."""
    row, said = RosterRow(number, values), layout.fields(values)
    person = _try(row, lambda: person_said(said))
    entry = _try(row, lambda: entry_said(said))
    if entry is not None:
        _try(row, lambda: require_own_division(desk, entry.division_code, "/division_code"))
    if person is not None:
        row.person = _try(row, lambda: entered_person(person, desk.today, desk.now))
    if entry is not None and row.person is not None:
        row.entry = entry.model_copy(update={"person_id": row.person.person_id})
    return row


def _try(row: RosterRow, step: Any) -> Any:
    """The result of a step, or `None` with its errors noted."""
    try:
        return step()
    except NOT_TAKEN as error:
        row.errors += reasons(error)
    return None


def person_said(said: Mapping[str, str]) -> PersonRegistration:
    """The body that would enter the person; raises one of `NOT_TAKEN`."""
    birth_date = said["birth_date"]
    document = IdentityDocumentEntry(type=cells.document_type(said["document_type"]), number=said["document_number"])
    return PersonRegistration(
        name=said["name"],
        sex_code=cells.sex_code(said["sex_code"]),
        birth_date=cells.as_date(birth_date, "/birth_date") if birth_date else None,
        ethnicity_code=cells.table_code(CodeTable.ETHNICITY, said["ethnicity_code"]),
        education_code=cells.table_code(CodeTable.EDUCATION, said["education_code"]),
        hukou_division_code=said["hukou_division_code"] or None,
        phone=said["phone"] or None,
        identity_documents=[document],
    )


def entry_said(said: Mapping[str, str]) -> ResidenceRegistrationEntry:
    """The body that would register the residence, of nobody yet; raises one of `NOT_TAKEN`."""
    ends = said["expected_end_on"]
    return ResidenceRegistrationEntry(
        person_id=_NOBODY,
        division_code=said["division_code"],
        address=said["address"],
        residence_kind=cells.residence_kind(said["residence_kind"]),
        started_on=cells.as_date(said["started_on"], "/started_on"),
        reported_by=cells.reporter(said["reported_by"]),
        expected_end_on=cells.as_date(ends, "/expected_end_on") if ends else None,
    )
