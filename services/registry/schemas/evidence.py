"""Evidence: a paper that was shown (architecture §4)."""

from datetime import date
from typing import Annotated

from pydantic import Field

from services.chassis.schemas import Command, PlainText, UnmaskedText, View, pattern_field

EvidenceTypeCode = Annotated[
    PlainText,
    pattern_field("^[a-z][a-z0-9_]*$", max_length=40, description="Kind of paper.", examples=["labour_contract"]),
]


class Evidence(Command):
    """One paper; it is kept encrypted and shown again only with the scope for sensitive fields."""

    type: EvidenceTypeCode
    document_number: Annotated[UnmaskedText, Field(max_length=100)] | None = None
    issued_on: date | None = None
    valid_until: date | None = None
    source: Annotated[PlainText, Field(max_length=100)] | None = Field(None, description="Who issued or confirmed it.")


class EvidenceView(View):
    """One paper as it was handed in."""

    type: str
    document_number: str | None
    issued_on: date | None
    valid_until: date | None
    source: str | None
