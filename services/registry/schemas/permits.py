"""Residence permits as they come in: applications and acts."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from services.chassis.schemas import Command, PlainText, pattern_field
from services.registry.rules.residence_permit import (
    Applicant,
    CardReplacementCause,
    EndReason,
    Excusal,
    Ground,
    Infirmity,
)
from services.registry.schemas.evidence import Evidence

CardNumber = Annotated[
    PlainText,
    pattern_field(
        "^[0-9A-Za-z-]+$",
        max_length=40,
        description="Number of the card; no national format exists (C-13).",
        examples=["33028226000123"],
    ),
]
OfficerNote = Annotated[PlainText, Field(max_length=500, description="Why, in the officer's words; kept encrypted.")]


class PermitApplication(Command):
    """An application for a residence permit; facts the registry holds itself are not asked for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "person_id": "019ab0c2-1111-7000-8000-000000000001",
                    "ground": "employment",
                    "evidence": [{"type": "labour_contract", "issued_on": "2026-03-01", "source": "某某电器有限公司"}],
                }
            ]
        }
    )

    person_id: UUID
    ground: Ground = Field(description="The head the applicant relies on (RR-20).")
    evidence: list[Evidence] = Field(default_factory=list, max_length=20, description="Every paper handed in (RR-22, RR-24).")
    applicant: Applicant = Field(Applicant.SELF, description="Who hands it in (RR-25).")
    infirmity: Infirmity | None = Field(None, description="Why an adult is represented (RR-25).")
    excused_as: Excusal | None = Field(None, description="Excused from the half year under county rules (RR-23).")
    is_remote: bool = Field(default=False, description="Remote area or poor transport: more time for issuing (RR-26).")
    is_on_school_roll: bool | None = Field(None, description="For `study`: on the roll of a full-time school, where known.")


class PermitIssue(Command):
    """The issue of an accepted permit, today."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"card_number": "33028226000123"}]})

    card_number: CardNumber | None = None


class PermitEndorsement(Command):
    """The yearly endorsement (RR-30)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    conditions_hold: bool | None = Field(
        None, description="False when the officer found that the conditions no longer hold (RR-33)."
    )


class PermitSuspension(Command):
    """An officer's suspension of the permit's function."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "逾期未签注，窗口核查"}]})

    reason: OfficerNote


class LossReport(Command):
    """The report that the card is lost or stolen."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"lost_on": "2026-05-01"}]})

    lost_on: date | None = Field(None, description="Day of the loss, today when left out; not in the future.")


class CardReplacement(Command):
    """A new card for the same permit (RR-34)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cause": "lost", "card_number": "33028226000777"}]})

    cause: CardReplacementCause = Field(CardReplacementCause.LOST, description="Why a new card is needed.")
    is_old_card_returned: bool = Field(default=False, description="Whether the old card was handed back.")
    card_number: CardNumber | None = None


class PermitEnd(Command):
    """The end of a permit (RR-37), or the withdrawal of an application that was not issued yet."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "household_transfer"}]})

    reason: EndReason
    ended_on: date | None = Field(None, description="First day without the permit, today when left out; not in the future.")
    note: OfficerNote | None = None
