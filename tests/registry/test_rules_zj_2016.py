"""Regime zj-2016: the cases officials can read, each turning on the day it names, and the lists the law gives."""

from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.chassis.parameters import History
from services.registry.rules.identity_number import Origin
from services.registry.rules.permit_states import PermitStatus
from services.registry.rules.residence_permit import (
    Applicant,
    ApplicationFacts,
    CardData,
    CardReplacementCause,
    EndorsementAnchor,
    EndorsementFacts,
    EndReason,
    EntitlementKind,
    Excusal,
    FeeItem,
    Ground,
    Infirmity,
    PermitFacts,
    PermitRules,
    Reason,
    ResidenceYear,
)
from services.registry.rules.zj_2016 import Zj2016
from tests.registry.case_files import Case, cases, law

TODAY = date(2026, 11, 23)
USUAL: dict[str, Any] = {
    "applied_on": date(2024, 3, 1),
    "registered_since": date(2023, 1, 1),
    "ground": "employment",
    "evidence_types": ["labour_contract"],
    "has_identity_document": True,
    "birth_date": date(1990, 1, 1),
    "is_floating": True,
}
ENUMS = {"ground": Ground, "applicant": Applicant, "infirmity": Infirmity, "excused_as": Excusal, "origin": Origin}


def regime() -> Zj2016:
    rules = law().regimes.rules_for("zj-2016")
    assert isinstance(rules, Zj2016)
    return rules


def anchored(case: Case) -> PermitRules:
    """The regime, with the anchor a case asks for in place of the city's."""
    if "anchor" not in case:
        return regime()
    anchor = History.constant(EndorsementAnchor(case["anchor"]))
    return Zj2016(replace(regime().parameters, endorsement_anchor=anchor))


def application(written: dict[str, Any]) -> ApplicationFacts:
    known = {**USUAL, **written}
    assert set(known) <= {field.name for field in fields(ApplicationFacts)}
    read: Case = {key: ENUMS[key](value) if key in ENUMS else value for key, value in known.items()}
    read = {key: None if value in ("none", "unknown") else value for key, value in read.items()}
    return ApplicationFacts(**{**read, "evidence_types": tuple(read["evidence_types"])})


def application_outcome(facts: ApplicationFacts, asked: dict[str, Any]) -> dict[str, Any]:
    assessment = regime().assess_application(facts)
    assert assessment.accepted == (not assessment.reasons) == (assessment.due_on is not None)
    found = {key: getattr(assessment, key) for key in asked}
    return found | ({"reasons": [reason.code for reason in assessment.reasons]} if "reasons" in asked else {})


def window(year: ResidenceYear) -> list[date]:
    return [year.window_opens_on, year.window_closes_on]


def function_outcome(case: Case, on: date, asked: dict[str, Any]) -> dict[str, Any]:
    rules, permit = anchored(case), permit_of(case["permit"])
    standing, years = rules.function_status(permit, on), rules.residence_years(permit, on)
    assert years.counted_from == standing.counted_from
    found = {
        "status": standing.status.value,
        "suspended_since": standing.suspended_since,
        "anchor": standing.anchor,
        "counted_from": standing.counted_from,
        "window": window(standing.next_year),
        "years": years.whole_years,
        "is_counting": years.is_counting,
    }
    return {key: found[key] for key in asked}


def permit_of(written: dict[str, Any]) -> PermitFacts:
    return PermitFacts(**{**written, "endorsed_on": tuple(written["endorsed_on"])})


def endorsement_outcome(case: Case, on: date, asked: dict[str, Any]) -> dict[str, Any]:
    permit = permit_of(
        {
            "residence_start": date(2023, 5, 10),
            "issued_on": date(2023, 11, 20),
            "endorsed_on": [],
            **case.get("permit", {}),
        }
    )
    decided = regime().assess_endorsement(EndorsementFacts(permit, on, **{"is_registered": True, **case.get("facts", {})}))
    found = {
        "accepted": decided.accepted,
        "reasons": [reason.code for reason in decided.reasons],
        "is_late": decided.is_late,
        "next_window": window(decided.next_year),
    }
    return {key: found[key] for key in asked}


def turning(topic: str) -> list[Any]:
    """The cases of a topic that name the day they turn on."""
    return [case for case in cases("residence_permits", topic) if "shifted" in case.values[0]]


def moved(day: date, case: Case) -> date:
    return day + timedelta(days=case["shifted"]["days"])


@pytest.mark.parametrize("case", cases("residence_permits", "application"))
def test_application(case: Case) -> None:
    assert application_outcome(application(case["facts"]), case["expected"]) == case["expected"]


@pytest.mark.parametrize("case", turning("application"))
def test_application_turns_on_the_day_the_case_names(case: Case) -> None:
    shifted, facts = case["shifted"], application(case["facts"])
    change: Case = {shifted["fact"]: moved(getattr(facts, shifted["fact"]), case)}
    changed = replace(facts, **change)

    assert application_outcome(changed, shifted["expected"]) == shifted["expected"]
    assert application_outcome(facts, shifted["expected"]) != shifted["expected"]


@pytest.mark.parametrize("case", cases("residence_permits", "function"))
def test_function(case: Case) -> None:
    assert function_outcome(case, case["on"], case["expected"]) == case["expected"]


@pytest.mark.parametrize("case", turning("function"))
def test_function_turns_on_the_day_the_case_names(case: Case) -> None:
    expected = case["shifted"]["expected"]

    assert function_outcome(case, moved(case["on"], case), expected) == expected
    assert function_outcome(case, case["on"], expected) != expected


@pytest.mark.parametrize("case", cases("residence_permits", "endorsement"))
def test_endorsement(case: Case) -> None:
    assert endorsement_outcome(case, case["requested_on"], case["expected"]) == case["expected"]


@pytest.mark.parametrize("case", turning("endorsement"))
def test_endorsement_turns_on_the_day_the_case_names(case: Case) -> None:
    expected = case["shifted"]["expected"]
    after = endorsement_outcome(case, moved(case["requested_on"], case), case["expected"] | expected)
    before = endorsement_outcome(case, case["requested_on"], case["expected"] | expected)

    assert {key: after[key] for key in expected} == expected
    assert after != before


def test_every_boundary_case_of_the_policy_page_turns_on_a_day() -> None:
    """A boundary that no shifted day proves would let a wrong date pass."""
    topics = ("application", "function", "endorsement")
    boundary = [
        case.values[0] for topic in topics for case in cases("residence_permits", topic) if "boundary" in case.values[0]
    ]
    proved_by_a_sibling = {"endorsed on the last day of the window", "the same permit anchored on residence is long suspended"}

    assert len(boundary) >= 10
    assert {case["name_en"] for case in boundary if "shifted" not in case} == proved_by_a_sibling


def test_photo_is_asked_for_when_the_city_says_so() -> None:
    rules = Zj2016(replace(regime().parameters, photo_required=History.constant(value=True)))
    facts = application({})

    assert [reason.code for reason in rules.assess_application(facts).reasons] == ["photo_missing"]
    assert rules.assess_application(replace(facts, has_photo=True)).accepted
    assert rules.assess_application(replace(facts, evidence_types=("labour_contract", "photo"))).accepted


def test_a_longer_time_of_residence_is_a_matter_of_a_parameter() -> None:
    rules = Zj2016(replace(regime().parameters, registered_months_min=History.constant(12)))

    assert rules.eligible_from(date(2023, 3, 15), on=TODAY) == date(2024, 3, 15)


def test_suspended_time_counts_when_the_city_says_so() -> None:
    rules = Zj2016(replace(regime().parameters, suspended_period_counts=History.constant(value=True)))
    permit = PermitFacts(date(2019, 5, 10), date(2019, 11, 20))

    assert regime().residence_years(permit, TODAY).whole_years == 1
    assert rules.residence_years(permit, TODAY).whole_years == 7
    assert rules.residence_years(permit, TODAY).is_counting


def test_nothing_is_said_of_a_day_before_the_issue() -> None:
    with pytest.raises(ValueError, match="not issued yet"):
        regime().function_status(PermitFacts(date(2023, 5, 10), date(2023, 11, 20)), date(2023, 11, 19))


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (EntitlementKind.RIGHT, 3),
        (EntitlementKind.SERVICE, 6),
        (EntitlementKind.CONVENIENCE, 7),
        (EntitlementKind.PARTICIPATION, 1),
    ],
)
def test_a_valid_permit_gives_what_the_law_lists(kind: EntitlementKind, number: int) -> None:
    """RR-40 to RR-43."""
    given = regime().entitlements(PermitStatus.VALID, TODAY)

    assert given.reason is None
    assert len([item for item in given.items if item.kind is kind]) == number
    assert len({item.code for item in given.items}) == len(given.items) == 17
    assert all(item.article.startswith("《") and item.name_zh and item.name_en for item in given.items)


def test_participation_came_with_the_provincial_regulation() -> None:
    """RR-43 is in force from 2016-07-01, RR-40 from 2016-01-01."""
    before = regime().entitlements(PermitStatus.VALID, date(2016, 6, 30)).items
    after = regime().entitlements(PermitStatus.VALID, date(2016, 7, 1)).items

    assert [item.code for item in after if item not in before] == ["social_affairs"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (None, "no_permit"),
        (PermitStatus.REFUSED, "no_permit"),
        (PermitStatus.WITHDRAWN, "no_permit"),
        (PermitStatus.ACCEPTED, "permit_not_issued"),
        (PermitStatus.SUSPENDED, "function_suspended"),
        (PermitStatus.ENDED, "permit_ended"),
    ],
)
def test_any_other_status_gives_nothing_and_says_why(status: PermitStatus | None, code: str) -> None:
    given = regime().entitlements(status, TODAY)

    assert given.items == ()
    assert given.reason is not None
    assert given.reason.code == code


def test_fees_are_free_but_for_the_card_whose_price_is_not_known() -> None:
    """RR-35, RR-36."""
    fees = {item: regime().fee_fen(item, TODAY) for item in FeeItem}

    assert [item for item, amount in fees.items() if amount is None] == [FeeItem.REPLACEMENT, FeeItem.REISSUE]
    assert {amount for amount in fees.values() if amount is not None} == {0}


def test_every_end_reason_has_an_article() -> None:
    reasons = regime().end_reasons(TODAY)

    assert set(reasons) == set(EndReason)
    assert all(reason.article and reason.rule and reason.message_zh and reason.message_en for reason in reasons.values())


@pytest.mark.parametrize(
    ("cause", "is_returned", "codes"),
    [
        (CardReplacementCause.LOST, False, []),
        (CardReplacementCause.DAMAGED, True, []),
        (CardReplacementCause.DAMAGED, False, ["old_card_not_returned"]),
        (CardReplacementCause.DATA_CHANGED, False, ["old_card_not_returned"]),
    ],
)
def test_the_old_card_is_handed_back_unless_lost(cause: CardReplacementCause, is_returned: bool, codes: list[str]) -> None:
    reasons = regime().assess_card_replacement(cause, is_old_card_returned=is_returned, on=TODAY)

    assert [reason.code for reason in reasons] == codes


def test_change_of_card_data_is_told_within_ten_days() -> None:
    """RR-34."""
    in_time = regime().assess_card_change(changed_on=date(2024, 2, 20), reported_on=date(2024, 3, 1))
    late = regime().assess_card_change(changed_on=date(2024, 2, 20), reported_on=date(2024, 3, 2))

    assert (in_time.due_on, in_time.reported_late, late.reported_late) == (date(2024, 3, 1), False, True)


def test_evidence_list_is_that_of_the_decree() -> None:
    """RR-22."""
    held = {ground: {proof.code for proof in regime().evidence_types(TODAY) if proof.ground is ground} for ground in Ground}

    assert held == {
        Ground.EMPLOYMENT: {"business_licence", "labour_contract", "labour_relation_statement", "other_employment_proof"},
        Ground.HOME: {"lease", "title_document", "purchase_contract", "lodging_statement"},
        Ground.STUDY: {"student_card", "study_statement"},
    }


def test_a_refusal_names_every_paper_that_would_do_in_both_languages() -> None:
    (reason,) = regime().assess_application(application({"evidence_types": []})).reasons

    assert isinstance(reason, Reason)
    assert all(proof.name_zh in reason.message_zh for proof in regime().evidence_types(TODAY) if proof.ground == "employment")
    assert "labour contract" in reason.message_en
    assert reason.article == "《居住证暂行条例》第九条"


def test_card_shows_ten_things_and_nothing_else() -> None:
    """RR-28."""
    assert [field.name for field in fields(CardData)] == [
        "name",
        "sex_code",
        "ethnicity_code",
        "birth_date",
        "citizen_number",
        "photo",
        "hukou_address",
        "residence_address",
        "issuing_body",
        "issued_on",
    ]
    assert regime().issuing_body_zh(TODAY) == "慈溪市公安局"
