"""Shanghai residence-permit points 2015 (上海市居住证积分管理办法), Arts 6 to 11."""

from datetime import date
from fractions import Fraction

from .plain import Counted, Facts, amount_in_years, best, capped, day_of, full_years, last_years, month_of, months_in, within

EDUCATION = {"junior_college": 50, "bachelor_diploma_only": 60, "bachelor_both": 90, "master_both": 100, "doctor_both": 110}
SKILL = {"skill_5": 15, "skill_4": 30, "skill_3": 60}
SKILL_WITH_BASE = SKILL | {"skill_2": 100, "mid_title": 100, "skill_1": 140, "senior_title": 140}
HONOURS = {"city_department_special": 30, "city_department_general": 60, "provincial_or_above": 110}
BASES = ["from_0_8", "from_1", "from_2", "at_3"]


def age(birth: date, on: date) -> Fraction:
    """6(1)."""
    years = full_years(birth, on)
    if years > 60:
        return Fraction(0)
    if years >= 56:
        return Fraction(5)
    return capped(5 + 2 * (56 - years), 30)


def at_least(facts: Facts, base: str, last: int, months: int) -> int:
    """How many of the latest months were paid at that base or a higher one (choice)."""
    higher = BASES[BASES.index(base) :]
    return len(months_in(facts.get("insurance_base", ()), last, higher, last - months + 1))


def title_or_skill(facts: Facts, last: int) -> Fraction:
    """6(3): the two highest need 6 of the latest 12 months at the average wage or above."""
    tiers = SKILL_WITH_BASE if at_least(facts, "from_1", last, 12) >= 6 else SKILL
    return best(facts.get("title_or_skill", ()), tiers)


def insurance_base_level(facts: Facts, last: int) -> Fraction:
    """7(5)."""
    if at_least(facts, "at_3", last, 36) >= 24:
        return Fraction(120)
    for base, points in (("from_2", 100), ("from_1", 50), ("from_0_8", 25)):
        if at_least(facts, base, last, 48) >= 36:
            return Fraction(points)
    return Fraction(0)


def invest_tax_or_jobs(facts: Facts, on: date) -> Fraction:
    """7(4): full units of the average of three years."""
    years = last_years(on, 3)
    tax = Fraction(amount_in_years(facts.get("firm_tax_share", {}), years), 3) // 100_000 * 10
    jobs = Fraction(amount_in_years(facts.get("local_employees_share", {}), years), 3) // 10 * 10
    return capped(max(tax, jobs), 120)


def after_five_years(facts: Facts, name: str, last: int, per_year: int) -> int:
    """Once five years are complete all of them count (choice)."""
    years = len(months_in(facts.get(name, ()), last)) // 12
    return years * per_year if years >= 5 else 0


def local_spouse(facts: Facts, on: date) -> Fraction:
    """7(10)."""
    since = facts.get("married_to_local_since")
    return capped(4 * max(0, full_years(day_of(since), on)), 40) if since else Fraction(0)


def bonus(facts: Facts, on: date) -> dict[str, Fraction]:
    last = month_of(on)
    return {
        "founder": Fraction(120 if facts.get("is_founder") else 0),
        "innovation_intermediary": Fraction(120 if facts.get("is_innovation_intermediary") else 0),
        "scarce_major": Fraction(30 if facts.get("has_scarce_major") else 0),
        "invest_tax_or_jobs": invest_tax_or_jobs(facts, on),
        "insurance_base_level": insurance_base_level(facts, last),
        "public_service_field": Fraction(after_five_years(facts, "public_service_work", last, 4)),
        "outer_suburb": capped(after_five_years(facts, "outer_suburb_work", last, 2), 20),
        "fresh_graduate": Fraction(10 if facts.get("is_fresh_graduate") else 0),
        "honours": best(facts.get("honours", ()), HONOURS),
        "local_spouse": local_spouse(facts, on),
    }


def shanghai_2015(facts: Facts, applied_on: date) -> Counted:
    last = month_of(applied_on)
    points = {
        "age": age(day_of(facts["birth_date"]), applied_on),
        "education": best(facts.get("education", ()), EDUCATION),
        "title_or_skill": title_or_skill(facts, last),
        "work_and_insurance": Fraction(len(months_in(facts.get("insured_work", ()), last)) // 12 * 3),
        **bonus(facts, applied_on),
        "false_material": Fraction(-150 * len(within(facts.get("false_material", ()), applied_on, 3))),
        "administrative_detention": Fraction(-50 * len(within(facts.get("detentions", ()), applied_on, 5))),
        "minor_crime": Fraction(-150 * len(within(facts.get("minor_crimes", ()), applied_on, 5))),
    }
    lower = "title_or_skill" if points["education"] >= points["title_or_skill"] else "education"
    points[lower] = Fraction(0)
    total = max(sum(points.values(), Fraction(0)), Fraction(0))
    return Counted(
        points,
        total,
        is_eligible=all(facts.get(name) for name in ("has_permit", "works_and_lives_in_city", "pays_employee_insurance")),
        is_vetoed=bool(facts.get("breached_family_planning")) or bool(facts.get("has_serious_crime")),
        passes=total >= 120,
    )
