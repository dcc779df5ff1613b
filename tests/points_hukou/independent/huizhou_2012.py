"""Huizhou 2012, the common part of Guangdong's points for migrant workers."""

from collections import Counter
from datetime import date
from fractions import Fraction

from .plain import Counted, Facts, best, capped, day_of, month_of, months_in, within

KINDS = ["pension", "medical", "unemployment", "work_injury", "maternity"]
QUALIFICATION = {
    "junior_worker": 20,
    "mid_worker": 40,
    "senior_worker": 70,
    "junior_title": 70,
    "technician": 90,
    "mid_title": 90,
    "senior_technician": 110,
    "senior_title": 110,
}
EDUCATION = {"junior_middle": 20, "senior_secondary": 40, "junior_college": 60, "bachelor_or_above": 80}


def blood(facts: Facts, on: date) -> Fraction:
    """Two a time, at most two in a calendar year, of the last five years."""
    a_year = Counter(day_of(row["on"]).year for row in within(facts.get("blood_donations", ()), on, 5))
    return capped(sum(min(2 * times, 2) for times in a_year.values()), 10)


def huizhou_2012(facts: Facts, applied_on: date) -> Counted:
    last = month_of(applied_on)
    years = sum(len(months_in(facts.get("insurance", ()), last, [kind])) // 12 for kind in KINDS)
    points = {
        "education": best(facts.get("education", ()), EDUCATION),
        "qualification": best(facts.get("qualification", ()), QUALIFICATION),
        "insurance": capped(Fraction(3, 2) * years, 75),
        "blood": blood(facts, applied_on),
        "out_of_plan_birth": Fraction(-60 * facts.get("out_of_plan_births", 0)),
        "re_education": Fraction(-50 if within(facts.get("labour_re_education", ()), applied_on, 5) else 0),
        "criminal_punishment": Fraction(-100 if within(facts.get("criminal_punishments", ()), applied_on, 5) else 0),
    }
    total = sum(points.values(), Fraction(0))
    return Counted(points, total, passes=total >= 50)
