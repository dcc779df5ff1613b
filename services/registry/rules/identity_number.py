"""Numbers of identity documents (身份证件号码), policy C-01 to C-12.

A number is checked for what its standard fixes, and every problem is told at once. A doubtful division code is a warning
and never a rejection (C-07): codes change, and many genuine numbers carry repealed ones. Messages never repeat the number.

`normalised_number` is what tokens and blind indexes are computed over: the same card typed with full-width digits, a
lower-case `x`, spaces, or in its old 15-digit form gives the same text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from string import ascii_uppercase, digits

from services.registry.rules.citizen_number import (
    CHECK_CHARACTER_WRONG,
    RefusedNumber,
    birth_date_in,
    birth_date_warnings,
    check_character,
    division_code_warnings,
    normalise,
    parse_citizen_number,
    upgraded,
)
from services.registry.rules.division_tree import Divisions
from services.registry.rules.findings import Finding
from services.registry.rules.person_name import is_han


class DocumentType(StrEnum):
    """The kinds of document a person may be known by."""

    CITIZEN_ID = "citizen_id"
    """居民身份证 (GB 11643)"""
    HMT_RESIDENCE_PERMIT = "hmt_residence_permit"
    """港澳台居民居住证 (C-09)"""
    FOREIGN_PERMANENT_RESIDENT_CARD = "foreign_permanent_resident_card"
    """外国人永久居留身份证 (C-10, C-11)"""
    PASSPORT = "passport"
    """护照"""
    HMT_TRAVEL_PERMIT = "hmt_travel_permit"
    """港澳居民来往内地通行证、台湾居民来往大陆通行证"""
    MILITARY_ID = "military_id"
    """军人身份证件"""
    POLICE_ID = "police_id"
    """武警身份证件"""
    HOUSEHOLD_REGISTER = "household_register"
    """居民户口簿 (a child may be known by it)"""
    BIRTH_CERTIFICATE = "birth_certificate"
    """出生医学证明"""
    OTHER = "other"
    """其他"""


class NoDocumentReason(StrEnum):
    """Why a person is registered without any document."""

    NEWBORN = "newborn"
    LOST = "lost"
    NEVER_ISSUED = "never_issued"


class Origin(StrEnum):
    """Whose rules a person follows (RR-11): foreigners and residents of Hong Kong, Macao and Taiwan have separate ones."""

    MAINLAND = "mainland"
    HONG_KONG_MACAO_TAIWAN = "hong_kong_macao_taiwan"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DocumentNumber:
    """A number of any document type that stands; what the number does not say is `None`."""

    type: DocumentType
    number: str = field(repr=False)
    division_code: str | None = None
    birth_date: date | None = field(default=None, repr=False)
    sex_code: str | None = None
    was_15_digits: bool = False
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonalFacts:
    """Birth date and sex after cross-checking what was stated with what the documents say.

    `derived` names the fields taken from a number because they were not stated (`birth_date`, `sex_code`). `conflicts`
    names each pair of fields that disagree, e.g. `("birth_date", "identity_documents/0/number")`; then nothing may be
    stored.
    """

    birth_date: date | None
    sex_code: str | None
    derived: tuple[str, ...]
    conflicts: tuple[tuple[str, str], ...]


def parse_document_number(
    document_type: DocumentType, text: str, *, today: date, divisions: Divisions | None = None
) -> DocumentNumber | RefusedNumber:
    """Check the number of a document of any type (C-01 to C-12)."""
    match document_type:
        case DocumentType.CITIZEN_ID:
            return _citizen_id(text, today, divisions)
        case DocumentType.HMT_RESIDENCE_PERMIT:
            return _hmt_residence_permit(text, today)
        case DocumentType.FOREIGN_PERMANENT_RESIDENT_CARD:
            return _foreign_permanent_resident_card(text, today, divisions)
        case _:
            return _free_number(document_type, text)


def normalised_number(document_type: DocumentType, text: str) -> str:
    """What tokens are computed over. Never fails: a malformed number gives its cleaned text."""
    typed = normalise(text)
    return upgraded(typed) if document_type is DocumentType.CITIZEN_ID else typed


def number_space(document_type: DocumentType) -> DocumentType:
    """The type under which a number belongs to one person only.

    The residence permit of Hong Kong, Macao and Taiwan residents and the card of foreign permanent residents carry citizen
    numbers (C-09, C-11): the same number entered as another of the three cards is the same person.
    """
    return DocumentType.CITIZEN_ID if document_type in _CARDS_WITH_CITIZEN_NUMBERS else document_type


def masked_number(text: str) -> str:
    """At most the last four characters, never the birth date (privacy §9); of a number under twelve characters none. Not a
    key (V-60).
    """
    number = normalise(text)
    return _MASK + (number[-4:] if len(number) >= 12 else "")


def cross_check(
    documents: Iterable[DocumentNumber], *, stated_birth_date: date | None, stated_sex_code: str | None
) -> PersonalFacts:
    """Compare what was stated with what each number says; fill what was not stated; name both sides of each conflict.

    `documents` in the order of `identity_documents`. A stated sex of `0` (unknown) or `9` (not stated) is kept and
    conflicts with nothing (codes.md, trap 3).
    """
    birth_date, sex_code = stated_birth_date, stated_sex_code
    derived: dict[str, str] = {}
    conflicts: list[tuple[str, str]] = []
    for position, document in enumerate(documents):
        source = f"identity_documents/{position}/number"
        if document.birth_date is not None:
            if birth_date is None:
                birth_date, derived["birth_date"] = document.birth_date, source
            elif birth_date != document.birth_date:
                conflicts.append((derived.get("birth_date", "birth_date"), source))
        if document.sex_code is not None:
            if sex_code is None:
                sex_code, derived["sex_code"] = document.sex_code, source
            elif sex_code in {"1", "2"} and sex_code != document.sex_code:
                conflicts.append((derived.get("sex_code", "sex_code"), source))
    return PersonalFacts(birth_date, sex_code, tuple(derived), tuple(conflicts))


def origin_of(document_types: Iterable[DocumentType]) -> Origin:
    """Whose rules a person follows, by the documents held: any mainland document decides, then any of Hong Kong, Macao or
    Taiwan.

    A passport alone counts as foreign: a citizen who has only a passport is asked for the citizen number first.
    """
    held = frozenset(document_types)
    for types, origin in _ORIGINS:
        if held & types:
            return origin
    return Origin.UNKNOWN


def _citizen_id(text: str, today: date, divisions: Divisions | None) -> DocumentNumber | RefusedNumber:
    parsed = parse_citizen_number(text, today=today, divisions=divisions)
    if isinstance(parsed, RefusedNumber):
        return parsed
    other_card = (_LOOKS_LIKE_HMT,) if parsed.division_code in _HMT_CODES else ()
    return DocumentNumber(
        DocumentType.CITIZEN_ID,
        parsed.number,
        parsed.division_code,
        parsed.birth_date,
        parsed.sex_code,
        parsed.was_15_digits,
        (*parsed.warnings, *other_card),
    )


def _hmt_residence_permit(text: str, today: date) -> DocumentNumber | RefusedNumber:
    """Same form and check as the citizen number, never 15 digits, the first six 810000, 820000 or 830000 (C-09)."""
    number = normalise(text)
    parsed = parse_citizen_number(number, today=today)
    problems = parsed.problems if isinstance(parsed, RefusedNumber) else ()
    if len(number) == 15:
        problems = (_LENGTH_18,)
    if number[:6] not in _HMT_CODES:
        problems = (*problems, _NOT_HMT)
    if isinstance(parsed, RefusedNumber) or problems:
        return RefusedNumber(problems)
    return DocumentNumber(
        DocumentType.HMT_RESIDENCE_PERMIT,
        number,
        parsed.division_code,
        parsed.birth_date,
        parsed.sex_code,
        warnings=parsed.warnings,
    )


def _foreign_permanent_resident_card(text: str, today: date, divisions: Divisions | None) -> DocumentNumber | RefusedNumber:
    """Old: 3 letters and 12 digits (C-10). New: 9, province, nationality, birth date, sequence, check character (C-11)."""
    card, number = DocumentType.FOREIGN_PERMANENT_RESIDENT_CARD, normalise(text)
    if re.fullmatch(r"[A-Z]{3}[0-9]{12}", number):
        return DocumentNumber(card, number)
    if not re.fullmatch(r"9[0-9]{16}[0-9X]", number):
        return RefusedNumber((_FOREIGN_FORM,))
    birth_date, problems = birth_date_in(number[6:14], today)
    if check_character(number[:17]) != number[17]:
        problems = (*problems, CHECK_CHARACTER_WRONG)
    if birth_date is None or problems:
        return RefusedNumber(problems)
    province = number[1:3]
    warnings = (*birth_date_warnings(birth_date), *division_code_warnings(province, birth_date, today, divisions))
    return DocumentNumber(card, number, province, birth_date, warnings=warnings)


def _free_number(document_type: DocumentType, text: str) -> DocumentNumber | RefusedNumber:
    """Type and free string: no check digit rule exists, only a sane length and sane characters (C-12)."""
    number = normalise(text)
    form = _FREE_FORMS[document_type]
    problems = []
    if not form.length_min <= len(number) <= form.length_max:
        problems.append(form.length_problem)
    if not all(char in form.allowed or (form.is_chinese_allowed and is_han(char)) for char in number):
        problems.append(form.character_problem)
    if not any(char.isdigit() for char in number):
        problems.append(_NO_DIGIT)
    return RefusedNumber(tuple(problems)) if problems else DocumentNumber(document_type, number)


@dataclass(frozen=True, slots=True)
class _FreeForm:
    """What a free number of one type may look like."""

    length_min: int
    length_max: int
    allowed: frozenset[str]
    is_chinese_allowed: bool = False

    @property
    def length_problem(self) -> Finding:
        return Finding(
            "length",
            "C-12",
            f"证件号码应为{self.length_min}至{self.length_max}个字符。",
            f"The number should have {self.length_min} to {self.length_max} characters.",
        )

    @property
    def character_problem(self) -> Finding:
        return Finding(
            "characters", "C-12", "证件号码含有不允许的字符。", "The number has characters that do not belong there."
        )


_CARDS_WITH_CITIZEN_NUMBERS = frozenset({DocumentType.HMT_RESIDENCE_PERMIT, DocumentType.FOREIGN_PERMANENT_RESIDENT_CARD})
_HMT_CODES = frozenset({"810000", "820000", "830000"})
_MASK = "****"


_PLAIN = frozenset(ascii_uppercase + digits)
_MARKED = _PLAIN | frozenset("-/().")
_FREE_FORMS = {
    DocumentType.PASSPORT: _FreeForm(5, 20, _PLAIN),
    DocumentType.HMT_TRAVEL_PERMIT: _FreeForm(7, 20, _PLAIN | frozenset("()")),
    DocumentType.MILITARY_ID: _FreeForm(4, 40, _MARKED, is_chinese_allowed=True),
    DocumentType.POLICE_ID: _FreeForm(4, 40, _MARKED, is_chinese_allowed=True),
    DocumentType.HOUSEHOLD_REGISTER: _FreeForm(2, 40, _MARKED, is_chinese_allowed=True),
    DocumentType.BIRTH_CERTIFICATE: _FreeForm(4, 40, _MARKED, is_chinese_allowed=True),
    DocumentType.OTHER: _FreeForm(2, 40, _MARKED, is_chinese_allowed=True),
}
_ORIGINS = (
    (
        frozenset(
            {
                DocumentType.CITIZEN_ID,
                DocumentType.HOUSEHOLD_REGISTER,
                DocumentType.MILITARY_ID,
                DocumentType.POLICE_ID,
                DocumentType.BIRTH_CERTIFICATE,
            }
        ),
        Origin.MAINLAND,
    ),
    (frozenset({DocumentType.HMT_RESIDENCE_PERMIT, DocumentType.HMT_TRAVEL_PERMIT}), Origin.HONG_KONG_MACAO_TAIWAN),
    (frozenset({DocumentType.FOREIGN_PERMANENT_RESIDENT_CARD, DocumentType.PASSPORT}), Origin.FOREIGN),
)

_LENGTH_18 = Finding("length", "C-09", "港澳台居民居住证号码应为18位。", "The number of this permit has 18 characters.")
_NOT_HMT = Finding(
    "not_this_permit",
    "C-09",
    "港澳台居民居住证号码前六位应为810000、820000或830000。",
    "The number of this permit begins with 810000, 820000 or 830000.",
)
_LOOKS_LIKE_HMT = Finding(
    "looks_like_hmt_residence_permit",
    "C-09",
    "号码符合港澳台居民居住证的形式,请核对证件类型。",
    "The number has the form of the residence permit for residents of Hong Kong, Macao and Taiwan; "
    "check the type of the document.",
)
_FOREIGN_FORM = Finding(
    "form",
    "C-10, C-11",
    "外国人永久居留身份证号码应为3个字母加12位数字,或以9开头的18位号码。",
    "The card number has 3 letters and 12 digits, or 18 characters beginning with 9.",
)
_NO_DIGIT = Finding("no_digit", "C-12", "证件号码中没有数字。", "The number has no digit in it.")
