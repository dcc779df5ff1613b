"""Guangzhou points settlement 2014 (穗府〔2014〕10号): a threshold, then the length of insurance."""

from datetime import date
from fractions import Fraction

from .plain import (
    Counted,
    Facts,
    amount_in_years,
    best,
    capped,
    day_of,
    last_years,
    later,
    month_of,
    months_in,
)

KINDS = ["pension", "medical", "unemployment", "work_injury", "maternity"]


def blood(facts: Facts, on: date) -> Fraction:
    """Two points a time, two a year, in the five calendar years before."""
    years = {day_of(row["on"]).year for row in facts.get("blood_donations", ())}
    return capped(2 * len(years & set(last_years(on, 5))), 10)


def volunteering(facts: Facts, on: date) -> Fraction:
    hours = facts.get("volunteering", {})
    return capped(sum(min(hours.get(str(year), 0) // 50 * 2, 2) for year in last_years(on, 5)), 10)


def is_of_age(birth: date, on: date) -> bool:
    """Twenty is reached and the 45th birthday is not passed, that day included (choice); the birth window governs."""
    return later(birth, 12 * 20) <= on <= later(birth, 12 * 45)


def guangzhou_2014(facts: Facts, applied_on: date) -> Counted:
    last = month_of(applied_on)
    insured = all(len(months_in(facts.get("insurance", ()), last, [kind])) >= 48 for kind in KINDS)
    taxed = amount_in_years(facts.get("income_tax", {}), last_years(applied_on, 3)) >= 100_000
    points = {
        "education": best(facts.get("education", ()), {"senior_secondary": 20, "junior_college": 40, "bachelor_or_above": 60}),
        "skill": best(facts.get("skill", ()), {"mid_worker": 20, "senior_worker_or_above": 40, "mid_title_or_above": 60}),
        "listed_occupation": Fraction(20 if facts.get("has_listed_occupation") else 0),
        "blood": blood(facts, applied_on),
        "volunteering": volunteering(facts, applied_on),
        "income_tax": Fraction(20 if taxed else 0),
    }
    needs = ("has_permit", "has_lawful_home", "has_junior_middle_or_above", "follows_family_planning", "same_unit")
    eligible = all(facts.get(name) for name in needs) and not facts.get("has_criminal_record") and insured
    total = sum(points.values(), Fraction(0))
    is_of = is_of_age(day_of(facts["birth_date"]), date(applied_on.year, 8, 1))
    return Counted(points, total, is_eligible=eligible and is_of, passes=total >= 60)
