"""Requests of persons about their own data (V-16 to V-26): who may ask, and how a request goes on.

Instruments: Personal Information Protection Law (个人信息保护法, "PIPL") 44 to 50; Regulations on Minors Online 34. Values with
dates, sources and confidence: `parameters/rights.toml`. Until when it is answered: `rights_clock`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from services.chassis.months import is_younger_than
from services.chassis.parameters import Document, Fields, History, ParameterError, Register, text, whole_number
from services.registry.rules.residence_permit import Reason


class RightsKind(StrEnum):
    """What is asked for."""

    ACCESS_COPY = "access_copy"
    """查阅、复制 (V-17)"""
    CORRECTION = "correction"
    """更正 (V-18)"""
    COMPLETION = "completion"
    """补充 (V-18)"""
    RESTRICTION = "restriction"
    """限制处理 (V-16, V-20)"""
    OBJECTION = "objection"
    """拒绝处理 (V-16)"""
    DELETION = "deletion"
    """删除 (V-19)"""
    EXPLANATION = "explanation"
    """解释说明处理规则 (V-21)"""
    INFORMATION = "information"
    """政府信息公开申请 (V-26)"""


class Requester(StrEnum):
    """Who asks."""

    SELF = "self"
    GUARDIAN = "guardian"
    RELATIVE_OF_DECEASED = "relative_of_deceased"
    """死者近亲属 (V-22)"""


class RightsStatus(StrEnum):
    """Where a request stands."""

    RECEIVED = "received"
    VERIFIED = "verified"
    DECIDED = "decided"
    DONE = "done"
    WITHDRAWN = "withdrawn"
    ABANDONED = "abandoned"
    """视为放弃: what was missing did not come in time (V-26)"""


class RightsAct(StrEnum):
    """What is done with it."""

    VERIFY = "verify"
    DECIDE = "decide"
    COMPLETE = "complete"
    WITHDRAW = "withdraw"
    SUPPLEMENT = "supplement"
    SET_CLOCK = "set_clock"
    """Something happens to its clock: `rights_clock.ClockAct`."""


class Outcome(StrEnum):
    """How it was decided."""

    GRANTED = "granted"
    PARTLY = "partly"
    REFUSED = "refused"


TRANSITIONS: Mapping[tuple[RightsStatus, RightsAct], RightsStatus] = MappingProxyType(
    {
        (RightsStatus.RECEIVED, RightsAct.VERIFY): RightsStatus.VERIFIED,
        (RightsStatus.RECEIVED, RightsAct.WITHDRAW): RightsStatus.WITHDRAWN,
        (RightsStatus.RECEIVED, RightsAct.SET_CLOCK): RightsStatus.RECEIVED,
        (RightsStatus.RECEIVED, RightsAct.SUPPLEMENT): RightsStatus.RECEIVED,
        (RightsStatus.VERIFIED, RightsAct.DECIDE): RightsStatus.DECIDED,
        (RightsStatus.VERIFIED, RightsAct.WITHDRAW): RightsStatus.WITHDRAWN,
        (RightsStatus.VERIFIED, RightsAct.SET_CLOCK): RightsStatus.VERIFIED,
        (RightsStatus.VERIFIED, RightsAct.SUPPLEMENT): RightsStatus.VERIFIED,
        (RightsStatus.ABANDONED, RightsAct.SUPPLEMENT): RightsStatus.RECEIVED,
        (RightsStatus.DECIDED, RightsAct.COMPLETE): RightsStatus.DONE,
    }
)
"""Every step there is; nothing is decided for somebody whose right to ask was not verified. Who comes back to what was given
up is verified anew.
"""
OPEN = frozenset({RightsStatus.RECEIVED, RightsStatus.VERIFIED})
"""Not decided, and not given up."""

RELATIVES_MAY_ASK = frozenset({RightsKind.ACCESS_COPY, RightsKind.CORRECTION, RightsKind.COMPLETION, RightsKind.DELETION})
"""PIPL 49: see, copy, correct, delete."""
DEATH_EVIDENCE = "death_certificate"
KINSHIP_EVIDENCE = "kinship_proof"


@dataclass(frozen=True, slots=True)
class RequesterFacts:
    """Who asks for whom. `is_guardian`, `is_relative`: so on the register, in force (or ended by the death)."""

    kind: RightsKind
    requester: Requester
    on: date
    birth_date: date
    is_guardian: bool = False
    is_relative: bool = False
    evidence_types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RightsParameters:
    """The dated values in `rights.toml`."""

    dsr_days: History[int]
    information_working_days: History[int]
    incomplete_told_working_days: History[int]
    supplement_days_max: History[int]
    extension_working_days_max: History[int]
    third_party_working_days: History[int]
    extension_reasons: Register[Reason]
    own_request_from_age: History[int]
    guardian_until_age: History[int]
    refusal_reasons: Register[Reason]
    remedies: History[str]


def read_rights(document: Document) -> RightsParameters:
    """The values in `rights.toml`. Raises ParameterError."""
    parameters = RightsParameters(
        dsr_days=document.history("dsr_days", whole_number(1, 365)),
        information_working_days=document.history("information_working_days", whole_number(1, 250)),
        incomplete_told_working_days=document.history("incomplete_told_working_days", whole_number(1, 250)),
        supplement_days_max=document.history("supplement_days_max", whole_number(1, 366)),
        extension_working_days_max=document.history("extension_working_days_max", whole_number(1, 250)),
        third_party_working_days=document.history("third_party_working_days", whole_number(1, 250)),
        extension_reasons=document.register("extension_reasons", _read_reason),
        own_request_from_age=document.history("own_request_from_age", whole_number(1, 30)),
        guardian_until_age=document.history("guardian_until_age", whole_number(1, 30)),
        refusal_reasons=document.register("refusal_reasons", _read_reason),
        remedies=document.history("remedies", text),
    )
    document.finish()
    for reasons in (parameters.refusal_reasons, parameters.extension_reasons):
        codes = [row.value.code for row in reasons.rows]
        if len(codes) != len(set(codes)):
            raise ParameterError(f"{reasons.name}: a code is listed twice")
    return parameters


def why_not_entitled(facts: RequesterFacts, parameters: RightsParameters) -> tuple[Reason, ...]:
    """Everything that is missing of the right to ask, at once; empty when it is shown (V-12, V-13, V-22)."""
    match facts.requester:
        case Requester.SELF:
            age = parameters.own_request_from_age.on(facts.on)
            return (_guardian_asks(age),) if is_younger_than(facts.birth_date, age, facts.on) else ()
        case Requester.GUARDIAN:
            age = parameters.guardian_until_age.on(facts.on)
            of_age = () if is_younger_than(facts.birth_date, age, facts.on) else (_OF_AGE,)
            return of_age if facts.is_guardian else (*of_age, _GUARDIANSHIP_NOT_SHOWN)
        case Requester.RELATIVE_OF_DECEASED:
            missing = [] if facts.kind in RELATIVES_MAY_ASK else [_NOT_FOR_RELATIVES]
            if DEATH_EVIDENCE not in facts.evidence_types:
                missing.append(_DEATH_NOT_SHOWN)
            if not facts.is_relative and KINSHIP_EVIDENCE not in facts.evidence_types:
                missing.append(_KINSHIP_NOT_SHOWN)
            return tuple(missing)


def is_overdue(status: RightsStatus, due_on: date, today: date, *, is_provisional: bool = False) -> bool:
    """Whether it should have been decided by now; the last day itself is in time, and nobody is late on a day only guessed."""
    return status in OPEN and due_on < today and not is_provisional


def _read_reason(fields: Fields) -> Reason:
    return Reason(
        code=fields.take("code", text),
        article=fields.take("article", text),
        rule=fields.peek("rule", text),
        message_zh=fields.take("zh", text),
        message_en=fields.take("en", text),
    )


def _guardian_asks(age: int) -> Reason:
    return Reason(
        "guardian_asks",
        "《中华人民共和国个人信息保护法》第三十一条",
        "V-12, V-13",
        f"未满{age}周岁的,由父母或者其他监护人提出。",
        f"For a child under {age} a parent or guardian asks.",
    )


_OF_AGE = Reason(
    "of_age",
    "《未成年人网络保护条例》第三十四条",
    "V-13",
    "本人已成年,应由本人提出。",
    "The person is of age and asks for itself.",
)
_GUARDIANSHIP_NOT_SHOWN = Reason(
    "guardianship_not_shown",
    "《未成年人网络保护条例》第三十四条",
    "V-13",
    "登记中没有提出人与该人员的父母或监护关系,请先登记该关系。",
    "No relationship of parent or guardian is on the register; have it registered first.",
)
_NOT_FOR_RELATIVES = Reason(
    "not_for_relatives",
    "《中华人民共和国个人信息保护法》第四十九条",
    "V-22",
    "死者近亲属可以查阅、复制、更正、删除,不包括本项请求。",
    "Relatives of a deceased person may see, copy, correct and delete; this is none of those.",
)
_DEATH_NOT_SHOWN = Reason(
    "death_not_shown",
    "《中华人民共和国个人信息保护法》第四十九条",
    "V-22",
    "缺少死亡证明。",
    "A proof of the death is missing.",
)
_KINSHIP_NOT_SHOWN = Reason(
    "kinship_not_shown",
    "《中华人民共和国个人信息保护法》第四十九条",
    "V-22",
    "登记中没有亲属关系,也未提交亲属关系证明。",
    "No kinship is on the register, and no proof of it was handed in.",
)
