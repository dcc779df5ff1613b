"""The whole law of the registry, built once from its documents and handed to the actions.

LAW = compile_law(read_folder(folder), national_divisions, calendar())     # in actions; the rules themselves read no files
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.parameters import Document
from services.chassis.working_days import WorkingDays
from services.registry.rules.code_tables import CodeTables, read_code_tables
from services.registry.rules.division_tree import Divisions, read_divisions
from services.registry.rules.duplicates import DuplicateParameters, read_duplicates
from services.registry.rules.employment import EmploymentLaw, read_employment_law
from services.registry.rules.field_work.rates import FieldWorkParameters, read_field_work
from services.registry.rules.historical_permits import HistoricalParameters, read_historical_parameters
from services.registry.rules.homes.law import HomesLaw, read_homes_law
from services.registry.rules.notice_templates import Notices, read_notices
from services.registry.rules.regimes import Regimes, read_regimes
from services.registry.rules.residence_registration import RegistrationParameters, read_registration_parameters
from services.registry.rules.retention import RetentionParameters, read_retention
from services.registry.rules.rights import RightsParameters, read_rights


@dataclass(frozen=True, slots=True)
class RegistryLaw:
    """What the registry's actions need to decide anything."""

    divisions: Divisions
    code_tables: CodeTables
    registration: RegistrationParameters
    regimes: Regimes
    working_days: WorkingDays
    notices: Notices
    historical: HistoricalParameters
    rights: RightsParameters
    homes: HomesLaw
    employment: EmploymentLaw
    field_work: FieldWorkParameters
    duplicates: DuplicateParameters
    retention: RetentionParameters


def compile_law(documents: Mapping[str, Document], national_divisions: bytes, working_days: WorkingDays) -> RegistryLaw:
    """Read every document; a missing, malformed or unread value stops the start with a message naming it (ParameterError)."""
    return RegistryLaw(
        divisions=read_divisions(documents["divisions"], national_divisions),
        code_tables=read_code_tables(documents["code_tables"]),
        registration=read_registration_parameters(documents["residence_registration"]),
        regimes=read_regimes(documents),
        working_days=working_days,
        notices=read_notices(documents["notices"]),
        historical=read_historical_parameters(documents["historical_permits"]),
        rights=read_rights(documents["rights"]),
        homes=read_homes_law(documents),
        employment=read_employment_law(documents["employment"]),
        field_work=read_field_work(documents["field_work"]),
        duplicates=read_duplicates(documents["duplicates"]),
        retention=read_retention(documents["retention"]),
    )
