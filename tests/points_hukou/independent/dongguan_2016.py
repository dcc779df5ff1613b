"""Dongguan points-based talent settlement 2016 (东府办〔2015〕123号)."""

from datetime import date
from fractions import Fraction

from .plain import (
    Counted,
    Facts,
    amount_in_years,
    amounts,
    best,
    capped,
    day_of,
    full_years,
    last_years,
    month_of,
    months_in,
    within,
)

KINDS = ["pension", "medical", "unemployment", "work_injury", "maternity"]


def age(birth: date, on: date) -> Fraction:
    """From 46 on three less per year, from the one point at 45 (choice)."""
    years = full_years(birth, on)
    if years < 18:
        return Fraction(0)
    if years <= 35:
        return Fraction(5)
    return Fraction(1 if years <= 45 else 1 - 3 * (years - 45))


def work_or_live_years(facts: Facts, last: int) -> Fraction:
    """All years get the rate of the total (choice)."""
    years = len(months_in(facts.get("work_or_residence", ()), last)) // 12
    return Fraction(years * (6 if years >= 5 else 4))


def town(facts: Facts, last: dict[str, int]) -> Fraction:
    return best(facts.get("town", ()), last)


def tax(facts: Facts, on: date, name: str, years: int, size: int, points: int, cap: int) -> Fraction:
    return capped(amount_in_years(facts.get(name, {}), last_years(on, years)) // size * points, cap)


def dongguan_2016(facts: Facts, applied_on: date) -> Counted:
    on, last = applied_on, month_of(applied_on)
    insured = sum(len(months_in(facts.get("insurance", ()), last, [kind])) // 12 for kind in KINDS)
    home = town(facts, {"class_a": 10, "class_b": 20, "class_c": 30}) if facts.get("has_dwelling_in_town") else Fraction(0)
    points = {
        "education": best(facts.get("education", ()), {"senior_secondary": 20, "junior_college": 60, "bachelor_or_above": 80}),
        "skill": best(facts.get("skill", ()), {"junior_worker": 30, "mid_worker": 60}),
        "insurance": Fraction(2 * insured),
        "work_or_residence": work_or_live_years(facts, last),
        "home": home,
        "age": age(day_of(facts["birth_date"]), on),
        "volunteering": capped(amounts(within(facts.get("volunteering", ()), on, 5)) // 50 * 2, 10),
        "blood": capped(2 * len(within(facts.get("blood_donations", ()), on, 5)), 10),
        "donation": capped(amounts(within(facts.get("donations", ()), on, 5)) // 1000 * 2, 10),
        "income_tax": tax(facts, on, "income_tax", 3, 1000, 1, 100),
        "sole_trader_tax": tax(facts, on, "sole_trader_tax", 3, 1000, 1, 100),
        "deed_tax": tax(facts, on, "deed_tax", 5, 2000, 1, 20),
        "firm_tax_share": tax(facts, on, "firm_tax_share", 3, 30_000, 10, 100),
        "science": Fraction(100 if facts.get("has_science_award") else 0),
        "family_planning_registration": Fraction(5 * facts.get("family_planning_registrations", 0)),
        "town_guidance": town(facts, {"class_b": 20, "class_c": 30}),
        "out_of_plan_birth": Fraction(-60 * facts.get("out_of_plan_births", 0)),
        "offence": Fraction(-80 * len(within(facts.get("offences", ()), on))),
    }
    total = sum(points.values(), Fraction(0))
    return Counted(points, total, passes=total >= 100)
