"""Tianjin residence-permit points table 2014 (天津市居住证管理暂行办法 附件)."""

from datetime import date
from fractions import Fraction

from .plain import Counted, Facts, amount_in_years, best, day_of, full_years, last_years, month_of, months_in, within

PER_YEAR = {"pension": 4, "medical": 2, "unemployment": 2, "work_injury": 2, "maternity": 2}
SKILL = {
    "junior_worker": 5,
    "mid_worker": 15,
    "junior_title": 20,
    "senior_worker": 30,
    "mid_title": 40,
    "technician": 40,
    "senior_title": 50,
    "senior_technician": 50,
}


def working_years(facts: Facts, last: int) -> Fraction:
    if len(months_in(facts.get("same_unit", ()), last)) >= 120:
        return Fraction(20)
    return Fraction(10 if len(months_in(facts.get("work", ()), last)) >= 72 else 0)


def tianjin_2014(facts: Facts, applied_on: date) -> Counted:
    last = month_of(applied_on)
    years = full_years(day_of(facts["birth_date"]), applied_on)
    insured = sum(len(months_in(facts.get("insurance", ()), last, [kind])) // 12 * each for kind, each in PER_YEAR.items())
    taxed = amount_in_years(facts.get("income_tax", {}), last_years(applied_on, 3)) >= 100_000
    kinds = [kind for kind in (within(facts.get("detentions", ()), applied_on), facts.get("bad_credit")) if kind]
    points = {
        "age": Fraction(20 if years <= 35 else 10 if years <= 45 else 0),
        "education": best(facts.get("education", ()), {"senior_secondary": 20, "junior_college": 30, "bachelor_or_above": 40}),
        "title_or_skill": best(facts.get("title_or_skill", ()), SKILL),
        "insurance": Fraction(insured),
        "home": Fraction(40 if facts.get("has_home") else 0),
        "scarce_job": best(facts.get("scarce_job", ()), {"mild": 10, "scarce": 20, "very_scarce": 30}),
        "settle_area": best(facts.get("settle_area", ()), {"outer": 10, "inner_suburb": 5}),
        "invest_tax": Fraction(30 if facts.get("invests_by_the_table") else 20 if taxed else 0),
        "married": Fraction(10 if facts.get("married_both_working") else 0),
        "honours": best(facts.get("honours", ()), {"provincial_ministerial": 20, "national": 30}),
        "working_years": working_years(facts, last),
        "violations": Fraction(-30 * len(kinds)),
    }
    vetoes = ("breached_family_planning", "gave_false_information", "was_sentenced")
    return Counted(points, sum(points.values(), Fraction(0)), is_vetoed=any(facts.get(name) for name in vetoes))
