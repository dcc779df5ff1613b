"""Settings of this service: those every service has."""

from typing import ClassVar

from services.chassis.settings import ServiceSettings


class HealthSettings(ServiceSettings):
    """Read from `XINSHIMIN_HEALTH__…`, then from `XINSHIMIN_…`."""

    process: ClassVar[str] = "health"
