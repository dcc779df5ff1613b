"""Evidence: a paper that was shown (architecture §4)."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.chassis.schemas import Command, PlainText, UnmaskedText, View, pattern_field

EvidenceTypeCode = Annotated[
    PlainText,
    pattern_field("^[a-z][a-z0-9_]*$", max_length=40, description="Kind of paper.", examples=["labour_contract"]),
]


class Evidence(Command):
    """One paper; it is kept encrypted and shown again only with the scope for sensitive fields."""

    type: EvidenceTypeCode
    attachment_id: UUID | None = Field(None, description="The paper itself, uploaded before as an attachment.")
    document_number: Annotated[UnmaskedText, Field(max_length=100)] | None = None
    issued_on: date | None = None
    valid_until: date | None = None
    source: Annotated[PlainText, Field(max_length=100)] | None = Field(None, description="Who issued or confirmed it.")


def attachments_in(evidence: Sequence[Evidence]) -> list[tuple[str, UUID]]:
    """The files named in a body's `evidence`, each with the JSON pointer that names it."""
    return [
        (f"/evidence/{place}/attachment_id", paper.attachment_id)
        for place, paper in enumerate(evidence)
        if paper.attachment_id is not None
    ]


class EvidenceView(View):
    """One paper as it was handed in."""

    type: str
    attachment_id: UUID | None
    document_number: str | None
    issued_on: date | None
    valid_until: date | None
    source: str | None
