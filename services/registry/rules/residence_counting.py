"""Since when somebody has lived here without a break, by registrations and by the papers of 2009 (RR-13, RR-21, MPS-38).

Only a current registration says that somebody lives here now. What it is the last link of may reach back over old papers, which
are records of residence as registrations are.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from services.registry.rules.division import county_of
from services.registry.rules.historical_permits import HistoricalParameters, Paper, begun_with, recorded_residence
from services.registry.rules.residence_registration import (
    RegistrationParameters,
    RegistrationPeriod,
    registered_since,
    without_errors,
)


def resided_since(
    periods: Sequence[RegistrationPeriod],
    papers: Iterable[Paper],
    on: date,
    registration: RegistrationParameters,
    historical: HistoricalParameters,
) -> date | None:
    """The start of unbroken residence in this county, seen from `on`; `None` when not registered that day.

    The chain may change between registrations and papers as often as life did.
    """
    since = registered_since(periods, on, registration)
    if since is None:
        return None
    lived = without_errors(periods)
    county = _county(next(period.division_code for period in lived if period.registered_on == since))
    links = (*recorded_residence(papers, historical), *lived)
    here = [period for period in links if _county(period.division_code) == county]
    return begun_with(here, since, registration.continuity_gap_days_max.on(on)) or since


def _county(code: str) -> str:
    return county_of(code) or code
