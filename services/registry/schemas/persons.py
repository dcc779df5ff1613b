"""Persons and their identity documents as they come in."""

from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from services.chassis.schemas import Command, PlainText, UnmaskedText, rule_error
from services.registry.rules.identity_number import DocumentType, NoDocumentReason
from services.registry.schemas.phone import Phone

DOCUMENTS_MAX = 10

Name = Annotated[
    UnmaskedText,
    Field(max_length=100, description="As on the document; rare characters and the middle dot are kept.", examples=["王小明"]),
]
Code = Annotated[PlainText, Field(max_length=12)]
Number = Annotated[
    UnmaskedText,
    Field(
        max_length=64,
        description="As on the document; 15-digit citizen numbers are understood.",
        examples=["341204198808080050"],
    ),
]
Issuer = Annotated[PlainText, Field(max_length=100, description="Issuing authority.")]


class IdentityDocumentEntry(Command):
    """An identity document as handed in."""

    type: DocumentType = Field(description="Kind of document.", examples=["citizen_id"])
    number: Number
    issuer: Issuer | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _validity_runs_forward(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise rule_error("validity", zh="有效期止必须晚于起", en="valid_until must be after valid_from", rule="C-15")
        return self


class AddedDocument(IdentityDocumentEntry):
    """A document added by a correction; it may take the place of one that was entered wrongly or is out of date."""

    replaces: UUID | None = Field(None, description="`document_id` of the document that it takes the place of.")


class PersonRegistration(Command):
    """A person to be registered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "王小明",
                    "ethnicity_code": "01",
                    "education_code": "70",
                    "hukou_division_code": "341204",
                    "phone": "13805740001",
                    "identity_documents": [{"type": "citizen_id", "number": "341204198808080050"}],
                }
            ]
        }
    )

    name: Name
    sex_code: Code | None = Field(
        None, description="GB/T 2261.1; may be left out when a citizen number gives it.", examples=["1"]
    )
    birth_date: date | None = Field(
        None, description="May be left out when a citizen number gives it.", examples=["1988-08-08"]
    )
    ethnicity_code: Code | None = Field(None, description="GB/T 3304.", examples=["01"])
    education_code: Code | None = Field(None, description="GB/T 4658.", examples=["70"])
    hukou_division_code: Code | None = Field(
        None, description="GB/T 2260 code of the household registration.", examples=["341204"]
    )
    phone: Phone | None = None
    identity_documents: list[IdentityDocumentEntry] = Field(
        default_factory=list, max_length=DOCUMENTS_MAX, description="At least one, or `no_document_reason`."
    )
    no_document_reason: NoDocumentReason | None = Field(None, description="Why there is no document.")


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _omittable(description: str) -> Any:
    """A member that may be left out but, when given, may not be null; read it through `changes()` only."""
    return Field(default=None, description=description, json_schema_extra=_without_default)


class PersonCorrection(Command):
    """A correction (JSON merge patch): what is given replaces what is stored, null clears, what is left out stays.

    `identity_documents` are *added*; a document goes out of use only when an added one `replaces` it.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"phone": "13805740002", "education_code": None}]})

    name: Name = _omittable("Corrected name.")
    sex_code: Code = _omittable("GB/T 2261.1.")
    birth_date: date = _omittable("Corrected birth date.")
    ethnicity_code: Code | None = Field(None, description="GB/T 3304.")
    education_code: Code | None = Field(None, description="GB/T 4658.")
    hukou_division_code: Code | None = Field(None, description="GB/T 2260.")
    phone: Phone | None = None
    identity_documents: list[AddedDocument] = Field(
        default_factory=list, max_length=DOCUMENTS_MAX, description="Documents to add."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise rule_error("empty", zh="至少更正一项", en="a correction names at least one field")
        return self

    def changes(self) -> dict[str, Any]:
        """The members that were given, documents apart."""
        return {name: getattr(self, name) for name in self.model_fields_set if name != "identity_documents"}


class DocumentQuery(Command):
    """A complete document number."""

    type: DocumentType
    number: Number


class PersonResolution(Command):
    """Complete number and name of somebody whom another division may have registered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"identity_document": {"type": "citizen_id", "number": "341204198808080050"}, "name": "王小明"}]
        }
    )

    identity_document: DocumentQuery
    name: Name
