"""Persons, homes and papers for the registry's tests; every citizen number is a new one."""

import itertools
from datetime import date
from typing import Any

from services.registry.rules.citizen_number import check_character

_SEQUENCES = itertools.count(1)

EVERY_SCOPE = frozenset(
    {
        "registry.attachment.read",
        "registry.attachment.write",
        "registry.audit_checkpoint.read",
        "registry.changes.read",
        "registry.division.read",
        "registry.duplicate.decide",
        "registry.duplicate.read",
        "registry.duplicate.write",
        "registry.employer.read",
        "registry.employer.write",
        "registry.employment.read",
        "registry.employment.write",
        "registry.import.read",
        "registry.import.write",
        "registry.field.assign",
        "registry.field.decide",
        "registry.field.minors",
        "registry.field.personal",
        "registry.field.read",
        "registry.field.sensitive",
        "registry.field.visit",
        "registry.notice.read",
        "registry.inspection.read",
        "registry.inspection.write",
        "registry.person.delete",
        "registry.person.merge",
        "registry.person.read",
        "registry.person.resolve",
        "registry.person.write",
        "registry.relationship.write",
        "registry.registration.read",
        "registry.registration.write",
        "registry.premises.read",
        "registry.premises.write",
        "registry.search_log.read",
        "registry.proposal.decide",
        "registry.proposal.read",
        "registry.permit.apply",
        "registry.permit.decide",
        "registry.permit.read",
        "registry.rights.copy",
        "registry.retention.decide",
        "registry.retention.read",
        "registry.rights.decide",
        "registry.rights.extend",
        "registry.rights.read",
        "registry.rights.receive",
        "registry.rate.read",
        "registry.stay.read",
        "registry.stay.write",
    }
)


def citizen_number(*, birth_date: date | None = None, division: str = "341204", male: bool = True) -> str:
    """A citizen number nobody has yet: the sequence gives the last three digits and, when they run out, another birth date."""
    count = next(_SEQUENCES)
    sequence = (count % 499) * 2 + (1 if male else 0)
    born = birth_date or date.fromordinal(date(1960, 1, 1).toordinal() + count)
    first = f"{division}{born:%Y%m%d}{sequence:03d}"
    return first + check_character(first)


def a_person(**given: Any) -> dict[str, Any]:
    """A registration body; `number` replaces the citizen number."""
    number = given.pop("number", None) or citizen_number()
    return {
        "name": "王小明",
        "ethnicity_code": "01",
        "education_code": "70",
        "hukou_division_code": "341204",
        "phone": "13805740001",
        "identity_documents": [{"type": "citizen_id", "number": number}],
    } | given


def a_residence(person_id: str, **given: Any) -> dict[str, Any]:
    """A residence registration body; `started_on` must be given."""
    return {
        "person_id": person_id,
        "division_code": "330282107",
        "address": "陈家村东路12号201室",
        "residence_kind": "rented",
        "reported_by": "self",
    } | given


def an_application(person_id: str, **given: Any) -> dict[str, Any]:
    """A permit application body with a labour contract."""
    return {"person_id": person_id, "ground": "employment", "evidence": [{"type": "labour_contract"}]} | given


def a_landlord(**given: Any) -> dict[str, Any]:
    """A landlord body of a person nobody knows."""
    return {
        "kind": "person",
        "division_code": "330282107",
        "name": "陈阿大",
        "document_type": "citizen_id",
        "number": citizen_number(division="330222"),
        "phone": "13805740011",
    } | given


def a_home(landlord_id: str, **given: Any) -> dict[str, Any]:
    """A home body with one bedroom of 12.5 m² and two beds; every address is a new one."""
    return {
        "kind": "rental_home",
        "division_code": "330282107",
        "address": f"陈家村东路{next(_SEQUENCES)}号",
        "landlord_id": landlord_id,
        "let_from": "2024-03-01",
        "rooms": [a_room()],
    } | given


def a_room(**given: Any) -> dict[str, Any]:
    """A bedroom body."""
    return {"label": "201", "kind": "bedroom", "usable_area_dm2": 1250, "beds": 2, "is_let": True} | given


def a_paper(person_id: str, **given: Any) -> dict[str, Any]:
    """A temporary permit of 2013 to 2016, to be recorded."""
    return {
        "person_id": person_id,
        "kind": "temporary_residence_permit",
        "division_code": "330282107",
        "issued_on": "2013-03-01",
        "valid_until": "2016-02-29",
        "card_number": "330282000123",
        "evidence": [{"type": "temporary_residence_permit_card"}],
    } | given
