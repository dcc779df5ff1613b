"""A calendar of working days that has not been announced yet."""

from services.chassis.parameters import Document
from services.chassis.working_days import WorkingDays, read_working_days
from tests.registry.case_files import CALENDAR


def with_2027() -> WorkingDays:
    """The calendar that ships, and a made-up notice of the year after: 1 January off, and no more."""
    text = CALENDAR.read_text("utf-8")
    row = 'year = 2027\ndays_off = ["2027-01-01"]\ndays_worked = []\nsource = "supposed"\n'
    return read_working_days(Document.parse("working_days.toml", f"{text}\n[[years.rows]]\n{row}"))
