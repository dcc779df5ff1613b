"""The deletion of a person at the edge. Reasons and grounds are codes: free text would be another place for values to stay."""

from enum import StrEnum

from pydantic import ConfigDict, Field

from services.chassis.schemas import Command


class DeletionReason(StrEnum):
    """Why a person's data are to be deleted."""

    RETENTION_OVER = "retention_over"
    PURPOSE_REACHED = "purpose_reached"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    UNLAWFUL_HANDLING = "unlawful_handling"
    ENTERED_IN_ERROR = "entered_in_error"
    REQUEST_OF_RELATIVES = "request_of_relatives"


class LegalGround(StrEnum):
    """The article a deletion rests on (Personal Information Protection Law, 个人信息保护法)."""

    PIPL_47_1 = "pipl_47_1"
    PIPL_47_2 = "pipl_47_2"
    PIPL_47_3 = "pipl_47_3"
    PIPL_47_4 = "pipl_47_4"
    PIPL_47_5 = "pipl_47_5"
    PIPL_49 = "pipl_49"


class PersonDeletion(Command):
    """The deletion of everything that is kept of a person (V-19)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "retention_over", "legal_ground": "pipl_47_2"}]})

    reason: DeletionReason
    legal_ground: LegalGround = Field(
        description="PIPL 47: 1 purpose reached or not needed, 2 service ended or retention over, 3 consent withdrawn, "
        "4 unlawful handling, 5 other law; PIPL 49: request of the relatives of a deceased person."
    )
