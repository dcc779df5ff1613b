"""Persons as they go out, and their full state as the store keeps it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from services.chassis.schemas import Notice, View
from services.registry.rules.identity_number import DocumentType, NoDocumentReason, masked_number
from services.registry.rules.months import is_younger_than
from services.registry.rules.person_name import masked_name
from services.registry.schemas.phone import masked_phone
from services.registry.schemas.record import VersionedRecord

ADULT_AGE = 18


class DocumentRecord(View):
    """An identity document as kept. Never leaves the service."""

    document_id: UUID
    type: DocumentType
    number: str = Field(repr=False)
    normalised_number: str = Field(repr=False)
    issuer: str | None
    valid_from: date | None
    valid_until: date | None


class PersonRecord(VersionedRecord):
    """The full state of a person, as kept and as remembered in the history. Never leaves the service."""

    person_id: UUID
    name: str = Field(repr=False)
    phone: str | None = Field(repr=False)
    birth_date: date
    sex_code: str
    ethnicity_code: str | None
    education_code: str | None
    hukou_division_code: str | None
    no_document_reason: NoDocumentReason | None
    identity_documents: tuple[DocumentRecord, ...]
    warnings: tuple[Notice, ...]


class DocumentView(View):
    """An identity document; the number shows at most its last four characters."""

    document_id: UUID
    type: DocumentType
    number_masked: str = Field(examples=["**************0050"])
    issuer: str | None
    valid_from: date | None
    valid_until: date | None

    @classmethod
    def of(cls, record: DocumentRecord) -> Self:
        """The view of a document."""
        return cls(
            document_id=record.document_id,
            type=record.type,
            number_masked=masked_number(record.normalised_number),
            issuer=record.issuer,
            valid_from=record.valid_from,
            valid_until=record.valid_until,
        )


class PersonView(View):
    """A person. For a client that only resolved the person (`is_masked`) name and contact data are masked or left out."""

    person_id: UUID
    version: int
    name: str
    masked_name: str
    is_masked: bool = Field(description="Whether this client sees masked data only, until it registers the person.")
    birth_date: date | None
    sex_code: str
    ethnicity_code: str | None
    education_code: str | None
    hukou_division_code: str | None
    phone_masked: str | None
    identity_documents: list[DocumentView]
    no_document_reason: NoDocumentReason | None
    warnings: list[Notice] = Field(description="Doubts that did not stop the registration, such as a repealed division code.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: PersonRecord, *, is_masked: bool = False) -> Self:
        """The view of a person; with `is_masked` nothing that the resolving client did not state itself."""
        masked = masked_name(record.name)
        return cls(
            person_id=record.person_id,
            version=record.version,
            name=masked if is_masked else record.name,
            masked_name=masked,
            is_masked=is_masked,
            birth_date=None if is_masked else record.birth_date,
            sex_code=record.sex_code,
            ethnicity_code=None if is_masked else record.ethnicity_code,
            education_code=None if is_masked else record.education_code,
            hukou_division_code=None if is_masked else record.hukou_division_code,
            phone_masked=None if is_masked or record.phone is None else masked_phone(record.phone),
            identity_documents=[DocumentView.of(document) for document in record.identity_documents],
            no_document_reason=record.no_document_reason,
            warnings=[] if is_masked else list(record.warnings),
            created_at=record.created_at,
            updated_at=record.updated_at,
        )


class FoundPersonView(View):
    """One search result: enough to choose by, not more. Of a minor only the masked name and sex are shown (V-10, V-14)."""

    person_id: UUID
    masked_name: str
    sex_code: str
    is_minor: bool
    birth_year: int | None
    hukou_division_code: str | None
    identity_documents: list[DocumentView]

    @classmethod
    def of(cls, record: PersonRecord, today: date) -> Self:
        """The result for a person, stricter when under 18 on `today`."""
        is_minor = is_younger_than(record.birth_date, ADULT_AGE, today)
        documents: Sequence[DocumentRecord] = () if is_minor else record.identity_documents
        return cls(
            person_id=record.person_id,
            masked_name=masked_name(record.name),
            sex_code=record.sex_code,
            is_minor=is_minor,
            birth_year=None if is_minor else record.birth_date.year,
            hukou_division_code=None if is_minor else record.hukou_division_code,
            identity_documents=[DocumentView.of(document) for document in documents],
        )


class ResolvedPersonView(View):
    """The person that a complete number and name belong to."""

    person_id: UUID
    masked_name: str
    expires_at: datetime = Field(
        description="Until then this client may read masked data and register the person in its division."
    )


class PastPersonView(View):
    """A person as of one version, masked."""

    masked_name: str
    birth_date: date
    sex_code: str
    ethnicity_code: str | None
    education_code: str | None
    hukou_division_code: str | None
    phone_masked: str | None
    identity_documents: list[DocumentView]
    no_document_reason: NoDocumentReason | None

    @classmethod
    def of(cls, record: PersonRecord) -> Self:
        """The masked view of a remembered state."""
        return cls(
            masked_name=masked_name(record.name),
            birth_date=record.birth_date,
            sex_code=record.sex_code,
            ethnicity_code=record.ethnicity_code,
            education_code=record.education_code,
            hukou_division_code=record.hukou_division_code,
            phone_masked=None if record.phone is None else masked_phone(record.phone),
            identity_documents=[DocumentView.of(document) for document in record.identity_documents],
            no_document_reason=record.no_document_reason,
        )
