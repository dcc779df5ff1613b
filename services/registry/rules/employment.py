"""Employers and employment: industry (GB/T 4754), occupation (GB/T 6565), and the report that is due within three working
days of a start and of an end (RR-14, RR-19). Late is a fact that is shown, never a ground for refusing a report.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.parameters import Document, Fields, History, Register, text, whole_number
from services.chassis.working_days import Deadline, WorkingDays
from services.registry.rules.findings import Finding

_INDUSTRY = re.compile("([A-T])(?:([0-9]{2})[0-9]{0,2})?")
_OCCUPATION = re.compile("[1-8]([0-9]{2}){0,2}")

INDUSTRY_UNKNOWN = Finding(
    "industry_unknown",
    "C-29",
    "应为国民经济行业分类(GB/T 4754-2017)代码:门类字母,可加2至4位数字,且大类属于该门类。",
    "A code of GB/T 4754-2017 is expected: the section's letter, optionally 2 to 4 digits, of a division of that section.",
)
OCCUPATION_UNKNOWN = Finding(
    "occupation_unknown",
    "C-29",
    "应为职业分类(GB/T 6565-2015)代码:大类1至8,可加中类、小类各2位。",
    "A code of GB/T 6565-2015 is expected: major group 1 to 8, optionally two or four more digits.",
)


class EmployerStatus(StrEnum):
    """Whether it exists."""

    REGISTERED = "registered"
    ENDED = "ended"


class EmployerEndReason(StrEnum):
    """Why an employer is no more."""

    DEREGISTERED = "deregistered"
    """注销"""
    LICENCE_REVOKED = "licence_revoked"
    """吊销"""
    MOVED_AWAY = "moved_away"
    RECORDED_IN_ERROR = "recorded_in_error"


class EmploymentEndReason(StrEnum):
    """Why somebody works there no more."""

    RESIGNED = "resigned"
    DISMISSED = "dismissed"
    CONTRACT_EXPIRED = "contract_expired"
    RETIRED = "retired"
    DIED = "died"
    OTHER = "other"
    RECORDED_IN_ERROR = "recorded_in_error"
    """it never was; then it counts for nothing (V-18)"""


@dataclass(frozen=True, slots=True)
class IndustrySection:
    """A section (门类) and the two-digit divisions (大类) in it, both included."""

    code: str
    name_zh: str
    name_en: str
    division_from: int
    division_to: int


@dataclass(frozen=True, slots=True)
class EmploymentLaw:
    """The values in `employment.toml`."""

    report_working_days_max: History[int]
    industries: Register[IndustrySection]

    def is_industry(self, code: str) -> bool:
        """Whether it is a section or something finer inside one."""
        form = _INDUSTRY.fullmatch(code)
        section = next((row.value for row in self.industries.rows if form and row.value.code == form[1]), None)
        if form is None or section is None:
            return False
        return form[2] is None or section.division_from <= int(form[2]) <= section.division_to

    def report_deadline(self, event_on: date, calendar: WorkingDays) -> Deadline | None:
        """Until when a start or an end is reported (RR-14, RR-19); `None` before the duty was in force."""
        for entry in self.report_working_days_max.entries:
            if entry.is_in_force(event_on):
                return calendar.deadline(event_on, entry.value)
        return None

    def report_settled_until(self, calendar: WorkingDays) -> date:
        """The last day whose starts and ends have a deadline counted by notices alone, whichever term was in force."""
        return calendar.settled_until(max(entry.value for entry in self.report_working_days_max.entries))


def is_occupation(code: str) -> bool:
    """Whether it has the form of an occupation: major group, optionally finer (GB/T 6565-2015)."""
    return _OCCUPATION.fullmatch(code) is not None


def read_employment_law(document: Document) -> EmploymentLaw:
    """The values in `employment.toml`. Raises ParameterError."""
    law = EmploymentLaw(
        report_working_days_max=document.history("report_working_days_max", whole_number(1, 60)),
        industries=document.register("industries", _read_section),
    )
    document.finish()
    return law


def _read_section(fields: Fields) -> IndustrySection:
    return IndustrySection(
        code=fields.take("code", text),
        name_zh=fields.take("zh", text),
        name_en=fields.take("en", text),
        division_from=fields.take("from", whole_number(1, 97)),
        division_to=fields.take("to", whole_number(1, 97)),
    )
