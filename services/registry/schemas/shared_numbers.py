"""A person whose document number another living person has, too (重号, C-08), at the edge."""

from datetime import date
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.schemas import Command, View
from services.registry.schemas.evidence import Evidence
from services.registry.schemas.persons import PersonRegistration

EVIDENCE_MAX = 20


class PersonSharingNumber(Command):
    """A person to be entered although somebody on the register has the number: the two are two humans."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person": {
                        "name": "李大勇",
                        "identity_documents": [{"type": "citizen_id", "number": "341204198808080050"}],
                    },
                    "evidence": [{"type": "police_certificate"}],
                }
            ]
        }
    )

    person: PersonRegistration = Field(description="The other person; one of the numbers is that of the person in the path.")
    evidence: list[Evidence] = Field(
        min_length=1, max_length=EVIDENCE_MAX, description="What shows that two persons were given the same number."
    )


class ProposedSharing(View):
    """What waits for the second officer: who is to be entered, with which id, for which division. Never leaves the service."""

    person_id: UUID
    birth_date: date
    division_code: str
    person: PersonRegistration
    evidence: tuple[Evidence, ...]
