"""Zhejiang common indicators 2023 (浙政办发〔2023〕38号) and Ningbo 2022 (甬政办发〔2022〕10号)."""

from datetime import date
from fractions import Fraction

from .plain import Counted, Facts, best, capped, day_of, full_months, full_years, later, month_of, months_in, two_places

EDUCATION = {"bachelor_or_above": 10, "junior_college": 8, "senior_secondary_or_below": 5}
SKILL = {
    "level_2_or_above": 10,
    "mid_title_or_above": 10,
    "level_3": 8,
    "junior_title": 8,
    "special_ability_advanced": 8,
    "level_4": 5,
    "level_5": 3,
    "special_ability": 3,
}
"""Of Ruian's annex (choice)."""


def age(birth: date, on: date) -> Fraction:
    years = full_years(birth, on)
    if years > 60:
        return Fraction(0)
    if years >= 55:
        return Fraction(5)
    return capped(5 + (55 - years), 20)


def provincial(facts: Facts, on: date) -> dict[str, Fraction]:
    since = facts.get("registered_in_province_since")
    lived = max(0, full_months(day_of(since), on)) if since else 0
    insured = len(months_in(facts.get("insurance_in_province", ()), month_of(on)))
    return {
        "age": age(day_of(facts["birth_date"]), on),
        "education": best(facts.get("education", ()), EDUCATION),
        "skill": best(facts.get("skill", ()), SKILL),
        "social_insurance": two_places(capped(Fraction(1, 2) * insured, 30)),
        "residence_time": two_places(capped(Fraction(1, 4) * lived, 30)),
    }


def zhejiang_common_2023(facts: Facts, applied_on: date) -> Counted:
    points = provincial(facts, applied_on)
    return Counted(points, capped(sum(points.values(), Fraction(0)), 100))


def has_worked_a_year(facts: Facts, on: date) -> bool:
    """One continuous year up to the day, of whichever proof: a contract may follow a licence without a break."""
    begun = None
    reached = None
    for row in sorted(facts.get("work_in_city", ()), key=lambda each: each["from"]):
        first, until = day_of(row["from"]), day_of(row.get("until", "9999-12-31"))
        if first > on:
            continue
        if reached is None or first > reached:
            begun, reached = first, until
        else:
            reached = max(reached, until)
    return begun is not None and reached is not None and reached > on and later(begun, 12) <= on


def ningbo_2022(facts: Facts, applied_on: date) -> Counted:
    common = provincial(facts, applied_on)
    homes = facts.get("home_in_city", ())
    city = {
        "employment": Fraction(10 if has_worked_a_year(facts, applied_on) else 0),
        "housing": best(homes, {"employer_dormitory": 10, "public_rental": 10, "lawful_rental": 10, "own_home": 20}),
    }
    total = capped(sum(common.values(), Fraction(0)), 100) + capped(sum(city.values(), Fraction(0)), 150)
    return Counted(
        common | city,
        total,
        is_eligible=bool(facts.get("has_valid_permit")) and bool(facts.get("lives_and_works_in_city")),
        is_frozen=bool(facts.get("is_dishonest")) or bool(facts.get("has_offended")),
    )
