"""Panyu points for school entry 2016, for one guardian."""

from datetime import date
from fractions import Fraction

from .plain import Counted, Facts, amount_in_years, capped, last_years, month_of, months_in, run_up_to, within

KINDS = ["pension", "medical", "unemployment", "work_injury", "maternity"]


def family_planning(facts: Facts) -> Fraction:
    """Historic."""
    points = 5 * bool(facts.get("has_birth_certificate")) + 5 * bool(facts.get("has_three_checks"))
    points += 30 * bool(facts.get("child_in_plan"))
    points += 15 if facts.get("guardian_violation_child_in_plan") or facts.get("out_of_plan_paid") else 0
    return capped(points, 40)


def residence(facts: Facts, last: int) -> Fraction:
    """28 for five continuous years up to now (decision 0027), then by month; or all months."""
    months = months_in(facts.get("residence", ()), last)
    by_months = Fraction(35, 100) * len(months)
    continuous = run_up_to(months, last)
    if continuous >= 60:
        by_months = max(by_months, 28 + Fraction(35, 100) * (continuous - 60))
    return capped((2 if facts.get("has_valid_permit") else 0) + by_months, 35)


def insurance(facts: Facts, last: int) -> Fraction:
    kinds = [len(months_in(facts.get("insurance", ()), last, [kind])) for kind in KINDS]
    return capped(sum((capped(Fraction(each, 10), 6) for each in kinds), Fraction(0)), 30)


def skill_or_education(facts: Facts) -> Fraction:
    skill, education = facts.get("skill", ()), facts.get("education", ())
    points = [0]
    if "senior_worker" in skill or "junior_title" in skill:
        points.append(13)
    if "junior_college" in education or "technician" in skill or "mid_title" in skill:
        points.append(15)
    if "bachelor" in education or ("junior_college" in education and "mid_title" in skill):
        points.append(20)
    if "master" in education or ("bachelor" in education and "mid_title" in skill):
        points.append(23)
    if "doctor" in education or "associate_senior_title" in skill or "senior_technician" in skill:
        points.append(25)
    if "master" in education and "mid_title" in skill:
        points.append(25)
    return Fraction(max(points))


def tax_5y(facts: Facts, on: date) -> Fraction:
    if facts.get("has_tax_offence"):
        return Fraction(0)
    years = last_years(on, 5)
    income = amount_in_years(facts.get("income_tax", {}), years) // 1000
    return capped(income + amount_in_years(facts.get("firm_tax", {}), years) // 50_000, 20)


def housing(facts: Facts) -> Fraction:
    if facts.get("is_illegal_building"):
        return Fraction(0)
    lease = (5 if facts.get("has_registered_lease") else 0) + min(facts.get("star_points", 0) // 9, 20)
    return capped(max(25 if facts.get("has_own_home") else 0, lease), 25)


def bonus(facts: Facts, on: date) -> Fraction:
    def honours(kind: str) -> int:
        return len(within(facts.get("honours", ()), on, 5, [kind]))

    points = Fraction(10 if facts.get("child_is_of_ethnic_minority") else 0)
    points += capped(facts.get("volunteering", 0) // 50 * 2, 10)
    return capped(points + capped(5 * honours("town"), 10) + capped(10 * honours("district"), 20), 50)


def panyu_2016(facts: Facts, applied_on: date) -> Counted:
    last = month_of(applied_on)
    points = {
        "family_planning": family_planning(facts),
        "residence": residence(facts, last),
        "employment": capped(Fraction(4, 10) * len(months_in(facts.get("employment", ()), last)), 25),
        "insurance": insurance(facts, last),
        "skill_or_education": skill_or_education(facts),
        "tax": tax_5y(facts, applied_on),
        "housing": housing(facts),
        "bonus": bonus(facts, applied_on),
    }
    return Counted(points, sum(points.values(), Fraction(0)))
