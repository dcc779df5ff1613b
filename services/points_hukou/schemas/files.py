"""What goes out: a person's points file.

Codes are shown as the registry published them and are described, not enumerated: a code the registry adds shall show, not fail.
"""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.schemas import View

_EXAMPLE: dict[str, Any] = {
    "masked_fields": [],
    "person_id": "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69",
    "merged_person_ids": [],
    "as_of_sequence": 4,
    "updated_at": "2026-09-02T01:30:07.120000Z",
    "masked_name": "王*",
    "birth_date": "1990-05-01",
    "sex_code": "2",
    "hukou_division_code": "522426",
    "no_document_reason": None,
    "identity_documents": [{"type": "citizen_id", "count": 1}],
    "relationships": [],
    "residence_registrations": [
        {
            "masked_fields": [],
            "registration_id": "01935a3e-8d2b-7b11-8c65-2a3e4d5c6b7a",
            "person_id": "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69",
            "status": "current",
            "division_code": "330282107",
            "residence_kind": "rented",
            "registered_on": "2026-03-01",
            "started_on": "2026-02-26",
            "residence_since": "2026-03-01",
            "ended_on": None,
            "end_reason": None,
            "version": 1,
            "updated_at": "2026-03-01T02:11:45.310000Z",
        }
    ],
    "residence_permits": [
        {
            "masked_fields": [],
            "permit_id": "01935a3e-9e3c-7c22-9d76-3b4f5e6d7c8b",
            "person_id": "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69",
            "status": "valid",
            "ground": "employment",
            "division_code": "330282107",
            "issued_on": "2026-09-02",
            "residence_years_from": "2026-03-01",
            "suspended_on": None,
            "ended_on": None,
            "end_reason": None,
            "version": 2,
            "updated_at": "2026-09-02T01:30:07.120000Z",
        }
    ],
    "employments": [
        {
            "masked_fields": [],
            "employment_id": "01935a3e-a04d-7d33-8e87-4c5f6a7b8c9d",
            "person_id": "01935a3e-7c1a-7e42-9b54-1f2d3c4b5a69",
            "employer_id": "01935a3e-b15e-7e44-9f98-5d6a7b8c9dae",
            "division_code": "330282104",
            "industry_code": "C3856",
            "occupation_code": "6",
            "started_on": "2026-03-02",
            "ended_on": None,
            "end_reason": None,
            "version": 1,
            "updated_at": "2026-03-04T03:20:11.450000Z",
        }
    ],
}


class DocumentCountView(View):
    """How many current identity documents of one type the registry knows; numbers and their digests are not shown."""

    type: str = Field(examples=["citizen_id"])
    count: int = Field(ge=1)


class _MirroredView(PersonalView):
    person_id: UUID = Field(description="Id it was registered under: the file's, or one of `merged_person_ids`.")
    version: int = Field(description="The registry's version of it.")
    updated_at: datetime = Field(description="When this service last heard of it (system clock).")


class RelationshipView(_MirroredView):
    """A relationship the person is in, on either side."""

    relationship_id: UUID
    related_person_id: UUID
    kind: str | None = Field(
        description="What `related_person_id` is to `person_id`: `parent`, `guardian`, `spouse`, `sibling`.",
        examples=["parent"],
    )
    valid_from: date
    ended_on: date | None = Field(description="First day on which it no longer holds.")
    end_reason: str | None


class RegistrationView(_MirroredView):
    """A residence registration (居住登记), down to the division; the address stays in the registry."""

    registration_id: UUID
    status: str = Field(description="`current` or `ended`.")
    division_code: str
    residence_kind: str | None = Field(description="`rented`, `owned`, `employer_dormitory`, …")
    registered_on: date = Field(description="Day of registration, from which residence months count (RR-10).")
    started_on: date = Field(description="Day from which the person lives there, as reported.")
    residence_since: date = Field(description="Start of unbroken registered residence in the city (RR-10, RR-21).")
    ended_on: date | None
    end_reason: str | None


class PermitView(_MirroredView):
    """A residence permit (居住证), from its accepted application on; refused applications are not part of the file."""

    permit_id: UUID
    status: str = Field(
        description="`accepted` (applied for), `valid`, `suspended`, `ended`, or `withdrawn` before it was issued."
    )
    ground: str = Field(description="`employment`, `home` or `study` (RR-20).")
    division_code: str | None
    issued_on: date | None
    residence_years_from: date | None = Field(
        description="Day from which residence years (居住年限) count as continuous; late endorsement starts them anew (RR-32)."
    )
    suspended_on: date | None = Field(description="First day without function, while suspended (RR-31).")
    ended_on: date | None
    end_reason: str | None


class EmploymentView(_MirroredView):
    """An employment (就业登记), as its employer or the person reported it; who the employer is stays in the registry."""

    employment_id: UUID
    employer_id: UUID
    division_code: str = Field(description="Division of the employer when the employment was reported.")
    industry_code: str | None = Field(description="The employer's industry then, GB/T 4754-2017.")
    occupation_code: str | None = Field(description="GB/T 6565-2015: major group, optionally finer.")
    started_on: date
    ended_on: date | None
    end_reason: str | None = Field(description="`recorded_in_error`: it never was and counts for nothing.")


class PointsFileView(PersonalView):
    """What this service knows of a person, from the registry's events alone. Lists are newest first, at most 200 each."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    person_id: UUID = Field(description="The person; another id than asked for when persons were merged.")
    merged_person_ids: list[UUID] = Field(
        description="Former ids of the same human; what was registered under them is in this file."
    )
    as_of_sequence: int = Field(
        description="Every event about `person_id` up to this `sequence` (see `GET /v1/registry/changes`) is in the file."
    )
    updated_at: datetime = Field(description="When anything in this file last changed (system clock).")
    masked_name: str
    birth_date: date | None
    sex_code: str | None = Field(description="GB/T 2261.1.")
    hukou_division_code: str | None = Field(description="Division of the household registration (户籍), GB/T 2260.")
    no_document_reason: str | None = Field(description="`newborn`, `lost` or `never_issued` when there is no document.")
    identity_documents: list[DocumentCountView]
    relationships: list[RelationshipView]
    residence_registrations: list[RegistrationView]
    residence_permits: list[PermitView]
    employments: list[EmploymentView]

    def seen_with(self, sight: Sight, of_others: Sight) -> Self:
        """The file as this client may see it. Relationships tell of a second person, whose age is not known here."""
        parts = {
            "relationships": [of_others.show(item, within="relationships") for item in self.relationships],
            "residence_registrations": [
                sight.show(item, within="residence_registrations") for item in self.residence_registrations
            ],
            "residence_permits": [sight.show(item, within="residence_permits") for item in self.residence_permits],
            "employments": [sight.show(item, within="employments") for item in self.employments],
        }
        return sight.show(self.model_copy(update=parts))
