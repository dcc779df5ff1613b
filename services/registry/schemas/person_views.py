"""Persons as they go out, and their full state as the store keeps it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple, Self
from uuid import UUID

from pydantic import Field

from services.chassis.fields import PersonalView, Sight
from services.chassis.records import VersionedRecord
from services.chassis.schemas import Notice, View
from services.registry.rules.identity_number import DocumentType, NoDocumentReason, masked_number
from services.registry.rules.person_name import masked_name
from services.registry.schemas.evidence import Evidence
from services.registry.schemas.phone import masked_phone


class DocumentRecord(View):
    """An identity document as kept. Never leaves the service."""

    document_id: UUID
    type: DocumentType
    number: str = Field(repr=False)
    normalised_number: str = Field(repr=False)
    issuer: str | None
    valid_from: date | None
    valid_until: date | None
    sharing_evidence: tuple[Evidence, ...] = ()
    """What shows that the number is another living person's, too (C-08)."""
    settling_evidence: tuple[Evidence, ...] = ()
    """What shows that of two numbers this is the human's (C-15)."""

    @property
    def is_shared(self) -> bool:
        """Whether two officers stated so."""
        return bool(self.sharing_evidence)


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


class FoundDocument(NamedTuple):
    """What a search tells by of an identity document."""

    document_id: UUID
    type: DocumentType
    normalised_number: str
    issuer: str | None
    valid_from: date | None
    valid_until: date | None
    is_shared: bool


class FoundPerson(NamedTuple):
    """Whom a search found: what is told of it, before masking. Never leaves the service."""

    person_id: UUID
    name: str
    birth_date: date
    sex_code: str
    hukou_division_code: str | None
    identity_documents: Sequence[FoundDocument]


class DocumentView(PersonalView):
    """An identity document; `number_masked` shows at most the last four characters of its number."""

    document_id: UUID
    type: DocumentType
    number: str | None = Field(description="As on the document; only with the scope for sensitive fields.")
    number_masked: str = Field(examples=["**************0050"])
    issuer: str | None
    valid_from: date | None
    valid_until: date | None
    is_shared: bool = Field(description="Two officers stated that the number was another living person's before (重号).")

    @classmethod
    def of(cls, record: DocumentRecord, sight: Sight) -> Self:
        """The document as `sight` shows it."""
        whole = cls(
            document_id=record.document_id,
            type=record.type,
            number=record.number,
            number_masked=masked_number(record.normalised_number),
            issuer=record.issuer,
            valid_from=record.valid_from,
            valid_until=record.valid_until,
            is_shared=record.is_shared,
        )
        return sight.show(whole, within="identity_documents")


class PersonView(PersonalView):
    """A person. Which values are masked or left out depends on the client's scopes and the person's age (`masked_fields`); of
    somebody it only resolved, a client sees nothing else.
    """

    person_id: UUID
    version: int
    name: str
    masked_name: str
    is_masked: bool = Field(description="Whether `name` is masked for this client.")
    birth_date: date | None
    sex_code: str | None
    ethnicity_code: str | None
    education_code: str | None
    hukou_division_code: str | None
    phone: str | None = Field(description="The whole number; only with the scope for personal fields.")
    phone_masked: str | None
    identity_documents: list[DocumentView]
    no_document_reason: NoDocumentReason | None
    warnings: list[Notice] = Field(description="Doubts that did not stop the registration, such as a repealed division code.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: PersonRecord, sight: Sight) -> Self:
        """The person as `sight` shows it."""
        whole = cls(
            person_id=record.person_id,
            version=record.version,
            name=record.name,
            masked_name=masked_name(record.name),
            is_masked=False,
            birth_date=record.birth_date,
            sex_code=record.sex_code,
            ethnicity_code=record.ethnicity_code,
            education_code=record.education_code,
            hukou_division_code=record.hukou_division_code,
            phone=record.phone,
            phone_masked=None if record.phone is None else masked_phone(record.phone),
            identity_documents=[DocumentView.of(document, sight) for document in record.identity_documents],
            no_document_reason=record.no_document_reason,
            warnings=list(record.warnings),
            created_at=record.created_at,
            updated_at=record.updated_at,
        )
        seen = sight.show(whole)
        return seen.model_copy(update={"is_masked": True}) if "name" in seen.masked_fields else seen


class FoundPersonView(PersonalView):
    """One search result: enough to choose by, not more, whatever the client's scopes (V-10, V-14).

    Of a minor only the masked name and the sex are shown.
    """

    person_id: UUID
    masked_name: str
    sex_code: str | None
    is_minor: bool
    birth_year: int | None
    hukou_division_code: str | None
    identity_documents: list[DocumentView]

    @classmethod
    def of(cls, found: FoundPerson | PersonRecord, sight: Sight) -> Self:
        """The result for a person as `sight` shows it, stricter when under 18. A page has many, so each view is made once."""
        is_minor = sight.is_minor
        documents: Sequence[FoundDocument | DocumentRecord] = () if is_minor else found.identity_documents
        values = {
            "person_id": found.person_id,
            "masked_name": masked_name(found.name),
            "sex_code": found.sex_code,
            "is_minor": is_minor,
            "birth_year": None if is_minor else found.birth_date.year,
            "hukou_division_code": None if is_minor else found.hukou_division_code,
            "identity_documents": [_found_document(document, sight) for document in documents],
        }
        return sight.make(cls, values)


def _found_document(found: FoundDocument | DocumentRecord, sight: Sight) -> DocumentView:
    values = {
        "document_id": found.document_id,
        "type": found.type,
        "number": None,
        "number_masked": masked_number(found.normalised_number),
        "issuer": found.issuer,
        "valid_from": found.valid_from,
        "valid_until": found.valid_until,
        "is_shared": found.is_shared,
    }
    return sight.make(DocumentView, values, within="identity_documents")


class ResolvedPersonView(View):
    """The person that a complete number and name belong to."""

    person_id: UUID
    masked_name: str
    expires_at: datetime = Field(
        description="Until then this client may read masked data and register the person in its division."
    )


class PastPersonView(PersonalView):
    """A person as of one version."""

    name: str
    masked_name: str
    birth_date: date | None
    sex_code: str | None
    ethnicity_code: str | None
    education_code: str | None
    hukou_division_code: str | None
    phone: str | None
    phone_masked: str | None
    identity_documents: list[DocumentView]
    no_document_reason: NoDocumentReason | None

    @classmethod
    def of(cls, record: PersonRecord, sight: Sight) -> Self:
        """A remembered state as `sight` shows it."""
        whole = cls(
            name=record.name,
            masked_name=masked_name(record.name),
            birth_date=record.birth_date,
            sex_code=record.sex_code,
            ethnicity_code=record.ethnicity_code,
            education_code=record.education_code,
            hukou_division_code=record.hukou_division_code,
            phone=record.phone,
            phone_masked=None if record.phone is None else masked_phone(record.phone),
            identity_documents=[DocumentView.of(document, sight) for document in record.identity_documents],
            no_document_reason=record.no_document_reason,
        )
        return sight.show(whole)
