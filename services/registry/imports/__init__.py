"""The bulk door: rosters as files, row by row under the rules of the single door, in few statements (decision 0023).

The process that works an import off runs it (`python -m services.registry`); the API never imports it.
"""

from services.chassis.long_work.tables.by_rows import act_of
from services.registry.imports.employments import EmploymentList
from services.registry.imports.field_visits import VisitList
from services.registry.imports.residents import import_residents
from services.registry.imports.stays import GuestList
from services.registry.schemas.rosters.kinds import RosterKind

ACTS = {
    f"import.{RosterKind.RESIDENTS}": import_residents,
    f"import.{RosterKind.EMPLOYMENTS}": act_of(EmploymentList),
    f"import.{RosterKind.STAYS}": act_of(GuestList),
    f"import.{RosterKind.FIELD_VISITS}": act_of(VisitList),
}
