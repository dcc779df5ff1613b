"""Beijing settlement, trial version (北京市积分落户管理办法(试行)), Art 5."""

from datetime import date
from fractions import Fraction

from .plain import (
    Counted,
    Facts,
    amount_in_years,
    best,
    capped,
    day_of,
    full_years,
    last_years,
    month_of,
    months_in,
    run_up_to,
)

BEGIN = date(2017, 1, 1)
EDUCATION = {"junior_college": "10.5", "bachelor_both": "15", "master_both": "26", "doctor_both": "37"}


def years_of_continuous_insurance(insured: set[int]) -> int:
    """Full years of each unbroken run (5(1))."""
    years = 0
    for first in sorted(month for month in insured if month - 1 not in insured):
        length = 0
        while first + length in insured:
            length += 1
        years += length // 12
    return years


def housing(facts: Facts, insured: int, last: int) -> Fraction:
    """5(2): full years of each kind, own home first (choice), each month once, no more years than of insurance."""
    homes = facts.get("homes", ())
    left = min(insured, len(months_in(homes, last))) // 12
    points = Fraction(0)
    for kind, rate in (("own_home", Fraction(1)), ("lawful_rental", Fraction(1, 2)), ("employer_dormitory", Fraction(1, 2))):
        years = min(len(months_in(homes, last, [kind])) // 12, left)
        points += years * rate
        left -= years
    return points


def live_outside_core(facts: Facts, last: int) -> Fraction:
    """5(4): one case (choice); whoever moved home and job has moved home."""
    rows = facts.get("moved_out", ())
    both = months_in(rows, last, ["home_and_job"], month_of(BEGIN))
    home = months_in(rows, last, None, month_of(BEGIN))
    return max(capped(len(both) // 12 * 4, 12), capped(len(home) // 12 * 2, 6))


def innovation(facts: Facts, last: int) -> Fraction:
    def years(name: str) -> int:
        return len(months_in(facts.get(name, ()), last)) // 12

    return max(
        capped(facts.get("national_award_points", 0), 12),
        capped(facts.get("city_award_points", 0), 6),
        capped(2 * years("high_tech_core_staff"), 6),
        capped(2 * years("incubated_startup"), 6),
        capped(years("incubator_service"), 3),
    )


def tax(facts: Facts, on: date) -> Fraction:
    """5(6): on average of the last three years."""
    years = last_years(on, 3)
    own = amount_in_years(facts.get("income_tax", {}), years) >= 3 * 100_000
    firm = amount_in_years(facts.get("firm_tax_share", {}), years) >= 3 * 200_000
    return Fraction(6 if own or firm else 0)


def since_begin(facts: Facts, name: str, on: date) -> int:
    return sum(BEGIN <= day_of(row["on"]) <= on for row in facts.get(name, ()))


def beijing_2017(facts: Facts, applied_on: date) -> Counted:
    last = month_of(applied_on)
    insured = months_in(facts.get("insurance", ()), last)
    insured_years = years_of_continuous_insurance(insured)
    points = {
        "employment": Fraction(3 * insured_years if facts.get("has_contract_or_business") else 0),
        "housing": housing(facts, len(insured), last),
        "education": best(facts.get("education", ()), EDUCATION),
        "live_outside_core": live_outside_core(facts, last),
        "innovation": innovation(facts, last),
        "tax": tax(facts, applied_on),
        "tax_offence": Fraction(-12 * since_begin(facts, "tax_offences", applied_on)),
        "age": Fraction(20 if full_years(day_of(facts["birth_date"]), applied_on) <= 45 else 0),
        "honours": Fraction(20 if facts.get("has_honour") else 0),
        "law_record": Fraction(-30 * since_begin(facts, "detentions", applied_on)),
    }
    eligible = (
        bool(facts.get("has_permit"))
        and not facts.get("is_past_retirement_age")
        and not facts.get("has_criminal_record")
        and run_up_to(insured, last) >= 84
    )
    return Counted(points, sum(points.values(), Fraction(0)), is_eligible=eligible)
