"""A person whose document number another living person has, too (重号, C-08), at the edge."""

from datetime import date
from typing import Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from services.chassis.schemas import Command, View, rule_error
from services.registry.schemas.evidence import Evidence
from services.registry.schemas.persons import PersonCorrection, PersonRegistration

EVIDENCE_MAX = 20


class PersonSharingNumber(Command):
    """Another person with a number that somebody on the register has: to be entered, or on the register and to be corrected."""

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

    person: PersonRegistration | None = Field(
        None, description="The other person, where nobody knows it; one of the numbers is that of the person in the path."
    )
    corrected_person_id: UUID | None = Field(None, description="The other person, where it is on the register.")
    correction: PersonCorrection | None = Field(
        None, description="What comes in of it; one of the added numbers is that of the person in the path."
    )
    evidence: list[Evidence] = Field(
        min_length=1, max_length=EVIDENCE_MAX, description="What shows that two persons were given the same number."
    )

    @model_validator(mode="after")
    def _one_other_person(self) -> Self:
        is_new, is_known = self.person is not None, self.corrected_person_id is not None
        if is_new is is_known or is_known is (self.correction is None):
            raise rule_error(
                "other_person",
                zh="请只填一种：待登记的另一人 person；或已登记的另一人 corrected_person_id 和更正内容 correction",
                en="say it one way: `person`, to be entered; or `corrected_person_id` with `correction`, on the register",
            )
        return self


class ProposedSharing(View):
    """What waits for the second officer: who is to be entered, with which id, for which division; or corrected, and from which
    version. Never leaves the service.
    """

    person_id: UUID
    birth_date: date
    division_code: str
    person: PersonRegistration | None
    correction: PersonCorrection | None
    version: int | None
    evidence: tuple[Evidence, ...]
