"""Beijing settlement, second version (京政办发〔2020〕9号)."""

from datetime import date
from fractions import Fraction

from .plain import Counted, Facts, best, capped, day_of, full_years, last_years, month_of, months_in, two_places

JANUARY_2018 = 2018 * 12
EDUCATION = {
    "junior_college": "10.5",
    "bachelor_diploma_only": "10.5",
    "bachelor_degree_only": "10.5",
    "bachelor_both": "15",
    "master_diploma_only": "15",
    "master_degree_only": "15",
    "master_both": "26",
    "doctor_diploma_only": "26",
    "doctor_degree_only": "26",
    "doctor_both": "37",
}


def housing(facts: Facts, insured: int, last: int) -> Fraction:
    """Own home first (choice); each kind rounded, then added; a month counts once, and no more of them than of insurance.

    That insured months up to July 2020 without an own home are rental is how the months of homes are listed.
    """
    homes = facts.get("homes", ())
    left = min(insured, len(months_in(homes, last)))
    points = Fraction(0)
    for kind, rate in (
        ("own_home", Fraction(1, 12)),
        ("lawful_rental", Fraction(1, 24)),
        ("employer_dormitory", Fraction(1, 24)),
    ):
        months = min(len(months_in(homes, last, [kind])), left)
        points += two_places(months * rate)
        left -= months
    return points


def study_overlap(facts: Facts, education: Fraction, last: int) -> Fraction:
    if education == 0:
        return Fraction(0)
    at_most = 48 if education == 15 else 36
    months = min(len(months_in(facts.get("study_overlap", ()), last)), at_most)
    return -two_places(months * Fraction(7, 24))


def live_outside_core(facts: Facts, last: int) -> Fraction:
    if not facts.get("lives_outside_in_december"):
        return Fraction(0)
    rows = facts.get("outside_core", ())
    both = len(months_in(rows, last, ["home_and_job"], JANUARY_2018)) // 12
    home = len(months_in(rows, last, ["home_only"], JANUARY_2018)) // 12
    left = len(months_in(rows, last, None, JANUARY_2018)) // 12 - both
    return capped(both * 3 + min(home, left) * 2, 12)


def innovation(facts: Facts) -> Fraction:
    financing = facts.get("startup_financing", 0)
    share = 0
    if facts.get("holds_startup_share"):
        share = 6 if financing >= 40_000_000 else 4 if financing >= 20_000_000 else 2 if financing >= 5_000_000 else 0
    return capped(max(facts.get("science_culture_award_points", 0), facts.get("innovation_contest_points", 0), share), 12)


def age(birth: date, on: date) -> Fraction:
    years = full_years(birth, on)
    if years <= 45:
        return Fraction(20)
    return Fraction({46: 16, 47: 12, 48: 8, 49: 4}.get(years, 0))


def insured_seven_years(insured: set[int], back_paid: set[int], last: int) -> bool:
    """84 months paid in time without a break up to December; up to five back-paid ones fill gaps and do not count (choice)."""
    month, paid, filled = last, 0, 0
    while paid < 84:
        if month in insured:
            paid += 1
        elif month in back_paid and filled < 5:
            filled += 1
        else:
            return False
        month -= 1
    return True


def beijing_2020(facts: Facts, applied_on: date) -> Counted:
    year_before = applied_on.year - 1
    last = month_of(date(year_before, 12, 31))
    insured = months_in(facts.get("insurance", ()), last)
    education = best(facts.get("education", ()), EDUCATION)
    taxed = [year for year in last_years(applied_on, 3) if facts.get("income_tax", {}).get(str(year), 0) >= 100_000]
    five_years = last_years(applied_on, 5)
    offences = [row for row in facts.get("tax_offences", ()) if day_of(row["on"]).year in five_years]
    detentions = [row for row in facts.get("detentions", ()) if day_of(row["on"]).year in five_years]
    points = {
        "employment": two_places(Fraction(1, 4) * len(insured)),
        "housing": housing(facts, len(insured), last),
        "education": education,
        "study_overlap": study_overlap(facts, education, last),
        "live_outside_core": live_outside_core(facts, last),
        "innovation": innovation(facts),
        "tax": capped(2 * len(taxed), 6),
        "tax_offence": Fraction(-12 * len(offences)),
        "age": age(day_of(facts["birth_date"]), date(year_before, 1, 1)),
        "honours": Fraction(20 if facts.get("has_honour") else 0),
        "law_record": Fraction(-30 * len(detentions)),
    }
    eligible = (
        bool(facts.get("has_permit"))
        and not facts.get("is_past_retirement_age")
        and not facts.get("has_criminal_record")
        and insured_seven_years(insured, months_in(facts.get("back_paid", ()), last), last)
    )
    return Counted(points, sum(points.values(), Fraction(0)), is_eligible=eligible)
