"""The province's five items in OpenFisca-core, for `points.py`; run by the Python of an environment of its own.

`python openfisca_five.py inputs.npz outputs.npz`: counts everybody three times, each in a new simulation, and writes the
totals and the seconds. OpenFisca knows no stretches of time, so the months insured come counted.
"""

import sys
import time
from calendar import monthrange

import numpy as np
from openfisca_core import entities, periods, simulation_builder, taxbenefitsystems, variables

ROUNDS = 3
_UNKNOWN = 10**6
_PERSON = entities.Entity("person", "persons", "A person", "")


def _variable(name, value_type, period, **formula):
    """A variable as OpenFisca wants it: a class with everything written in it."""
    parts = {"entity": _PERSON, "definition_period": period, "value_type": value_type, "label": name, **formula}
    return type(name, (variables.Variable,), parts)


def _since(days, period):
    """Months and days of the month from each day to that of the period."""
    start = period.start
    months = days.astype("M8[D]").astype("M8[M]")
    day_of_month = days - months.astype("M8[D]").astype(np.int64) + 1
    is_short = np.minimum(day_of_month, monthrange(start.year, start.month)[1]) > start.day
    return (start.year - 1970) * 12 + start.month - 1 - months.astype(np.int64) - is_short


def _age(person, period):
    years = _since(person("birth", period), period) // 12
    return np.minimum(np.where(years <= 60, 5, 0) + np.maximum(55 - years, 0), 20)


def _education(person, period):
    """0 none, 1 senior secondary or below, 2 junior college, 3 bachelor or above."""
    return np.array([0, 5, 8, 10])[person("education", period)]


def _skill(person, period):
    """0 none, 1 level 5, 2 level 4, 3 level 3, 4 level 2 or above."""
    return np.array([0, 3, 5, 8, 10])[person("skill", period)]


def _insurance(person, period):
    return np.minimum(person("insured_months", period) * 0.5, 30)


def _residence(person, period):
    """Days since 1970; a million where unknown."""
    since = person("registered_since", period)
    return np.minimum(np.where(since < _UNKNOWN, np.maximum(_since(since, period), 0), 0) * 0.25, 30)


def _points(person, period):
    return np.minimum(sum(person(name, period) for name in _ITEMS), 100)


_ITEMS = {"age_points": _age, "education_points": _education, "skill_points": _skill}
_ITEMS |= {"insurance_points": _insurance, "residence_points": _residence}
_INPUTS = ("birth", "registered_since", "education", "skill", "insured_months")


def main(given: str, wanted: str) -> None:
    """Count and write."""
    inputs = np.load(given)
    day = str(inputs["day"])
    system = taxbenefitsystems.TaxBenefitSystem([_PERSON])
    system.add_variables(*(_variable(name, int, periods.DateUnit.ETERNITY) for name in _INPUTS))
    for name, formula in {**_ITEMS, "points": _points}.items():
        system.add_variables(_variable(name, float, periods.DateUnit.DAY, formula=formula))
    seconds = []
    for _ in range(ROUNDS):
        builder = simulation_builder.SimulationBuilder()
        builder.create_entities(system)
        builder.declare_person_entity("person", range(len(inputs["birth"])))
        simulation = builder.build(system)
        for name in _INPUTS:
            simulation.set_input(name, day, inputs[name])
        started = time.perf_counter()
        total = simulation.calculate("points", day)
        seconds.append(time.perf_counter() - started)
    np.savez(wanted, total=np.round(total.astype(np.float64) * 100).astype(np.int64), seconds=seconds)


if __name__ == "__main__":
    main(*sys.argv[1:])
