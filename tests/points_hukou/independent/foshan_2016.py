"""Foshan new-citizen points 2016 (佛山市新市民积分制服务管理办法): school places and settlement."""

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
    run_up_to,
    two_places,
    within,
)

KINDS = ["pension", "medical", "unemployment", "work_injury", "maternity"]
EDUCATION = {"junior_middle": 40, "senior_secondary": 50, "junior_college": 60, "bachelor_or_above": 80}
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
CONTESTS = {"district": [75, 65, 60], "city": [95, 85, 80], "province": [120, 110, 100], "nation": [150, 140, 130]}


def years_of_each_kind(facts: Facts, name: str, last: int) -> int:
    return sum(len(months_in(facts.get(name, ()), last, [kind])) // 12 for kind in KINDS)


def basic(facts: Facts, last: int) -> dict[str, Fraction]:
    return {
        "education": best(facts.get("education", ()), EDUCATION),
        "qualification": best(facts.get("qualification", ()), QUALIFICATION),
        "insurance_in_province": capped(years_of_each_kind(facts, "insurance_in_province", last), 50),
        "insurance_in_city": capped(years_of_each_kind(facts, "insurance_in_city", last), 50),
        "home": Fraction(80 if facts.get("has_home") else 0),
        "permit_years": Fraction(5 * (len(months_in(facts.get("permits", ()), last)) // 12)),
    }


def age(birth: date, on: date) -> Fraction:
    years = full_years(birth, on)
    return Fraction(5) if years >= 50 else capped(5 + (50 - years), 15)


def patents(facts: Facts, on: date) -> Fraction:
    """Shared: points/(holders + 1), the first holder twice that; alone it is all of it."""
    points = Fraction(0)
    for row in within(facts.get("patents", ()), on, 5):
        whole = {"invention": 30, "utility": 20, "design": 10}[row["kind"]]
        points += Fraction(whole * (2 if row.get("is_first", True) else 1), row.get("holders", 1) + 1)
    return two_places(points)


def honours(facts: Facts, on: date) -> Fraction:
    def number(*kinds: str) -> int:
        return len(within(facts.get("honours", ()), on, 5, kinds))

    return (
        capped(30 * number("county", "county_in_city"), 60)
        + capped(60 * number("prefecture", "prefecture_in_city"), 120)
        + capped(10 * number("county_in_city"), 20)
        + capped(20 * number("prefecture_in_city"), 40)
    )


def skill_contest(facts: Facts, on: date) -> Fraction:
    points = 0
    for row in within(facts.get("skill_contests", ()), on, 5):
        level, place = row["kind"].split("_")
        points += CONTESTS[level][["first", "second", "third"].index(place)]
    return Fraction(points)


def extra(facts: Facts, on: date, service: str) -> dict[str, Fraction]:
    last, years = month_of(on), last_years(on, 5)
    settle, marrow = service == "settle", facts.get("marrow", ())
    tax = (
        amount_in_years(facts.get("income_tax", {}), years) // 500
        + amount_in_years(facts.get("other_tax", {}), years) // 10_000
    )
    health = {"child_vaccinated": 3, "premarital_or_prepregnancy_check": 1, "job_health_certificate": 1}
    fund = Fraction(len(months_in(facts.get("housing_fund_months", ()), last)), 5)
    schooling = max(len(months_in(facts.get(name, ()), last)) // 12 for name in ("kindergarten", "primary_school"))
    return {
        "age": age(day_of(facts["birth_date"]), on) if settle else Fraction(0),
        "unmarried": Fraction(10 if settle and facts.get("is_unmarried") else 0),
        "public_service_field": capped(4 * (len(months_in(facts.get("public_service_work", ()), last)) // 12), 20),
        "patents": patents(facts, on),
        "honours": honours(facts, on),
        "skill_contest": skill_contest(facts, on),
        "volunteering": capped(amounts(within(facts.get("volunteering", ()), on, 5)) // 50 * 3, 30),
        "blood": capped(amounts(within(facts.get("blood", ()), on, 5)) // 200 * 3, 30),
        "marrow": Fraction((5 if "registered" in marrow else 0) + (50 if "donated" in marrow else 0)),
        "business": best(facts.get("business", ()), {"sole_trader": 3, "partnership": 6, "company": 10}),
        "tax": Fraction(tax),
        "health": Fraction(sum(points for name, points in health.items() if facts.get(name))),
        "housing_fund": (3 if facts.get("has_housing_fund") else 0) + capped(fund, 12),
        "child_schooling": Fraction(0 if settle else 5 * schooling),
        f"family_planning_{service}": Fraction(
            30 if facts.get("child_in_plan") else 10 if facts.get("violation_handled") else 0
        ),
    }


def deductions(facts: Facts, on: date) -> dict[str, Fraction]:
    return {
        "detox": Fraction(-50 * len(within(facts.get("compulsory_detox", ()), on, 5))),
        "negligent_crime": Fraction(-100 if within(facts.get("negligent_crimes", ()), on, 5) else 0),
        "administrative_detention": Fraction(-15 * len(within(facts.get("detentions", ()), on, 3))),
    }


def foshan_2016(facts: Facts, applied_on: date, service: str) -> Counted:
    last = month_of(applied_on)
    points = basic(facts, last) | extra(facts, applied_on, service)
    if service == "settle":
        points |= deductions(facts, applied_on)
    total = sum(points.values(), Fraction(0))
    held = run_up_to(months_in(facts.get("permits", ()), last), last) >= 6
    insured = service == "school" or bool(facts.get("was_insured_last_month"))
    return Counted(
        points,
        total,
        is_eligible=bool(facts.get("lives_or_works_in_city")) and held and insured,
        is_vetoed=bool(facts.get("gave_false_material")) or (service == "settle" and bool(facts.get("has_serious_crime"))),
        passes=total >= 30,
    )
