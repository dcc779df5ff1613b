"""What regime `zj-2016` tells an applicant or holder: each reason with its article, in Chinese and English."""

from collections.abc import Iterable
from datetime import date

from services.registry.rules.permit_states import PermitStatus
from services.registry.rules.residence_permit import EvidenceType, Ground, Reason, ResidenceYear

_DECREE = "《居住证暂行条例》"
_PROVINCE = "《浙江省流动人口居住登记条例》"
_NOTICE = "公通字〔2015〕38号"

_GROUND_ZH = {Ground.EMPLOYMENT: "合法稳定就业", Ground.HOME: "合法稳定住所", Ground.STUDY: "连续就读"}
_GROUND_EN = {
    Ground.EMPLOYMENT: "lawful stable employment",
    Ground.HOME: "a lawful stable home",
    Ground.STUDY: "continuous study",
}

SEPARATE_RULES = Reason(
    "separate_rules",
    f"{_PROVINCE}第三十八条",
    "RR-11",
    "外国人和香港、澳门、台湾居民适用国家另行规定,不申领本居住证;港澳台居民可申领港澳台居民居住证。",
    "Foreigners and residents of Hong Kong, Macao and Taiwan follow separate state rules; "
    "the latter may apply for a residence permit of their own.",
)
LOCAL_HUKOU = Reason(
    "local_hukou",
    f"{_DECREE}第二条",
    "RR-20",
    "常住户口在本地的,无需申领居住证。",
    "A person whose hukou is of this place needs no residence permit.",
)
REPRESENTATION_NOT_OPEN = Reason(
    "representation_not_open",
    f"{_DECREE}第九条",
    "RR-25",
    "监护人、近亲属只能为未满十六周岁的未成年人以及行动不便的老年人、病人、残疾人代为申领;请本人申领或说明情况。",
    "A guardian or close relative may apply only for a person who is under 16, elderly, ill or disabled; "
    "apply in person, or state which it is.",
)
REGISTRATION_MISSING = Reason(
    "registration_missing",
    f"{_DECREE}第二条;{_PROVINCE}第十六条",
    "RR-21",
    "没有有效的居住登记;请先办理居住登记,自登记之日起计算半年。",
    "There is no current residence registration; register first, the half year runs from that day.",
)
IDENTITY_DOCUMENT_MISSING = Reason(
    "identity_document_missing", f"{_DECREE}第九条", "RR-24", "缺少居民身份证件。", "The identity document is missing."
)


def identity_document_expired(expired_on: date) -> Reason:
    """What is on file is out of date (RR-03, RR-24: a valid document)."""
    return Reason(
        "identity_document_expired",
        f"{_DECREE}第九条",
        "RR-03, RR-24",
        f"居民身份证件已于{expired_on.isoformat()}到期,请更新登记的证件或提交有效证件。",
        f"The identity document expired on {expired_on.isoformat()}; have a valid one recorded or hand one in.",
    )


PHOTO_MISSING = Reason("photo_missing", f"{_DECREE}第九条", "RR-24", "缺少本人相片。", "The photo is missing.")
NOT_ON_SCHOOL_ROLL = Reason(
    "not_on_school_roll",
    _NOTICE,
    "RR-22",
    "连续就读应取得全日制学校学籍。",
    "Continuous study means being on the roll of a full-time school.",
)
PERMIT_ENDED = Reason(
    "permit_ended", f"{_DECREE}第十条", "RR-37", "居住证已注销,不能签注。", "The permit has ended and cannot be endorsed."
)
REGISTRATION_LAPSED = Reason(
    "registration_lapsed",
    f"{_PROVINCE}第十九条",
    "RR-33",
    "没有有效的居住登记,不予签注;请先办理居住登记。",
    "Not endorsed: there is no current residence registration; register first.",
)
CONDITIONS_NO_LONGER_HOLD = Reason(
    "conditions_no_longer_hold",
    f"{_PROVINCE}第十九条",
    "RR-33",
    "不再符合居住证申领条件,不予签注。",
    "Not endorsed: the conditions for the permit no longer hold.",
)
OLD_CARD_NOT_RETURNED = Reason(
    "old_card_not_returned",
    f"{_DECREE}第十一条",
    "RR-34",
    "换领新证时应当交回原证。",
    "The old card is handed back when a new one is given.",
)


def half_year_not_complete(eligible_from: date) -> Reason:
    """RR-20, RR-21."""
    return Reason(
        "half_year_not_complete",
        f"{_DECREE}第二条;{_PROVINCE}第十六条",
        "RR-21",
        f"居住登记未满半年;自{eligible_from.isoformat()}起可以申领。",
        f"Half a year of registration is not complete; an application is open from {eligible_from.isoformat()}.",
    )


def new_half_year_not_complete(complete_on: date) -> Reason:
    """RR-20, RR-21, RR-33: for an endorsement after a stay that was broken."""
    return Reason(
        "new_half_year_not_complete",
        f"{_DECREE}第二条;{_PROVINCE}第十六条、第十九条",
        "RR-33",
        f"居住登记曾经中断,重新登记未满半年,不予签注;自{complete_on.isoformat()}起可以签注。",
        f"Not endorsed: the stay was broken and the new half year of registration is complete on {complete_on.isoformat()}.",
    )


def ground_evidence_missing(ground: Ground, accepted: Iterable[EvidenceType]) -> Reason:
    """RR-22, RR-24: names every paper that would do."""
    papers = tuple(accepted)
    return Reason(
        "ground_evidence_missing",
        f"{_DECREE}第九条",
        "RR-22, RR-24",
        f"缺少{_GROUND_ZH[ground]}的证明,下列任一即可:{'、'.join(paper.name_zh for paper in papers)}。",
        f"A proof of {_GROUND_EN[ground]} is missing; any one of these will do: "
        f"{', '.join(paper.name_en for paper in papers)}.",
    )


def window_not_open(year: ResidenceYear) -> Reason:
    """RR-30."""
    opens_on, closes_on = year.window_opens_on.isoformat(), year.window_closes_on.isoformat()
    return Reason(
        "endorsement_window_not_open",
        f"{_DECREE}第十条",
        "RR-30",
        f"签注应在每居住满一年之日前一个月内办理:{opens_on}至{closes_on}。",
        f"The permit is endorsed in the month before each completed year: {opens_on} to {closes_on}.",
    )


def why_nothing_is_given(status: PermitStatus | None) -> Reason:
    """RR-31, RR-40: why a permit of this status, or none at all, gives no right, service or convenience."""
    return _NO_PERMIT if status is None else _NOTHING_GIVEN.get(status, _NO_PERMIT)


_NO_PERMIT = Reason(
    "no_permit",
    f"{_DECREE}第十二条",
    "RR-40",
    "没有居住证;符合条件的可以申领。",
    "There is no residence permit; who meets the conditions may apply.",
)
_NOTHING_GIVEN = {
    PermitStatus.ACCEPTED: Reason(
        "permit_not_issued",
        f"{_DECREE}第十二条",
        "RR-40",
        "居住证申请已受理,尚未发证。",
        "The application is accepted; the permit is not issued yet.",
    ),
    PermitStatus.SUSPENDED: Reason(
        "function_suspended",
        f"{_DECREE}第十条",
        "RR-31, RR-32",
        "居住证使用功能已中止;补办签注后即恢复,居住年限自补办之日起连续计算。",
        "The permit's function is suspended; endorsement restores it that day, and a late one starts the residence years anew.",
    ),
    PermitStatus.ENDED: Reason("permit_ended", f"{_DECREE}第十条", "RR-37", "居住证已注销。", "The permit has ended."),
}
