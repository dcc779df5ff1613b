"""Numbers of identity documents: the vectors of codes.md as cases, and what MOD 11-2 promises as properties."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.registry.rules.citizen_number import (
    CitizenNumber,
    RefusedNumber,
    check_character,
    normalise,
    parse_citizen_number,
)
from services.registry.rules.findings import Finding
from services.registry.rules.identity_number import (
    DocumentNumber,
    DocumentType,
    Origin,
    cross_check,
    masked_number,
    normalised_number,
    origin_of,
    parse_document_number,
)
from tests.registry.case_files import Case, cases, law

TODAY = date(2026, 11, 23)
QUICK = settings(max_examples=60, deadline=None)


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def told(parsed: CitizenNumber | DocumentNumber | RefusedNumber, asked: dict[str, Any]) -> dict[str, Any]:
    """What was found, for the keys the case asks about."""
    if isinstance(parsed, RefusedNumber):
        return {"problems": codes(parsed.problems)}
    found: dict[str, Any] = {key: getattr(parsed, key) for key in asked if key != "warnings"}
    return found | ({"warnings": codes(parsed.warnings)} if parsed.warnings else {})


@pytest.mark.parametrize("case", cases("identity_numbers", "citizen_number"))
def test_citizen_number(case: Case) -> None:
    parsed = parse_citizen_number(case["number"], today=case.get("today", TODAY), divisions=law().divisions)

    assert told(parsed, case["expected"]) == case["expected"]


@pytest.mark.parametrize("case", cases("identity_numbers", "same_number"))
def test_same_card_gives_the_same_number(case: Case) -> None:
    document_type = DocumentType(case["type"])

    assert normalised_number(document_type, case["typed"]) == case["expected"]
    assert normalised_number(document_type, case["expected"]) == case["expected"]


@pytest.mark.parametrize("case", cases("identity_numbers", "document"))
def test_document_number(case: Case) -> None:
    parsed = parse_document_number(DocumentType(case["type"]), case["number"], today=TODAY, divisions=law().divisions)

    assert told(parsed, case["expected"]) == case["expected"]


@pytest.mark.parametrize("document_type", list(DocumentType))
def test_every_type_has_a_rule_and_refuses_an_empty_number(document_type: DocumentType) -> None:
    assert isinstance(parse_document_number(document_type, " ", today=TODAY), RefusedNumber)


def test_messages_and_repr_never_repeat_the_number() -> None:
    number = "330282198506150022"
    refused = parse_citizen_number(number, today=TODAY)
    accepted = parse_citizen_number("330282198506150021", today=TODAY)

    assert "3302" not in repr(refused)
    assert "198506150021" not in repr(accepted)
    assert "1985" not in repr(accepted)


@pytest.mark.parametrize(
    ("typed", "masked"),
    [("330282198506150021", "****0021"), ("330282620927690", "****7690"), ("E12345678", "****"), ("", "****")],
)
def test_mask_keeps_four_characters_at_most_and_never_the_birth_date(typed: str, masked: str) -> None:
    assert masked_number(typed) == masked


def document(birth_date: date | None = None, sex_code: str | None = None) -> DocumentNumber:
    return DocumentNumber(DocumentType.CITIZEN_ID, "", birth_date=birth_date, sex_code=sex_code)


BORN = date(1985, 6, 15)


@pytest.mark.parametrize(
    ("stated", "documents", "resolved", "derived", "conflicts"),
    [
        ((None, None), [document(BORN, "2")], (BORN, "2"), ("birth_date", "sex_code"), ()),
        ((BORN, "2"), [document(BORN, "2")], (BORN, "2"), (), ()),
        ((BORN, "9"), [document(BORN, "2")], (BORN, "9"), (), ()),
        ((BORN, "0"), [document(BORN, "2")], (BORN, "0"), (), ()),
        ((None, None), [document()], (None, None), (), ()),
        ((BORN, "1"), [document(BORN, "2")], (BORN, "1"), (), (("sex_code", "identity_documents/0/number"),)),
        (
            (BORN + timedelta(days=1), "1"),
            [document(BORN, "2")],
            (BORN + timedelta(days=1), "1"),
            (),
            (("birth_date", "identity_documents/0/number"), ("sex_code", "identity_documents/0/number")),
        ),
        (
            (None, "2"),
            [document(BORN), document(BORN + timedelta(days=1), "2")],
            (BORN, "2"),
            ("birth_date",),
            (("identity_documents/0/number", "identity_documents/1/number"),),
        ),
    ],
)
def test_what_is_stated_is_checked_against_the_numbers_and_conflicts_name_both_fields(
    stated: tuple[date | None, str | None],
    documents: list[DocumentNumber],
    resolved: tuple[date | None, str | None],
    derived: tuple[str, ...],
    conflicts: tuple[tuple[str, str], ...],
) -> None:
    facts = cross_check(documents, stated_birth_date=stated[0], stated_sex_code=stated[1])

    assert (facts.birth_date, facts.sex_code) == resolved
    assert facts.derived == derived
    assert facts.conflicts == conflicts


@pytest.mark.parametrize(
    ("types", "origin"),
    [
        ({DocumentType.PASSPORT, DocumentType.CITIZEN_ID}, Origin.MAINLAND),
        ({DocumentType.BIRTH_CERTIFICATE}, Origin.MAINLAND),
        ({DocumentType.PASSPORT, DocumentType.HMT_TRAVEL_PERMIT}, Origin.HONG_KONG_MACAO_TAIWAN),
        ({DocumentType.PASSPORT}, Origin.FOREIGN),
        ({DocumentType.OTHER}, Origin.UNKNOWN),
        (set(), Origin.UNKNOWN),
    ],
)
def test_documents_held_tell_whose_rules_apply(types: set[DocumentType], origin: Origin) -> None:
    assert origin_of(types) is origin


digits_17 = st.text("0123456789", min_size=17, max_size=17)
births = st.dates(date(1900, 1, 1), date(1999, 12, 31))
sequences = st.integers(0, 999)
divisions = st.sampled_from(["330282", "341204", "522401", "360426"])


@QUICK
@given(digits_17, st.integers(0, 16), st.integers(1, 9))
def test_check_character_tells_every_change_of_one_digit(body: str, position: int, step: int) -> None:
    changed = str((int(body[position]) + step) % 10)

    assert check_character(body[:position] + changed + body[position + 1 :]) != check_character(body)


@QUICK
@given(digits_17, st.integers(0, 15))
def test_check_character_tells_every_swap_of_unequal_neighbours(body: str, position: int) -> None:
    assume(body[position] != body[position + 1])
    swapped = body[:position] + body[position + 1] + body[position] + body[position + 2 :]

    assert check_character(swapped) != check_character(body)


@QUICK
@given(digits_17)
def test_weights_are_powers_of_two_modulo_eleven(body: str) -> None:
    """An independent way to the same character: ISO 7064 MOD 11-2 is a polynomial in 2, and the whole is congruent to 1."""
    check = check_character(body)
    digits = [*map(int, body), 10 if check == "X" else int(check)]

    assert sum(digit * pow(2, 17 - place, 11) for place, digit in enumerate(digits)) % 11 == 1


@QUICK
@given(divisions, births, sequences)
def test_fifteen_digits_and_eighteen_are_the_same_person(division: str, birth_date: date, sequence: int) -> None:
    old = f"{division}{birth_date:%y%m%d}{sequence:03d}"
    from_old = parse_citizen_number(old, today=TODAY)
    assert isinstance(from_old, CitizenNumber)
    from_new = parse_citizen_number(from_old.number, today=TODAY)

    assert isinstance(from_new, CitizenNumber)
    assert (from_old.birth_date, from_old.number) == (birth_date, from_new.number)
    assert from_old.number[:6] + from_old.number[8:17] == old
    assert (from_old.was_15_digits, from_new.was_15_digits) == (True, False)
    assert from_old.sex_code == ("1" if sequence % 2 else "2")
    assert normalised_number(DocumentType.CITIZEN_ID, old) == normalised_number(DocumentType.CITIZEN_ID, from_new.number)


@QUICK
@given(st.text(max_size=30))
def test_cleaning_twice_changes_nothing_and_never_fails(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    for document_type in DocumentType:
        once = normalised_number(document_type, text)
        assert normalised_number(document_type, once) == once
        parse_document_number(document_type, text, today=TODAY, divisions=law().divisions)
