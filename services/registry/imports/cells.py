"""Cells of a roster as the fields of the single door: dates in the spellings offices use, codes by number or by Chinese name.

What is not understood as a code is passed on as it stands, so that the rule that refuses it says why.
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from services.chassis.clock import LAW_ZONE
from services.chassis.long_work.tables.refusals import NotUnderstoodError
from services.registry.actions.law import LAW
from services.registry.rules.code_tables import CodeTable
from services.registry.rules.employment import EmploymentEndReason
from services.registry.rules.field_work.visits import VisitOutcome, VisitSubject
from services.registry.rules.identity_number import DocumentType
from services.registry.rules.residence_registration import Reporter, ResidenceKind

ChoiceT = TypeVar("ChoiceT", bound=StrEnum)

_DAY = r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))"
_DATE = re.compile(rf"{_DAY}(?:[ T]\d{{1,2}}:\d{{2}}(?::\d{{2}})?)?")
_INSTANT = re.compile(rf"({_DAY})(?:[ T]*(\d{{1,2}})[:：时](\d{{1,2}})分?(?::(\d{{1,2}}))?)?")
_NUMBER = re.compile("[0-9]{1,9}")
_REMEMBERED = 1 << 16

_DOCUMENT_TYPES = {
    "居民身份证": DocumentType.CITIZEN_ID,
    "身份证": DocumentType.CITIZEN_ID,
    "港澳台居民居住证": DocumentType.HMT_RESIDENCE_PERMIT,
    "外国人永久居留身份证": DocumentType.FOREIGN_PERMANENT_RESIDENT_CARD,
    "护照": DocumentType.PASSPORT,
    "港澳居民来往内地通行证": DocumentType.HMT_TRAVEL_PERMIT,
    "台湾居民来往大陆通行证": DocumentType.HMT_TRAVEL_PERMIT,
    "军人证": DocumentType.MILITARY_ID,
    "武警证": DocumentType.POLICE_ID,
    "户口簿": DocumentType.HOUSEHOLD_REGISTER,
    "出生医学证明": DocumentType.BIRTH_CERTIFICATE,
    "其他": DocumentType.OTHER,
}
_RESIDENCE_KINDS = {
    "租赁": ResidenceKind.RENTED,
    "租房": ResidenceKind.RENTED,
    "出租房": ResidenceKind.RENTED,
    "自购": ResidenceKind.OWNED,
    "自有": ResidenceKind.OWNED,
    "自购房": ResidenceKind.OWNED,
    "单位宿舍": ResidenceKind.EMPLOYER_DORMITORY,
    "员工宿舍": ResidenceKind.EMPLOYER_DORMITORY,
    "学校宿舍": ResidenceKind.SCHOOL_DORMITORY,
    "亲友家": ResidenceKind.RELATIVE,
    "投亲靠友": ResidenceKind.RELATIVE,
    "其他": ResidenceKind.OTHER,
}
_REPORTERS = {
    "本人": Reporter.SELF,
    "监护人": Reporter.GUARDIAN,
    "用人单位": Reporter.EMPLOYER,
    "单位": Reporter.EMPLOYER,
    "房东": Reporter.LANDLORD,
    "出租人": Reporter.LANDLORD,
    "物业": Reporter.PROPERTY_MANAGER,
    "中介": Reporter.AGENCY,
    "机构": Reporter.INSTITUTION,
    "学校": Reporter.INSTITUTION,
}
_VISIT_SUBJECTS = {"人员": VisitSubject.PERSON, "个人": VisitSubject.PERSON, "房屋": VisitSubject.HOME}
_VISIT_OUTCOMES = {
    "属实": VisitOutcome.FOUND,
    "见到": VisitOutcome.FOUND,
    "未见到": VisitOutcome.NOT_FOUND,
    "已搬离": VisitOutcome.MOVED,
    "地址不符": VisitOutcome.DIFFERENT_ADDRESS,
    "未登记": VisitOutcome.FOUND_NOT_REGISTERED,
}
_ANSWERS = {"": None, "是": True, "一致": True, "true": True, "否": False, "不一致": False, "false": False}
_END_REASONS = {
    "辞职": EmploymentEndReason.RESIGNED,
    "离职": EmploymentEndReason.RESIGNED,
    "辞退": EmploymentEndReason.DISMISSED,
    "合同到期": EmploymentEndReason.CONTRACT_EXPIRED,
    "退休": EmploymentEndReason.RETIRED,
    "死亡": EmploymentEndReason.DIED,
    "其他": EmploymentEndReason.OTHER,
}
# The groups of GB/T 4658: such a word does not say whether the studies were completed.
_EDUCATION_GROUPS = {
    "研究生": "10",
    "博士": "10",
    "硕士": "10",
    "大学": "20",
    "本科": "20",
    "大学本科": "20",
    "大专": "30",
    "专科": "30",
    "中专": "40",
    "职高": "40",
    "技校": "40",
    "高中": "60",
    "初中": "70",
    "小学": "80",
}
_SEXES = {"男": "1", "女": "2", "male": "1", "female": "2", "未知": "0", "未说明": "9"}


@lru_cache(_REMEMBERED)
def as_date(text: str, pointer: str) -> date:
    """`2026-03-01`, `2026/3/1`, `2026.3.1`, `20260301`, `2026年3月1日`, also with a time of day behind it."""
    match = _DATE.fullmatch(text)
    if match is not None:
        year, month, day, month_too, day_too = match.groups()
        try:
            return date(int(year), int(month or month_too), int(day or day_too))
        except ValueError:
            pass
    raise NotUnderstoodError(pointer, "date", "应为日期，例如 2026-03-01", "a date such as 2026-03-01 is expected")


def as_instant(text: str, pointer: str) -> datetime:
    """A date as `as_date` reads it with a time of day behind it, on the clocks of this country, or else its first moment."""
    match = _INSTANT.fullmatch(text)
    if match is not None:
        day, *_, hour, minute, second = match.groups()
        try:
            return datetime.combine(as_date(day, pointer), time(int(hour or 0), int(minute or 0), int(second or 0)), LAW_ZONE)
        except ValueError:
            pass
    zh, en = "应为日期和时间，例如 2026-03-01 14:30", "a date and time such as 2026-03-01 14:30 is expected"
    raise NotUnderstoodError(pointer, "instant", zh, en)


def document_type(text: str) -> DocumentType:
    """By Chinese name or by code; an empty cell is the resident identity card."""
    return _choice(text or DocumentType.CITIZEN_ID, _DOCUMENT_TYPES, DocumentType, "/identity_documents/0/type")


def residence_kind(text: str) -> ResidenceKind:
    """By Chinese name or by code; an empty cell is `other`."""
    return _choice(text or ResidenceKind.OTHER, _RESIDENCE_KINDS, ResidenceKind, "/residence_kind")


def reporter(text: str) -> Reporter:
    """By Chinese name or by code; an empty cell is the employer, who brings most rosters."""
    return _choice(text or Reporter.EMPLOYER, _REPORTERS, Reporter, "/reported_by")


def visit_subject(text: str) -> VisitSubject:
    """By Chinese name or by code."""
    return _choice(text, _VISIT_SUBJECTS, VisitSubject, "/subject")


def visit_outcome(text: str) -> VisitOutcome:
    """By Chinese name or by code."""
    return _choice(text, _VISIT_OUTCOMES, VisitOutcome, "/outcome")


def answer(text: str, pointer: str) -> bool | None:
    """Yes, no, or not said."""
    if text.lower() not in _ANSWERS:
        raise NotUnderstoodError(pointer, "answer", "应为“是”或“否”", "true or false is expected")
    return _ANSWERS[text.lower()]


def whole_number(text: str, pointer: str) -> int | None:
    """A number without sign or point, or not said."""
    if text and not _NUMBER.fullmatch(text):
        raise NotUnderstoodError(pointer, "number", "应为整数", "a whole number is expected")
    return int(text) if text else None


def employment_end_reason(text: str) -> EmploymentEndReason:
    """By Chinese name or by code; an empty cell is `other`. That it never was, is an officer's finding and no roster's."""
    reason = _choice(text or EmploymentEndReason.OTHER, _END_REASONS, EmploymentEndReason, "/reason")
    if reason is EmploymentEndReason.RECORDED_IN_ERROR:
        zh, en = "登记有误须由工作人员逐笔认定", "that it never was is for an officer to find, one by one"
        raise NotUnderstoodError("/reason", "officers_finding", zh, en)
    return reason


def sex_code(text: str) -> str | None:
    """GB/T 2261.1, by code or by name."""
    return _SEXES.get(text.lower(), text) or None


@lru_cache(_REMEMBERED)
def table_code(table: CodeTable, text: str) -> str | None:
    """A code of a national table, by code or by its Chinese name, with or without 族."""
    names = _names(table)
    return names.get(text) or names.get(f"{text}族") or text or None


@lru_cache
def _names(table: CodeTable) -> dict[str, str]:
    """Code by name; a name that two codes have is none: which of them was meant is not guessed (C-29)."""
    codes = [row.value for row in LAW.code_tables.tables[table].rows]
    names = Counter(code.name_zh for code in codes)
    groups = _EDUCATION_GROUPS if table is CodeTable.EDUCATION else {}
    return {**groups, **{code.name_zh: code.code for code in codes if names[code.name_zh] == 1}}


def _choice(text: str, names: Mapping[str, ChoiceT], kind: type[ChoiceT], pointer: str) -> ChoiceT:
    if (found := names.get(text)) is not None:
        return found
    try:
        return kind(text.lower())
    except ValueError:
        known = "、".join(names)
        raise NotUnderstoodError(pointer, "enum", f"应为下列之一：{known}", f"one of {', '.join(kind)} is expected") from None
