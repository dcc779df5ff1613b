"""Evidence: a paper that was shown (architecture §4)."""

from datetime import date
from typing import Annotated

from pydantic import Field

from services.chassis.schemas import Command, PlainText, pattern_field

EvidenceTypeCode = Annotated[
    PlainText,
    pattern_field("^[a-z][a-z0-9_]*$", max_length=40, description="Kind of paper.", examples=["labour_contract"]),
]


class Evidence(Command):
    """One paper; its number is kept encrypted and never shown again."""

    type: EvidenceTypeCode
    document_number: Annotated[PlainText, Field(max_length=100)] | None = None
    issued_on: date | None = None
    valid_until: date | None = None
    source: Annotated[PlainText, Field(max_length=100)] | None = Field(None, description="Who issued or confirmed it.")
