"""Settings of this service: those every service has."""

from typing import ClassVar

from services.chassis.settings import ServiceSettings


class EducationSettings(ServiceSettings):
    """Read from `XINSHIMIN_EDUCATION__…`, then from `XINSHIMIN_…`."""

    process: ClassVar[str] = "education"
