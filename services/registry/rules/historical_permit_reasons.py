"""What is said of a paper of 2009: each reason with its article, in Chinese and English."""

from services.registry.rules.residence_permit import Reason

_PROVINCE = "《浙江省流动人口居住登记条例》(2009年)"
_DECREE = "《居住证暂行条例》"

REGULATION_NOT_YET = Reason(
    "regulation_not_yet",
    _PROVINCE,
    "RR-47",
    "发证日期早于2009年10月1日,条例尚未施行,没有此种证件。",
    "Issued before 2009-10-01: the regulation was not in force and there was no such paper.",
)
NO_LONGER_ISSUED = Reason(
    "no_longer_issued",
    f"{_DECREE}第二条、第二十三条",
    "RR-36, RR-47",
    "2016年1月1日起按国务院令第663号办理居住证,旧式证件不再发放;已发的有效至期满。",
    "From 2016-01-01 permits follow decree 663; the old papers were issued no more; those issued stay valid.",
)
APPLIED_AFTER_ISSUE = Reason(
    "applied_after_issue",
    _PROVINCE,
    "RR-51",
    "申请日期不能晚于发证日期。",
    "Nobody applied after the paper was issued.",
)
UNIT_REPORTS = Reason(
    "unit_reports",
    _PROVINCE,
    "RR-50",
    "由单位登记报送的人员,除本人要求外不发临时居住证。",
    "Of persons whom a unit registers and reports, a temporary permit is issued only when asked for.",
)
NO_FIXED_HOME = Reason(
    "no_fixed_home", _PROVINCE, "RR-48", "申领浙江省居住证须有固定住所。", "A residence permit asks for a fixed home."
)
NO_STABLE_WORK = Reason(
    "no_stable_work", _PROVINCE, "RR-48", "申领浙江省居住证须有稳定职业。", "A residence permit asks for stable work."
)

FIXED_HOME_NOT_KNOWN = Reason(
    "fixed_home_not_known", _PROVINCE, "RR-48", "是否有固定住所未知,请查档。", "Whether there was a fixed home is not known."
)
STABLE_WORK_NOT_KNOWN = Reason(
    "stable_work_not_known", _PROVINCE, "RR-48", "是否有稳定职业未知,请查档。", "Whether there was stable work is not known."
)
COUNTY_CONDITIONS_NOT_FOUND = Reason(
    "county_conditions_not_found",
    _PROVINCE,
    "RR-48",
    "条例授权县级规定的其他条件未查到,不能断定全部条件均已具备。",
    "The county's further conditions were not found; it cannot be said that all of them were met.",
)


def term_too_short(kind: str, months: int) -> Reason:
    """Shorter than the paper can be valid."""
    return Reason(
        "term_too_short",
        _PROVINCE,
        "RR-47",
        f"有效期短于{months}个月,请核对证件。",
        f"Valid for less than {months} months, which no {kind.replace('_', ' ')} is; check the paper.",
    )


def term_too_long(kind: str, months: int) -> Reason:
    """Longer than the paper can be valid."""
    return Reason(
        "term_too_long",
        _PROVINCE,
        "RR-47",
        f"有效期长于{months}个月,请核对证件。",
        f"Valid for more than {months} months, which no {kind.replace('_', ' ')} is; check the paper.",
    )


def under_age(age: int) -> Reason:
    """Issued unasked to a child."""
    return Reason(
        "under_age",
        _PROVINCE,
        "RR-50",
        f"未满{age}周岁的,除要求外不发临时居住证。",
        f"Under {age} a temporary permit is issued only when asked for.",
    )


def short_stay(days: int) -> Reason:
    """Issued unasked for a short stay."""
    return Reason(
        "short_stay",
        _PROVINCE,
        "RR-50",
        f"拟居住不超过{days}日的,除要求外不发临时居住证。",
        f"For a stay of up to {days} days a temporary permit is issued only when asked for.",
    )


def years_not_on_file(months: int) -> Reason:
    """The continuous years with temporary permits are not borne out by what is on file."""
    return Reason(
        "years_not_on_file",
        _PROVINCE,
        "RR-48, RR-49",
        f"档案中的临时居住证未显示发证前连续居住满{months}个月;可能在省内其他地方持证,请补录。",
        f"The temporary permits on file do not show {months} continuous months before the issue; others may have been held "
        "elsewhere in the province and can be recorded.",
    )
