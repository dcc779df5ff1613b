"""Xiamen points for primary-school entry of migrant children 2016 (厦教基〔2016〕1号)."""

from datetime import date
from fractions import Fraction

from .plain import Counted, Facts, capped, month_of, months_in, run_up_to

SIMING_AND_HULI = ("350203", "350206")


def xiamen_2016(facts: Facts, applied_on: date) -> Counted:
    def years(name: str) -> int:
        return len(months_in(facts.get(name, ()), month_of(applied_on))) // 12

    least = 2 if str(facts.get("district", ""))[:6] in SIMING_AND_HULI else 1
    points = {
        "base": Fraction(30 if facts.get("is_eligible") else 0),
        "residence_and_work": capped(2 * max(0, years("residence_and_work") - least), 12),
        "insurance": capped(4 * max(0, years("insurance") - least), 24),
        "home_in_district": Fraction(20 if facts.get("home_share", 0) > 5000 else 0),
        "same_district": Fraction(9 if facts.get("home_and_job_in_district") else 0),
        "family_planning": Fraction(5 if facts.get("follows_family_planning") else 0),
        "second_parent": capped(years("second_residence_and_work") + 2 * years("second_insurance"), 10),
    }
    total = capped(sum(points.values(), Fraction(0)), 110)
    last = month_of(applied_on)
    runs = [run_up_to(months_in(facts.get(name, ()), last), last) for name in ("residence_and_work", "insurance")]
    return Counted(points, total, is_eligible=bool(facts.get("is_eligible")) and min(runs) >= 12 * least)
