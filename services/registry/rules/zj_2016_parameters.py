"""The dated values of regime `zj-2016`, as `parameters/zj_2016.toml` holds them with source and confidence."""

from dataclasses import dataclass
from enum import StrEnum

from services.chassis.parameters import (
    Document,
    Fields,
    History,
    ParameterError,
    Register,
    flag,
    list_of,
    one_of,
    text,
    whole_number,
)
from services.registry.rules.residence_permit import (
    EndorsementAnchor,
    EndReason,
    Entitlement,
    EntitlementKind,
    EvidenceType,
    FeeItem,
    Ground,
    Reason,
)


class Requirement(StrEnum):
    """A part of RR-20 that some applicants may be excused from (RR-23)."""

    HALF_YEAR = "half_year"
    GROUND_EVIDENCE = "ground_evidence"


@dataclass(frozen=True, slots=True)
class Fee:
    """What an item costs; `None`: not known to us."""

    item: FeeItem
    amount_fen: int | None


@dataclass(frozen=True, slots=True)
class Zj2016Parameters:
    """Every value the regime's rules read; the names are those of the file, where each is explained."""

    registered_months_min: History[int]
    photo_required: History[bool]
    excused_from: History[tuple[Requirement, ...]]
    represented_below_age: History[int]
    elderly_age_min: History[int]
    issue_days_max: History[int]
    issue_days_max_remote: History[int]
    endorsement_anchor: History[EndorsementAnchor]
    endorsement_window_months: History[int]
    issue_in_window_counts_as_endorsement: History[bool]
    suspended_period_counts: History[bool]
    card_change_days_max: History[int]
    old_card_handed_back: History[bool]
    issuing_body_zh: History[str]
    evidence_types: Register[EvidenceType]
    fees: Register[Fee]
    end_reasons: Register[Reason]
    entitlements: Register[Entitlement]


def read_parameters(document: Document) -> Zj2016Parameters:
    """The values in `zj_2016.toml`. Raises ParameterError."""
    parameters = Zj2016Parameters(
        registered_months_min=document.history("registered_months_min", whole_number(1, 120)),
        photo_required=document.history("photo_required", flag),
        excused_from=document.history("excused_from", list_of(one_of(Requirement))),
        represented_below_age=document.history("represented_below_age", whole_number(1, 30)),
        elderly_age_min=document.history("elderly_age_min", whole_number(50, 100)),
        issue_days_max=document.history("issue_days_max", whole_number(1, 365)),
        issue_days_max_remote=document.history("issue_days_max_remote", whole_number(1, 365)),
        endorsement_anchor=document.history("endorsement_anchor", one_of(EndorsementAnchor)),
        endorsement_window_months=document.history("endorsement_window_months", whole_number(1, 11)),
        issue_in_window_counts_as_endorsement=document.history("issue_in_window_counts_as_endorsement", flag),
        suspended_period_counts=document.history("suspended_period_counts", flag),
        card_change_days_max=document.history("card_change_days_max", whole_number(1, 365)),
        old_card_handed_back=document.history("old_card_handed_back", flag),
        issuing_body_zh=document.history("issuing_body_zh", text),
        evidence_types=document.register("evidence_types", _read_evidence_type),
        fees=document.register("fees", _read_fee),
        end_reasons=document.register("end_reasons", _read_end_reason),
        entitlements=document.register("entitlements", _read_entitlement),
    )
    document.finish()
    return parameters


def _read_evidence_type(fields: Fields) -> EvidenceType:
    return EvidenceType(
        ground=fields.take("ground", one_of(Ground)),
        code=fields.take("code", text),
        name_zh=fields.take("name_zh", text),
        name_en=fields.take("name_en", text),
    )


def _read_fee(fields: Fields) -> Fee:
    item = fields.take("item", one_of(FeeItem))
    if fields.has("amount_fen") == fields.has("not_set"):
        raise ParameterError(f"{fields.where}: give either 'amount_fen' or 'not_set = true'")
    fields.take_optional("not_set", flag)
    return Fee(item, fields.take_optional("amount_fen", whole_number(0, 100_000)))


def _read_end_reason(fields: Fields) -> Reason:
    return Reason(
        code=fields.take("code", one_of(EndReason)).value,
        article=fields.take("article", text),
        rule=fields.peek("rule", text),
        message_zh=fields.take("message_zh", text),
        message_en=fields.take("message_en", text),
    )


def _read_entitlement(fields: Fields) -> Entitlement:
    return Entitlement(
        kind=fields.take("kind", one_of(EntitlementKind)),
        code=fields.take("code", text),
        article=fields.take("article", text),
        rule=fields.peek("rule", text),
        name_zh=fields.take("name_zh", text),
        name_en=fields.take("name_en", text),
    )
