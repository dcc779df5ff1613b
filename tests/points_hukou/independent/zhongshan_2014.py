"""Zhongshan 2014 (中府〔2014〕106号, 中府办〔2014〕50号): one score, three services."""

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
EDUCATION = {"junior_middle": 20, "senior_secondary": 30, "junior_college": 60, "bachelor_or_above": 80}
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
ASSESSED = {"like_junior_title": 50, "like_mid_title": 70}


def years_of_each_kind(facts: Facts, name: str, last: int) -> int:
    return sum(len(months_in(facts.get(name, ()), last, [kind])) // 12 for kind in KINDS)


def flags(facts: Facts, points: dict[str, int]) -> Fraction:
    return Fraction(sum(each for name, each in points.items() if facts.get(name)))


def per(units: int, size: int, points: int, cap: int) -> Fraction:
    """Points for every full unit."""
    return capped(units // size * points, cap)


def basic(facts: Facts, on: date, service: str) -> dict[str, Fraction]:
    last = month_of(on)
    qualification = best(facts.get("qualification", ()), QUALIFICATION)
    assessed = best(facts.get("employer_assessed", ()), ASSESSED) if service == "settle" else Fraction(0)
    return {
        "education": best(facts.get("education", ()), EDUCATION),
        "qualification": qualification if qualification >= assessed else Fraction(0),
        "employer_assessed": assessed if assessed > qualification else Fraction(0),
        "insurance_in_province": capped(Fraction(3, 2) * years_of_each_kind(facts, "insurance_in_province", last), 75),
        "insurance_in_city": capped(Fraction(1, 2) * years_of_each_kind(facts, "insurance_in_city", last), 25),
        "home": flags(facts, {"has_home_of_standard": 100}),
        "permit_years": capped(5 * (len(months_in(facts.get("permits", ()), last)) // 12), 50),
    }


def family_planning(facts: Facts) -> Fraction:
    """Historic."""
    points = flags(facts, {"has_family_planning_certificate": 3})
    points += 25 if facts.get("is_sterilised") else 10 if facts.get("has_iud") else 0
    return points + {1: 10, 2: 15, 3: 20}.get(facts.get("years_of_pregnancy_checks", 0), 0)


def family_planning_school(facts: Facts) -> Fraction:
    """Historic; no violation and a violation handled exclude each other."""
    handled = 60 if facts.get("violation_all_handled") else 20 if facts.get("violation_partly_handled") else 0
    return max(flags(facts, {"no_violation_of_both": 100}), Fraction(handled))


def honours(facts: Facts, on: date) -> Fraction:
    def number(*kinds: str) -> int:
        return len(within(facts.get("honours", ()), on, None, kinds))

    return (
        capped(30 * number("county", "county_in_city"), 60)
        + capped(60 * number("prefecture", "prefecture_in_city"), 120)
        + capped(10 * number("county_in_city"), 20)
        + capped(20 * number("prefecture_in_city"), 40)
    )


def social_contribution(facts: Facts, on: date) -> dict[str, Fraction]:
    """Of the last five years; marrow without a window, sanitation by its own years."""

    def units(name: str, *kinds: str) -> int:
        return amounts(within(facts.get(name, ()), on, 5, kinds or None))

    general, special = units("volunteering", "general", "general_in_city"), units("volunteering", "special")
    volunteering = capped(general // 50 * 2 + special // 25 * 2, 10) + per(units("volunteering", "general_in_city"), 50, 2, 10)
    roles = {"part_time_liaison": 5, "junior_safety": 5, "mid_safety": 10, "senior_safety": 15}
    marrow = facts.get("marrow", ())
    years = len(months_in(facts.get("sanitation_work", ()), month_of(on))) // 12
    return {
        "volunteering": volunteering,
        "safety_volunteering": per(units("safety_volunteering"), 50, 2, 10),
        "donation": per(units("donations"), 1000, 2, 10) + per(units("donations", "in_city"), 1000, 1, 5),
        "blood": per(units("blood"), 200, 2, 10) + per(units("blood", "in_city"), 200, 1, 5),
        "tip_off": capped(Fraction(3, 10) * len(within(facts.get("tip_offs", ()), on, 5)), 20),
        "liaison": best(facts.get("liaison_roles", ()), roles),
        "marrow": Fraction((10 if "registered" in marrow else 0) + (50 if "donated" in marrow else 0)),
        "sanitation": capped(15 + 5 * (years - 3), 30) if years >= 3 else Fraction(0),
    }


def invest_tax(facts: Facts, on: date) -> Fraction:
    years = last_years(on, 5)
    return Fraction(
        facts.get("investment", 0) // 100_000
        + amount_in_years(facts.get("income_tax", {}), years) // 1000
        + amount_in_years(facts.get("business_tax_share", {}), years) // 10_000
    )


def child_schooling(facts: Facts, last: int) -> Fraction:
    kindergarten = len(months_in(facts.get("kindergarten", ()), last)) // 12
    primary = len(months_in(facts.get("primary_school", ()), last)) // 12
    return capped(kindergarten, 3) + capped(primary, 6)


def extra(facts: Facts, on: date, service: str) -> dict[str, Fraction]:
    last = month_of(on)
    patents = [len(within(facts.get("patents", ()), on, 5, [kind])) for kind in ("invention", "utility_or_design")]
    fund = Fraction(len(months_in(facts.get("housing_fund_months", ()), last)), 10)
    health = {"child_vaccination": 1, "maternal_child_care": 1, "premarital_check": 1, "job_health_certificate": 1}
    return {
        # under 35 (choice): the wording, 35周岁以下, would include the number
        "age": Fraction(5 if 18 <= full_years(day_of(facts["birth_date"]), on) < 35 else 0),
        "unmarried": flags(facts, {"is_unmarried": 15}),
        "family_planning": family_planning(facts),
        "family_planning_school": family_planning_school(facts) if service == "school" else Fraction(0),
        "needed_talent": best(facts.get("needed_talent", ()), {"city_list": 50, "town_list": 20}),
        "patents": Fraction(30 * patents[0] + 10 * patents[1]),
        "honours": honours(facts, on),
        **social_contribution(facts, on),
        "invest_tax": invest_tax(facts, on),
        "health": flags(facts, health),
        "child_card": flags(facts, {"has_child_card": 3}),
        "housing_fund": flags(facts, {"has_housing_fund": 3}) + capped(fund, 12),
        "social_education": capped(4 * facts.get("social_education_certificates", 0), 20),
        "child_schooling": child_schooling(facts, last) if service == "school" else Fraction(0),
    }


def deductions(facts: Facts, on: date) -> dict[str, Fraction]:
    return {
        "out_of_plan_birth": Fraction(-60 * facts.get("out_of_plan_births", 0)),
        "criminal_punishment": Fraction(-100 if within(facts.get("criminal_punishments", ()), on, 5) else 0),
        "administrative_detention": Fraction(-10 * len(within(facts.get("detentions", ()), on, 3))),
    }


def is_eligible(facts: Facts, on: date, service: str) -> bool:
    last = month_of(on)
    eligible = bool(facts.get("is_not_local")) and bool(facts.get("has_permit"))
    eligible = eligible and len(months_in(facts.get("work_in_city", ()), last)) >= 12
    if service == "housing":
        names = ("was_insured_last_month", "has_no_home_of_standard", "has_settled_family_planning")
        return eligible and all(facts.get(name) for name in names)
    if service == "settle":
        # Backwards from the day of acceptance, which is the day an application is handed in.
        worked = run_up_to(months_in(facts.get("insured_and_registered", ()), last), last, bridged=3) >= 36
        home = bool(facts.get("has_home_of_standard"))
        return (
            eligible and bool(facts.get("was_insured_last_month")) and bool(facts.get("is_of_working_age")) and (home or worked)
        )
    return eligible


def zhongshan_2014(facts: Facts, applied_on: date, service: str) -> Counted:
    points = basic(facts, applied_on, service) | extra(facts, applied_on, service)
    if service != "school":
        points |= deductions(facts, applied_on)
    total = sum(points.values(), Fraction(0))
    if "outside" in facts.get("town", ()) and total > 0:
        total += two_places(total * Fraction(30, 100))
    least = 60 if service == "settle" else 30
    return Counted(points, total, is_eligible=is_eligible(facts, applied_on, service), passes=total >= least)
